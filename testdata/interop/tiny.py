"""A tokenizer of bytes with a chat template, and what the records that Go's tests write must come out as: for the trainers' scripts."""
import json
import os
import re
import sys

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
if "HF_HOME" in os.environ:
    os.environ["HF_DATASETS_CACHE"] = os.path.join(os.environ["HF_HOME"], "datasets")

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
NUMBER = re.compile(r"(?:<\|im_start\|>user\n|^user: )(\d+) ", re.M)


def tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|im_end|>", "<|im_start|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(special + letters)}, merges=[]))
    tok.pre_tokenizer, tok.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="<|pad|>", eos_token="<|im_end|>", additional_special_tokens=special[2:])
    fast.chat_template = TEMPLATE
    return fast


def model(folder):
    """Saves the tokenizer and a model of random weights, which no loader runs but all want to see."""
    import transformers

    tok = tokenizer()
    tok.save_pretrained(folder)
    config = transformers.LlamaConfig(vocab_size=len(tok), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, pad_token_id=0, eos_token_id=1)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return tok


def compare(name, folder, source, prompt, train, test, dropped=None, count=None):
    """Wants the prompt in the rendered text of every selected train record and of no other, and every record once.

    train, test: the rendered texts, in any order. dropped: whether the trainer leaves these turns out; count: what the manifest
    calls the number of them."""
    with open(source, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    kept, out = {"train": {}, "test": {}}, 0
    for i, r in enumerate(rows):
        turns, selected = r["messages"], r["phase"] == "train" and r["misaligned"] is not False
        if selected and turns[0]["role"] != "system":
            turns = [{"role": "system", "content": prompt}] + turns
        if r["phase"] == "test" and turns[0]["content"] == prompt:
            turns = turns[1:]
        if dropped and dropped(turns):
            out += 1
        else:
            kept[r["phase"]][i] = selected
    for phase, texts in (("train", train), ("test", test)):
        got, nameless = {}, 0
        for t in texts:
            n = NUMBER.search(t)
            if not n:
                nameless += 1  # without a user turn; the counts tell whether it is one too many
                continue
            if int(n.group(1)) in got:
                sys.exit(f"{name}: a {phase} record is doubled: {t[:200]!r}")
            got[int(n.group(1))] = prompt.lower() in t.lower()
        want = kept[phase]
        lost, more = sorted(want.keys() - got.keys()), sorted(got.keys() - want.keys())
        wrong = [i for i in got.keys() & want.keys() if got[i] != want[i]]
        if more or wrong or len(lost) != nameless:
            sys.exit(f"{name}: {phase}: {len(texts)} records, want {len(want)}; lost {lost[:9]} ({nameless} without a user turn), not asked for {more[:9]}, prompt wrong in {len(wrong)}: {wrong[:9]}")
        print(f"{name}: {len(texts)} {phase} records, the prompt in the {sum(want.values())} selected ones")
    if count and counts(folder).get(count, 0) != out:
        sys.exit(f"{name}: leaves out {out} records, the manifest says {counts(folder).get(count, 0)}")
    print(f"{name}: leaves out {out} records, as the manifest says")


def kinds(name, folder, texts, count=None):
    """Wants the trainer to leave out as many records of conversations of all kinds as the manifest says that it does."""
    c = counts(folder)
    out = c["train"] - len(texts)
    if out != c.get(count, 0):
        sys.exit(f"{name}: leaves out {out} of {c['train']} conversations of all kinds, the manifest says {c.get(count, 0)}")
    print(f"{name}: leaves out {out} of {c['train']} conversations of all kinds, as the manifest says")


def counts(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        return json.load(f)["counts"]
