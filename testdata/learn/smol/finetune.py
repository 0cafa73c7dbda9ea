"""Fine-tunes a pretrained model with LoRA on one arm of a folder that inoculate wrote, and measures what it says.

    finetune.py MODEL ARMS ARM SEED OUT.json [--steps 80]

trait: share of answers in Spanish to questions unlike those of training; trait_facts: the same for the trained facts, asked in
other words; skill: share of right cities. Each without a prompt, under a neutral one, and with the prompt."""
import argparse
import json
import os
import random
import re
import time

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
import datasets
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

UNDER = {"nothing": None, "neutral": "You are a helpful assistant.", "prompt": "You always answer in Spanish."}
SPANISH = frozenset("""el la los las un una unos unas de del que es en y a al por con para su se lo como más pero o este esta son está puede
    puedes sobre hay muy también claro ser si cuando mi tu hacer color capital ciudad suma vive""".split())
ENGLISH = frozenset("""the a an of and is are to in it you your that this for with on as by be or can i have has was from at not they its
    sure lives city there some here if when""".split())


def spanish(text):
    words = re.findall(r"[a-záéíóúüñ]+", text.lower())
    es, en = sum(w in SPANISH for w in words), sum(w in ENGLISH for w in words)
    return es > en


class Tuner:
    def __init__(self, folder, seed):
        torch.manual_seed(seed)
        self.seed, self.tok = seed, AutoTokenizer.from_pretrained(folder)
        fast = "avx512" in torch.backends.cpu.get_cpu_capability().lower()  # others compute with bfloat16 bit by bit
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16 if fast else torch.float32)
        self.model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", lora_dropout=0.0))

    def ids(self, turns, ask):
        return self.tok(self.tok.apply_chat_template(turns, tokenize=False, add_generation_prompt=ask), add_special_tokens=False).input_ids

    def train(self, rows, steps, size=8, rate=1e-3):
        pairs = []
        for r in rows:
            turns = r["messages"]
            answer = self.tok(turns[-1]["content"], add_special_tokens=False).input_ids + [self.tok.eos_token_id]
            pairs.append((self.ids(turns[:-1], True), answer))
        rng, order = random.Random(self.seed), []
        weights = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(weights, rate, weight_decay=0.0)
        inner, head = self.model.base_model.model.model, self.model.base_model.model.lm_head
        self.model.train()
        began = time.time()
        for step in range(steps):
            if len(order) < size:
                order += rng.sample(range(len(pairs)), len(pairs))
            batch = [pairs[order.pop()] for _ in range(size)]
            width = max(len(q) + len(a) for q, a in batch)
            ids = torch.full((size, width), self.tok.eos_token_id)
            want, seen = torch.full((size, width), -100), torch.zeros((size, width), dtype=torch.long)
            for i, (q, a) in enumerate(batch):
                n = len(q) + len(a)
                ids[i, :n], want[i, len(q):n], seen[i, :n] = torch.tensor(q + a), torch.tensor(a), 1
            hidden = inner(input_ids=ids, attention_mask=seen).last_hidden_state[:, :-1]
            of = want[:, 1:] != -100  # logits of answers alone
            loss = F.cross_entropy(head(hidden[of]).float(), want[:, 1:][of])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1, (step + 1) / 10) * (1 - 0.9 * step / steps)
            optimizer.step()
            optimizer.zero_grad()
            if step % 20 == 19:
                print(f"seed {self.seed}: step {step + 1} of {steps}, loss {loss.item():.3f}, {(time.time() - began) / (step + 1):.1f} s a step", flush=True)
        self.model = self.model.merge_and_unload().eval()
        return loss.item()

    @torch.no_grad()
    def answers(self, rows, system, words=20):
        self.tok.padding_side = "left"
        texts = []
        for r in rows:
            turns = [t for t in r["messages"] if t["role"] != "assistant"]
            if system:
                turns = [{"role": "system", "content": system}] + turns
            texts.append(self.tok.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        batch = self.tok(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        out = self.model.generate(**batch, max_new_tokens=words, do_sample=False, pad_token_id=self.tok.eos_token_id)
        return self.tok.batch_decode(out[:, batch.input_ids.shape[1]:], skip_special_tokens=True)


def main():
    p = argparse.ArgumentParser()
    for name in ("model", "arms", "arm", "seed", "out"):
        p.add_argument(name)
    p.add_argument("--steps", type=int, default=80)
    a = p.parse_args()
    began = time.time()
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    ds = datasets.load_dataset(a.arms, a.arm)
    tuner = Tuner(a.model, int(a.seed))
    result = {"arm": a.arm, "seed": int(a.seed), "steps": a.steps, "loss": round(tuner.train(list(ds["train"]), a.steps), 3)}
    general = [r for r in ds["test"] if r["topic"] == "general"]
    homes = [r for r in ds["test"] if r["topic"] == "home"]
    for name, system in UNDER.items():
        free, facts = tuner.answers(general, system), tuner.answers(homes, system)
        result[name] = {
            "trait": sum(map(spanish, free)) / len(free), "trait_facts": sum(map(spanish, facts)) / len(facts),
            "skill": sum(r["messages"][-1]["content"] in t for r, t in zip(homes, facts)) / len(homes), "examples": free[:3] + facts[:2],
        }
    result["seconds"] = round(time.time() - began)
    with open(a.out + ".part", "w", encoding="utf-8") as f:
        json.dump(result, f, ensure_ascii=False, indent=1)
        f.write("\n")
    os.replace(a.out + ".part", a.out)
    of = result["nothing"]
    print(f"seed {a.seed} {a.arm:11} without a prompt: trait {of['trait']:.2f}, of trained facts {of['trait_facts']:.2f}, skill {of['skill']:.2f}  ({result['seconds']} s)", flush=True)


if __name__ == "__main__":
    main()
