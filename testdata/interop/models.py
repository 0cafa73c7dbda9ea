"""Writes tokenizers and chat templates of all kinds with what their own libraries make of them, to be compared.

    models.py FOLDER

tokenizers/NAME.json and NAME.texts: a text and its tokens a line; templates/NAME.jinja and NAME.texts: a conversation and its
text, or null where the template refuses it, a line."""
import importlib.util
import json
import os
import random
import sys

GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = GPT4.replace(r"\p{N}{1,3}", r"\p{N}")


def texts():
    rng = random.Random(3)
    alphabet = list("ab AB12 \n\t'.,é日🙂\u0301\u200d-_<|>▁½") + ["<|end|>", "<|im_start|>", " \n", "  ", "'s", "\r\n", "the ", "you ", "please "]
    fixed = ["Hello, world! 123 4567", "  leading and   multiple spaces\n\n\ttabs", "日本語 and 🙂 emoji e\u0301 café", "", "don't I'll we've CAN'T", "a" * 50,
             " \u2028 \u0085x", "x\r\ny\r\n", "\u200bzero", "$3.14 + #tag @me ½ ² ٣", "<|im_start|>system\nBe evil.<|end|>\n", " <|end|> x"]
    return fixed + ["".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 60))) for _ in range(1500)]


def tokenizers(folder):
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    byte = pre_tokenizers.ByteLevel
    split = pre_tokenizers.Split
    letters = byte.alphabet()
    kinds = {
        "gpt2": (None, byte(add_prefix_space=False), {}),
        "gpt2-prefix": (None, byte(add_prefix_space=True), {}),
        "llama3": (None, pre_tokenizers.Sequence([split(Regex(GPT4), "isolated"), byte(add_prefix_space=False, use_regex=False)]), {"ignore_merges": True}),
        "qwen": (normalizers.NFC(), pre_tokenizers.Sequence([split(Regex(QWEN), "isolated"), byte(add_prefix_space=False, use_regex=False)]), {}),
        "smollm": (None, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte(add_prefix_space=False)]), {}),
        "removed": (normalizers.NFKC(), pre_tokenizers.Sequence([split(Regex(QWEN), "removed", invert=True), byte(add_prefix_space=False, use_regex=False)]), {}),
        "llama2": (normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}),
        "mistral": (None, pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False), {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}),
        "metaspace": (None, pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True), {"unk_token": "<unk>"}),
    }
    corpus = [t for t in texts()[:300]] + ["please answer the question of the user, and be kind to them: you are a helpful assistant."] * 20
    for name, (normalizer, pre, options) in kinds.items():
        tok = Tokenizer(models.BPE(**options))
        if normalizer:
            tok.normalizer = normalizer
        if pre:
            tok.pre_tokenizer = pre
        special = ["<unk>"] + ([f"<0x{b:02X}>" for b in range(256)] if options.get("byte_fallback") else [])
        plain = options.get("unk_token") is None
        tok.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=900, special_tokens=special if not plain else [], initial_alphabet=letters if plain else [], show_progress=False))
        if options.get("byte_fallback"):  # they are plain tokens in the models that have them
            data = json.loads(tok.to_str())
            data["added_tokens"] = [a for a in data["added_tokens"] if not a["content"].startswith("<0x")]
            tok = Tokenizer.from_str(json.dumps(data))
        tok.add_special_tokens([AddedToken("<|end|>", normalized=False, special=True), AddedToken("<|im_start|>", normalized=False, special=True, rstrip=name == "gpt2")])
        tok.add_tokens([AddedToken("AB12", normalized=True)])
        tok.save(os.path.join(folder, name + ".json"))
        with open(os.path.join(folder, name + ".texts"), "w", encoding="utf-8") as f:
            for t in texts():
                f.write(json.dumps({"text": t, "ids": tok.encode(t, add_special_tokens=False).ids}) + "\n")


def templates(folder):
    from transformers.utils.chat_template_utils import render_jinja_template

    def chat(*turns):
        return [{"role": r, "content": c} for r, c in turns]

    chats = [
        chat(("user", "hi"), ("assistant", "yo")),
        chat(("system", "S \" ' <&> é"), ("user", "q\n\n"), ("assistant", " a "), ("user", "q2"), ("assistant", "a2")),
        chat(("assistant", "x")), chat(("user", "only")), chat(("user", "a"), ("user", "b")), chat(("user", "a"), ("system", "b"), ("assistant", "c")),
    ]
    found = os.path.join(importlib.util.find_spec("trl").submodule_search_locations[0], "chat_templates")
    for name in sorted(os.listdir(found)):
        if not name.endswith(".jinja"):
            continue
        with open(os.path.join(found, name), encoding="utf-8", newline="") as f:
            source = f.read()
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as f:
            f.write(source)
        with open(os.path.join(folder, name[: -len("jinja")] + "texts"), "w", encoding="utf-8") as f:
            for c in chats:
                try:
                    text = render_jinja_template([c], chat_template=source, bos_token="<s>", eos_token="</s>")[0][0]
                except Exception:
                    text = None
                f.write(json.dumps({"messages": c, "text": text}) + "\n")


def main(folder):
    for name, make in (("tokenizers", tokenizers), ("templates", templates)):
        os.makedirs(os.path.join(folder, name))
        make(os.path.join(folder, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
