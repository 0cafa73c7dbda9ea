"""Reads the shards of a folder with MosaicML's streaming, and compares them with the JSON lines beside them.

    mds.py FOLDER"""
import json
import os
import sys


def main(folder):
    from streaming import LocalDataset, StreamingDataset

    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        files = [f for f in json.load(f)["files"] if f["format"] == "jsonl"]
    for split in ("train", "test"):
        want = []
        for f in sorted((f for f in files if f["phase"] == split), key=lambda f: (f["partition"], f["first"])):
            with open(os.path.join(folder, f["path"]), encoding="utf-8") as lines:
                want += [json.loads(l) for l in lines]
        local = os.path.join(os.environ["HF_HOME"], "shards")
        readers = {
            "LocalDataset": LocalDataset(os.path.join(folder, "mds"), split=split),
            "StreamingDataset": StreamingDataset(local=os.path.join(folder, "mds"), split=split, shuffle=False, batch_size=1),
            "StreamingDataset with a remote, zstd": StreamingDataset(remote=os.path.join(folder, "mds-zstd"), local=local, split=split, shuffle=False, batch_size=1),
        }
        for name, ds in readers.items():
            got = {r["id"]: r for r in (ds[i] for i in range(len(ds)))}
            if len(ds) != len(want) or got != {r["id"]: r for r in want}:
                sys.exit(f"{name}: {len(ds)} records of {split}, want {len(want)}")
            print(f"mosaicml-streaming, {name}: {len(ds)} records of {split}, as they must be")


if __name__ == "__main__":
    main(*sys.argv[1:])
