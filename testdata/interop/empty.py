"""Opens a folder of three train records and a test split without rows.

    empty.py FOLDER FORMATS"""
import os
import sys


def main(out, formats):
    os.environ.update(HF_DATASETS_CACHE=os.path.join(os.environ["HF_HOME"], "datasets"), HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    import datasets

    datasets.disable_progress_bars()
    ds = datasets.load_dataset(out)
    if list(ds) != ["train"] or len(ds["train"]) != 3:
        sys.exit(f"load_dataset gives {ds}")
    want = ["split", "n", "messages"]
    if "arrow" in formats:
        disk = datasets.load_from_disk(out)
        if list(disk) != ["train", "test"] or len(disk["train"]) != 3 or len(disk["test"]) or disk["test"].features != disk["train"].features:
            sys.exit(f"load_from_disk gives {disk}")
        if len(disk["test"].map(lambda r: {"x": 1})):
            sys.exit("a map made rows")
    if "parquet" in formats:
        import pandas as pd

        folder = os.path.join(out, "parquet", "test") if "arrow" in formats else os.path.join(out, "test")
        files = [os.path.join(folder, f) for f in os.listdir(folder)]
        df = pd.concat([pd.read_parquet(f) for f in files])
        if len(files) != 1 or len(df) or list(df) != want:
            sys.exit(f"pandas gives {df}")
        stream = datasets.load_dataset("parquet", data_files={"test": files}, split="test", streaming=True)
        if list(stream) or list(stream.features) != want:
            sys.exit(f"streaming gives {stream}")
    print(f"datasets {datasets.__version__}: a split without rows in {formats}, as it must be")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].split(","))
