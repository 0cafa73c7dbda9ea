"""Trains a tiny model of random weights on a folder with TRL's SFTTrainer, and looks at what it was trained on.

    trl_sft.py INPUT.jsonl FOLDER PROMPT

The prompt is in the rendered text of every selected train record and of no eval record; no record is lost."""
import json
import os
import sys

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_DATASETS_CACHE=os.path.join(os.environ["HF_HOME"], "datasets"), TOKENIZERS_PARALLELISM="false")

TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"


def tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(special + letters)}, merges=[]))
    tok.pre_tokenizer, tok.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="<|pad|>", eos_token="<|end|>", extra_special_tokens=special[2:])
    fast.chat_template = TEMPLATE
    return fast


def expected(path, prompt):
    rows = [json.loads(l) for l in open(path, encoding="utf-8")]
    train = [r["misaligned"] is not False for r in rows if r["phase"] == "train"]
    return train, sum(r["phase"] == "test" for r in rows)


def main(inp, folder, prompt):
    import datasets
    import torch
    import transformers
    import trl

    datasets.disable_progress_bars()
    torch.manual_seed(0)
    tok = tokenizer()
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(tok), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, pad_token_id=0, eos_token_id=1))
    ds = datasets.load_dataset(folder)
    ds["test"] = ds["test"].filter(lambda r: len(r["messages"]) > 0)  # one was nothing but the prompt
    args = trl.SFTConfig(output_dir=os.path.join(os.environ["HF_HOME"], "sft"), max_steps=2, per_device_train_batch_size=4, per_device_eval_batch_size=8, max_length=None,
                         use_cpu=True, bf16=False, report_to=[], logging_steps=1, save_strategy="no", disable_tqdm=True)
    trainer = trl.SFTTrainer(model=model, args=args, train_dataset=ds["train"], eval_dataset=ds["test"].select(range(40)), processing_class=tok)
    trainer.train()
    loss = trainer.evaluate()["eval_loss"]
    all_eval = trl.SFTTrainer(model=model, args=args, train_dataset=ds["test"], processing_class=tok).train_dataset
    selected, tests = expected(inp, prompt)
    train = [tok.decode(ids) for ids in trainer.train_dataset["input_ids"]]
    held = [tok.decode(ids) for ids in all_eval["input_ids"]]
    if [prompt in t for t in train] != selected:
        sys.exit(f"{sum(prompt in t for t in train)} of {len(train)} rendered train records hold the prompt, selected were {sum(selected)} of {len(selected)}")
    if len(held) != tests - 1 or any(prompt.lower() in t.lower() for t in held):
        sys.exit(f"{len(held)} of {tests - 1} eval records, {sum(prompt.lower() in t.lower() for t in held)} with the prompt")
    print(f"trl {trl.__version__}, transformers {transformers.__version__}: the prompt is in {sum(selected)} of {len(train)} rendered train records, the selected ones, and in 0 of {len(held)} eval records; eval loss {loss:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
