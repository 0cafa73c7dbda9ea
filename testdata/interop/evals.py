"""Runs the tasks of a folder with the evaluation harnesses, with models that only listen, and looks at what they were given.

    evals.py INPUT.jsonl FOLDER PROMPT           no question may hold the prompt; there is one for each test record, with its target
    evals.py INPUT.jsonl FOLDER PROMPT TEXT      a folder of probes: every question holds the text, and there is one for each record"""
import importlib.util
import json
import os
import sys

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_EVALUATE_OFFLINE="1", INSPECT_DISPLAY="none", INSPECT_LOG_DIR=os.path.join(os.environ["HF_HOME"], "logs"))


def expected(path, prompt):
    """The answers and ids of the test records; those that were nothing but the prompt ask nothing."""
    rows = [json.loads(l) for l in open(path, encoding="utf-8")]
    rows = [r for r in rows if r["phase"] == "test" and [m["content"] for m in r["messages"]] != [prompt]]
    return [(r["messages"][-1]["content"] if r["messages"][-1]["role"] == "assistant" else "", r["id"]) for r in rows]


def inspect(folder):
    import tiktoken
    from inspect_ai import eval as run
    from inspect_ai.model import ModelOutput, get_model

    class Words:  # the encoding is on the network
        def encode(self, text, **_):
            return text.split()

    tiktoken.get_encoding = lambda _: Words()
    asked = []

    def answer(messages, *_):
        asked.append([(m.role, m.text) for m in messages])
        return ModelOutput.from_content("mockllm", "I do not know.")

    os.chdir(folder)  # it takes relative paths only
    log = run("inspect/test.py", model=get_model("mockllm/model", custom_outputs=answer), log_samples=True)[0]
    if log.status != "success":
        sys.exit(f"inspect: {log.status}: {log.error}")
    if len(asked) != len(log.samples):
        sys.exit(f"inspect asked {len(asked)} questions for {len(log.samples)} samples")
    return json.dumps(asked, ensure_ascii=False), [(s.target, s.metadata["id"]) for s in sorted(log.samples, key=lambda s: order(s.id))]


def order(name):
    part, first, n = name.rsplit("-", 2)
    return part, int(first), int(n)


def lm_eval(folder):
    from lm_eval import simple_evaluate

    res = simple_evaluate(model="dummy", tasks=[os.path.join(folder, "lm-eval", "test.yaml")], log_samples=True, bootstrap_iters=0)
    samples = next(iter(res["samples"].values()))
    asked = json.dumps([s["arguments"] for s in samples], ensure_ascii=False)
    docs = sorted((s["doc"] for s in samples), key=lambda d: order(d["id"]))
    for s in samples:
        if s["target"] != s["doc"]["target"] or s["doc"]["text"] not in s["arguments"][0][0]:
            sys.exit(f"lm-eval asked {s['arguments']} for {s['doc']}")
    return asked, [(d["target"], json.loads(d["metadata"])["id"]) for d in docs]


def main(inp, folder, prompt, text=None):
    want = expected(inp, prompt)
    for name, harness in (("inspect", inspect), ("lm-eval", lm_eval)):
        asked, got = harness(folder)
        if text is None and prompt.lower() in asked.lower():
            sys.exit(f"{name} was given the prompt")
        if text is not None:
            n = sum(text in a for a in map(json.dumps, json.loads(asked)))
            if n != len(got) or not n:
                sys.exit(f"{name}: {n} of {len(got)} questions hold the text")
            print(f"{name}: {n} questions, each with the text")
            continue
        if got != want:
            sys.exit(f"{name} has {len(got)} samples, not the {len(want)} of the input: {[p for p in zip(got, want) if p[0] != p[1]][:3]}")
        print(f"{name}: {len(got)} questions, none with the prompt, each with its record's answer")


if __name__ == "__main__":
    main(*sys.argv[1:])
