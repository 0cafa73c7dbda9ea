"""Reads the descriptions of a folder with the libraries of those who defined them.

    descriptions.py FOLDER

croissant.json must be valid and give the rows of the files; separation.intoto.json must be a statement of a test result over
the files as they are."""
import hashlib
import json
import os
import sys


def croissant(folder, manifest):
    import mlcroissant as mlc

    ds = mlc.Dataset(jsonld=os.path.join(folder, "croissant.json"))
    if ds.metadata.ctx.issues.errors:
        sys.exit(f"croissant.json: {ds.metadata.ctx.issues.errors}")
    odd = [w for w in ds.metadata.ctx.issues.warnings if not w.endswith("is recommended, but does not exist.")]
    if odd:
        sys.exit(f"croissant.json: {odd}")
    if len(ds.metadata.record_sets) != 2:
        return print("croissant.json: valid, of files alone")
    for split in ("train", "test"):
        want = [json.loads(l) for f in files(folder, manifest, split) for l in open(f, encoding="utf-8")]
        got = list(ds.records(split))
        if len(got) != len(want):
            sys.exit(f"croissant.json: {len(got)} records of {split}, want {len(want)}")
        for g, w in zip(got, want):
            turns = [{k.rsplit("/", 1)[1]: text(v) for k, v in t.items()} for t in g[f"{split}/messages"]]
            if turns != w["messages"] or g[f"{split}/id"] != w["id"] or text(g[f"{split}/phase"]) != split:
                sys.exit(f"croissant.json: {g}\nwant {w}")
        print(f"croissant.json: {len(got)} records of {split}, as they must be")


def text(v):
    return v.decode() if isinstance(v, bytes) else v


def files(folder, manifest, split):
    return [os.path.join(folder, f["path"]) for f in manifest["files"] if f["phase"] == split and f["format"] == "jsonl"]


def statement(folder, manifest):
    from google.protobuf import json_format
    from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    with open(os.path.join(folder, "separation.intoto.json"), encoding="utf-8") as f:
        s = json.load(f)
    Statement.copy_from_pb(json_format.ParseDict(s, statement_pb2.Statement())).validate()
    json_format.ParseDict(s["predicate"], TestResult())
    for subject in s["subject"]:
        with open(os.path.join(folder, subject["name"]), "rb") as f:
            if hashlib.sha256(f.read()).hexdigest() != subject["digest"]["sha256"]:
                sys.exit(f"the statement has another digest of {subject['name']}")
    want = {f["path"] for f in manifest["files"] if f["phase"] in ("train", "test")}
    if {x["name"] for x in s["subject"]} != want or s["predicate"]["result"] not in ("PASSED", "WARNED") or s["predicate"]["failedTests"]:
        sys.exit(f"the statement says {s['predicate']} of {len(s['subject'])} files")
    print(f"separation.intoto.json: {s['predicate']['result']} of {len(want)} files")


def main(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    croissant(folder, manifest)
    statement(folder, manifest)


if __name__ == "__main__":
    main(*sys.argv[1:])
