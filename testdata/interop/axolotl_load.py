"""Loads folders with Axolotl's own loader, by the lines that the card gives, and looks at the tokens that it would train on.

    axolotl_load.py INPUT.jsonl FOLDER PROMPT KINDS

The folders were written with `check: {for: [axolotl]}`, which makes rejects of the records that Axolotl stops at."""
import os
import sys

import tiny

os.environ.update(CUDA_VISIBLE_DEVICES="", AXOLOTL_DO_NOT_TRACK="1", DO_NOT_TRACK="1", WANDB_DISABLED="true")


def load(weights, tok, folder, *splits):
    from axolotl.common.datasets import load_datasets
    from axolotl.utils.config import normalize_config, validate_config
    from axolotl.utils.dict import DictDefault

    def of(split):
        return [{"path": folder, "split": split, "type": "chat_template", "field_messages": "messages"}]

    cfg = validate_config(DictDefault({
        "base_model": weights, "sequence_len": 100000, "chat_template": "tokenizer_default", "datasets": of("train"), **({"test_datasets": of("test")} if "test" in splits else {}),
        "output_dir": os.path.join(weights, "out"), "dataset_prepared_path": os.path.join(weights, "prepared"), "micro_batch_size": 1,
        "gradient_accumulation_steps": 1, "num_epochs": 1, "learning_rate": 1e-5, "dataset_num_proc": 1,
    }))
    normalize_config(cfg)
    meta = load_datasets(cfg=cfg)
    return [[tok.decode(ids) for ids in ds["input_ids"]] for ds in (meta.train_dataset, meta.eval_dataset)[:len(splits)]]


def main(source, folder, prompt, kinds):
    from importlib.metadata import version

    weights, name = os.path.join(os.environ["HF_HOME"], "model"), "Axolotl " + version("axolotl")
    tok = tiny.model(weights)
    train, test = load(weights, tok, folder, "train", "test")
    tiny.compare(name, folder, source, prompt, train, test, lambda turns: not turns, "reject:axolotl")
    tiny.kinds(name, kinds, load(weights, tok, kinds, "train")[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
