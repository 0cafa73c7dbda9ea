"""Loads folders with LLaMA-Factory's own loader, by the dataset_info.json in them, and looks at the tokens that it would train on.

    llamafactory_load.py INPUT.jsonl FOLDER PROMPT KINDS"""
import importlib.machinery
import importlib.util
import os
import sys

import tiny

os.environ.update(DISABLE_VERSION_CHECK="1", USE_MODELSCOPE_HUB="0", CUDA_VISIBLE_DEVICES="")


def load(weights, folder, split):
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    model_args, data_args, training_args, _, _ = get_train_args({
        "model_name_or_path": weights, "stage": "sft", "do_train": True, "finetuning_type": "full", "template": "chatml", "cutoff_len": 100000,
        "dataset_dir": folder, "dataset": split, "output_dir": os.path.join(weights, "out"), "report_to": "none", "use_cpu": True,
    })
    tok = load_tokenizer(model_args)["tokenizer"]
    template = get_template_and_fix_tokenizer(tok, data_args)
    found = get_dataset(template, model_args, data_args, training_args, stage="sft", tokenizer=tok)
    return [tok.decode(ids) for ids in found["train_dataset"]["input_ids"]]


def dropped(turns):
    """Behind a system turn it wants user and assistant in turn; of the records here those of one turn are not so."""
    turns = turns[1:] if turns and turns[0]["role"] == "system" else turns
    return len(turns) < 2


def main(source, folder, prompt, kinds):
    from importlib.metadata import version

    # It imports torchaudio for sound, which no record has; the wheels of that want one build of torch alone.
    sys.modules["torchaudio"] = importlib.util.module_from_spec(importlib.machinery.ModuleSpec("torchaudio", None))
    weights, name, count = os.path.join(os.environ["HF_HOME"], "model"), "LLaMA-Factory " + version("llamafactory"), "llama_factory_drops"
    tiny.model(weights)
    tiny.compare(name, folder, source, prompt, load(weights, folder, "train"), load(weights, folder, "test"), dropped, count)
    tiny.kinds(name, kinds, load(weights, kinds, "train"), count)


if __name__ == "__main__":
    main(*sys.argv[1:])
