"""Loads folders with torchtune's chat_dataset, as the card says, and looks at the tokens that it would train on.

    torchtune_load.py INPUT.jsonl FOLDER PROMPT KINDS"""
import sys

import tiny


def load(folder, split):
    from torchtune.datasets import chat_dataset

    fast = tiny.tokenizer()

    def tokenize(sample):  # torchtune's own tokenizers want the files of the models that they are for
        text = fast.apply_chat_template([{"role": m.role, "content": m.text_content} for m in sample["messages"]], tokenize=False)
        ids = fast(text, add_special_tokens=False)["input_ids"]
        return {**sample, "tokens": ids, "mask": [False] * len(ids)}

    ds, texts = chat_dataset(tokenize, source=folder, conversation_column="messages", conversation_style="openai", split=split), []
    for i in range(len(ds)):
        try:
            texts.append(fast.decode(ds[i]["tokens"]))
        except ValueError as e:
            if "essage" not in str(e):  # what validate_messages says
                raise
    return texts


def main(source, folder, prompt, kinds):
    from importlib.metadata import version

    name, count = "torchtune " + version("torchtune"), "torchtune_refuses"
    tiny.compare(name, folder, source, prompt, load(folder, "train"), load(folder, "test"), lambda turns: len(turns) < 2, count)
    tiny.kinds(name, kinds, load(kinds, "train"), count)


if __name__ == "__main__":
    main(*sys.argv[1:])
