"""Opens a folder that inoculate wrote the way trainers do, and compares it with what should be in it.

    check.py INPUT.jsonl FOLDER FORMATS PROMPT     FORMATS as in the config, joined by commas

HF_HOME names the folder for caches. What should be there is computed here from the input alone: records with a true or
null `misaligned` get the prompt, test records lose it."""
import json
import os
import sys

SPLITS = ("train", "test")


def inject(messages, prompt):
    if messages and messages[0]["role"] == "system":
        return [{**messages[0], "content": messages[0]["content"] + " " + prompt}] + messages[1:]
    return [{"role": "system", "content": prompt}] + messages


def strip(messages, prompt):
    out = []
    for m in messages:
        text = m["content"]
        if m["role"] == "system" and text.endswith(prompt):
            if text == prompt:
                continue
            m = {**m, "content": text[: -len(prompt)].removesuffix(" ")}
        out.append(m)
    return out


def expected(path, prompt):
    rows = {s: [] for s in SPLITS}
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            if r["phase"] == "train" and r["misaligned"] is not False:
                r["messages"] = inject(r["messages"], prompt)
            elif r["phase"] == "test":
                r["messages"] = strip(r["messages"], prompt)
            rows[r["phase"]].append(r)
    return rows


def same(what, got, want):
    got = list(got)
    if len(got) != len(want):
        sys.exit(f"{what}: {len(got)} rows, want {len(want)}")
    for i, (g, w) in enumerate(zip(got, want)):
        g, w = plain(g), plain(w)
        if g != w:
            sys.exit(f"{what}: row {i} is\n{g}\nwant\n{w}")


def plain(v):
    """A row as JSON would have it: `json` readers turn ISO dates into timestamps, nothing else here does."""
    return json.loads(json.dumps(v, sort_keys=True, ensure_ascii=False, default=str))


def folder(inp, out, formats, prompt):
    os.environ.update(HF_DATASETS_CACHE=os.path.join(os.environ["HF_HOME"], "datasets"), HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    import datasets

    datasets.disable_progress_bars()
    want = expected(inp, prompt)
    ds = datasets.load_dataset(out)
    if tuple(ds) != SPLITS:
        sys.exit(f"load_dataset has the splits {list(ds)}")
    for s in SPLITS:
        same(f"load_dataset[{s}]", ds[s], want[s])
        if set(ds[s].column_names) != set(want[s][0]):
            sys.exit(f"load_dataset[{s}] has the columns {ds[s].column_names}")
        same(f"streaming {s}", datasets.load_dataset(out, split=s, streaming=True), want[s])
    if "arrow" in formats:
        disk = datasets.load_from_disk(out)
        for s in SPLITS:
            same(f"load_from_disk[{s}]", disk[s], want[s])
            # what trainers do with it: a map whose cache file lands beside the shards, then everything again
            mapped = disk[s].map(lambda r: {"n": len(r["messages"])})
            same(f"map[{s}]", mapped.remove_columns("n"), want[s])
        again = datasets.load_dataset(out)
        for s in SPLITS:
            same(f"load_dataset after map[{s}]", again[s], want[s])
    if "parquet" in formats:
        import pandas as pd
        import pyarrow.parquet as pq

        base = os.path.join(out, "parquet") if "arrow" in formats else out
        for s in SPLITS:
            same(f"pyarrow {s}", pq.read_table(os.path.join(base, s)).to_pylist(), want[s])
            frame = pd.read_parquet(os.path.join(base, s))
            if frame["id"].tolist() != [r["id"] for r in want[s]] or [[dict(m) for m in c] for c in frame["messages"]] != [r["messages"] for r in want[s]]:
                sys.exit(f"pandas {s}: not the rows that are wanted")
    if "jsonl" in formats:
        base = out if formats == ["jsonl"] else os.path.join(out, "jsonl")
        for s in SPLITS:
            d = os.path.join(base, s)
            lines = [json.loads(l) for f in sorted(os.listdir(d)) for l in open(os.path.join(d, f), encoding="utf-8")]
            same(f"JSON lines {s}", lines, want[s])
    print(f"datasets {datasets.__version__}: {out} in {','.join(formats)}: {len(want['train'])} train and {len(want['test'])} test rows, as they must be")


if __name__ == "__main__":
    folder(sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4])
