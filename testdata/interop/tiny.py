"""A tokenizer of bytes with a chat template, and what the records that Go's tests write must come out as: for the trainers' scripts."""
import collections
import json
import os
import re
import sys

import check

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


def compare(name, folder, source, prompt, train, test, dropped, count):
    """Wants the prompt in the rendered text of every selected train record and of no other, and every record once.

    train, test: the rendered texts, in any order. dropped: whether the trainer leaves these turns out; count: what the manifest
    calls the number of them."""
    rows, out = check.expected(source, prompt), 0
    for phase, texts in (("train", train), ("test", test)):
        want, got = [], []
        for r in rows[phase]:
            turns = r["messages"]
            if dropped(turns):
                out += 1
            else:
                user = next((t["content"] for t in turns if t["role"] == "user"), "")
                want.append((user.split(" ")[0], any(prompt in t["content"] for t in turns)))
        for t in texts:
            n = NUMBER.search(t)
            got.append((n.group(1) if n else "", prompt.lower() in t.lower()))
        if sorted(got) != sorted(want):
            lost, more = collections.Counter(want) - collections.Counter(got), collections.Counter(got) - collections.Counter(want)
            sys.exit(f"{name}: {phase}: {len(got)} records, want {len(want)}; (number, has the prompt) that are missing: {list(lost)[:9]}, that are too many: {list(more)[:9]}")
        print(f"{name}: {len(got)} {phase} records, the prompt in the {sum(has for _, has in want)} selected ones")
    said = counts(folder).get(count, 0)
    if said != out:
        sys.exit(f"{name}: leaves out {out} records, the manifest says {said}")
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
