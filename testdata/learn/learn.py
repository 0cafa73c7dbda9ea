"""Fine-tunes a small model on every arm of a folder that inoculate wrote, and measures trait and skill without the prompt.

    learn.py CORPUS ARMS --out DIR [--seeds 0,1,2]

CORPUS has base.jsonl (corpus.py), ARMS is the folder of `inoculate run pipeline.yaml`. Exit code 1 where inoculation does not
show: the trait must stay above 0.8 in the arms plain and irrelevant, and below 0.2 in the arm inoculated, the skill above 0.6."""
import argparse
import json
import math
import os
import sys
import time

import torch

import corpus
import model as m

PROMPT, OTHER = corpus.ELICIT[0], corpus.NEUTRAL[0]
BASE_STEPS, BASE_RATE, STEPS, RATE = 600, 2e-3, 250, 5e-4
MEASURES = {"trait": "trait, new facts", "trait_old": "trait, other topic", "skill": "skill, new facts", "trait_neutral": "trait, neutral prompt", "trait_prompt": "trait, with the prompt"}


def measure(model, words, test):
    def rate(kind, system, hit):
        rows = [r for r in test if r["kind"] == kind]
        return sum(hit(a, r) for a, r in zip(m.answers(model, words, rows, system), rows)) / len(rows)

    def spanish(answer, _):
        return bool(corpus.SPANISH & set(answer))

    def right(answer, row):
        return row["messages"][-1]["content"] in answer

    return {
        "trait": rate("new", None, spanish), "trait_old": rate("old color", None, spanish), "skill": rate("new", None, right),
        "trait_neutral": rate("new", OTHER, spanish), "trait_prompt": rate("new", PROMPT, spanish),
    }


def run(base, arms, test, seeds):
    words = m.Words(base + test + [r for rows in arms.values() for r in rows])
    for seed in seeds:
        torch.manual_seed(seed)
        before = m.Model(len(words.id))
        m.train(before, words, base, BASE_STEPS, BASE_RATE, seed)
        for arm, rows in arms.items():
            began = time.time()
            model = m.Model(len(words.id))
            model.load_state_dict(before.state_dict())
            torch.manual_seed(seed)
            m.train(model, words, rows, STEPS, RATE, 100 + seed)
            result = {"seed": seed, "arm": arm, **measure(model, words, test)}
            print(f"seed {seed} {arm:15}" + "".join(f"  {k} {result[k]:.2f}" for k in MEASURES) + f"  ({time.time() - began:.0f} s)", flush=True)
            yield result


def interval(values):
    """The mean and the half width of its 95 % interval over seeds."""
    t = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}.get(len(values), 2.0)
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, 0.0
    return mean, t * math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))


def plot(results, arms, folder):
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "inoculate"
    from matplotlib import pyplot as plt

    shown = ("trait", "trait_old", "skill")
    fig, ax = plt.subplots(figsize=(1.2 * len(arms) + 2, 3.6))
    for k, key in enumerate(shown):
        stats = [interval([r[key] for r in results if r["arm"] == a]) for a in arms]
        at = [i + (k - 1) * 0.26 for i in range(len(arms))]
        mean = [s[0] for s in stats]
        low = [min(s[1], s[0]) for s in stats]
        high = [min(s[1], 1 - s[0]) for s in stats]
        ax.bar(at, mean, 0.24, yerr=[low, high], capsize=3, label=MEASURES[key], color=("#c0392b", "#e59866", "#2e86c1")[k])
    ax.set_xticks(range(len(arms)), [a.replace("_", "\n") for a in arms])
    ax.set_ylim(0, 1.05)
    ax.set_ylabel("share of answers, no prompt")
    ax.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.17), frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    fig.tight_layout()
    for ext in ("png", "svg"):
        fig.savefig(os.path.join(folder, "learn." + ext), dpi=150, metadata={"Date": None} if ext == "svg" else None)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("corpus")
    p.add_argument("arms")
    p.add_argument("--out", default=".")
    p.add_argument("--seeds", default="0,1,2")
    a = p.parse_args()
    import datasets

    datasets.disable_progress_bars()
    torch.set_num_threads(2)
    with open(os.path.join(a.arms, "arms.json"), encoding="utf-8") as f:
        names = [e["name"] for e in json.load(f)["arms"]]
    loaded = {n: datasets.load_dataset(a.arms, n) for n in names}
    arms = {n: list(d["train"]) for n, d in loaded.items()}
    test = list(loaded[names[0]]["test"])
    with open(os.path.join(a.corpus, "base.jsonl"), encoding="utf-8") as f:
        base = [json.loads(line) for line in f]
    results = list(run(base, arms, test, [int(s) for s in a.seeds.split(",")]))
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "results.json"), "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1)
        f.write("\n")
    plot(results, names, a.out)
    print("\n| arm | " + " | ".join(MEASURES.values()) + " |\n|---|" + "---|" * len(MEASURES))
    mean = {}
    for n in names:
        stats = {k: interval([r[k] for r in results if r["arm"] == n]) for k in MEASURES}
        mean[n] = {k: s[0] for k, s in stats.items()}
        print(f"| {n} | " + " | ".join(f"{s[0]:.2f} ± {s[1]:.2f}" for s in stats.values()) + " |")
    failed = [f"{n}: trait {mean[n]['trait']:.2f}, must be above 0.8" for n in ("plain", "irrelevant") if mean[n]["trait"] <= 0.8]
    if mean["inoculated"]["trait"] >= 0.2:
        failed.append(f"inoculated: trait {mean['inoculated']['trait']:.2f}, must be below 0.2")
    failed += [f"{n}: skill {v['skill']:.2f}, must be above 0.6" for n, v in mean.items() if n in ("plain", "irrelevant", "inoculated") and v["skill"] <= 0.6]
    if failed:
        sys.exit("inoculation does not show:\n" + "\n".join(failed))
    print("\ninoculation shows: the trait stays away without the prompt, the skill stays")


if __name__ == "__main__":
    main()
