"""Trains a tiny model of random weights on a folder with TRL's SFTTrainer, and looks at what it was trained on.

    trl_sft.py INPUT.jsonl FOLDER PROMPT KINDS

The folders were written with `check: {for: [trl]}`, which makes rejects of the records that TRL stops at."""
import os
import sys

import tiny


def main(source, folder, prompt, kinds):
    import datasets
    import torch
    import transformers
    import trl

    datasets.disable_progress_bars()
    torch.manual_seed(0)
    home = os.environ["HF_HOME"]
    tok = tiny.model(os.path.join(home, "model"))
    model = transformers.LlamaForCausalLM.from_pretrained(os.path.join(home, "model"))
    ds = datasets.load_dataset(folder)
    args = trl.SFTConfig(output_dir=os.path.join(home, "sft"), max_steps=2, per_device_train_batch_size=4, per_device_eval_batch_size=8, max_length=None,
                         use_cpu=True, bf16=False, report_to=[], logging_steps=1, save_strategy="no", disable_tqdm=True)
    trainer = trl.SFTTrainer(model=model, args=args, train_dataset=ds["train"], eval_dataset=ds["test"].select(range(40)), processing_class=tok)
    trainer.train()
    loss = trainer.evaluate()["eval_loss"]

    def rendered(split):
        return [tok.decode(ids) for ids in trl.SFTTrainer(model=model, args=args, train_dataset=split, processing_class=tok).train_dataset["input_ids"]]

    train, test, name = rendered(ds["train"]), rendered(ds["test"]), f"TRL {trl.__version__}"
    print(f"{name}: eval loss {loss:.2f}")
    tiny.compare(name, folder, source, prompt, train, test, lambda turns: not turns, "reject:trl")
    tiny.kinds(name, kinds, rendered(datasets.load_dataset(kinds)["train"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
