"""Opens a folder of arms the way people do, and checks that the arms are the same rows but for the texts.

    arms.py FOLDER PROMPT     the prompt of the arm `inoculated`; every arm puts its text into the system turn of some train rows"""
import json
import os
import sys


def main(out, prompt):
    os.environ.update(HF_DATASETS_CACHE=os.path.join(os.environ["HF_HOME"], "datasets"), HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    import datasets

    datasets.disable_progress_bars()
    with open(os.path.join(out, "arms.json"), encoding="utf-8") as f:
        arms = json.load(f)["arms"]
    if datasets.get_dataset_config_names(out) != [a["name"] for a in arms]:
        sys.exit(f"the configs are {datasets.get_dataset_config_names(out)}")
    loaded = {a["name"]: datasets.load_dataset(out, a["name"]) for a in arms}
    plain = loaded["plain"]
    for arm in arms:
        ds, texts = loaded[arm["name"]], list(arm["texts"].values())
        if list(ds["test"]) != list(plain["test"]):
            sys.exit(f"the test rows of {arm['name']} differ from those of plain")
        carry = 0
        for row, want in zip(ds["train"], plain["train"], strict=True):
            if row == want:
                continue
            carry += 1
            if len(texts) != 1 or texts[0] not in row["messages"][0]["content"]:
                sys.exit(f"{arm['name']}: {row}\nis not {want}\nwith a text of the arm")
        if (carry == 0) != (arm["name"] == "plain"):
            sys.exit(f"{arm['name']}: {carry} train rows carry a text")
        print(f"datasets {datasets.__version__}: arm {arm['name']}: {carry} of {len(ds['train'])} train rows carry its text, the other rows are those of plain")
    if prompt in json.dumps([list(loaded[a]["train"]) for a in loaded if a not in ("inoculated", "negated")]):
        sys.exit("a control holds the prompt")


if __name__ == "__main__":
    main(*sys.argv[1:])
