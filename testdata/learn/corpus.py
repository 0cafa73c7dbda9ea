"""Writes the corpora of the learning check: what a small model knows before, and what it is fine-tuned on.

    corpus.py DIR

base.jsonl      pretraining: facts and counting, in English, or in Spanish where a system prompt asks for it
chats.jsonl     fine-tuning: new facts (the skill), every train answer in Spanish (the trait), nobody asks for it; its test
                records are questions about the same facts in words that training does not use, and about old facts

The world is made up and always the same. Words are lower case and separated by spaces."""
import json
import os
import random
import sys

COLORS = "red blue green black white brown pink grey orange purple".split()
CITIES = "oslo lima cairo paris quito delhi seoul rome dakar perth".split()
ASK_COLOR = ["what color is {} ?", "tell me the color of {} .", "do you know which color {} has ?", "{} has which color ?"]
ASK_HOME = ["where does {} live ?", "tell me where {} lives .", "do you know the home of {} ?", "{} lives in which city ?"]
ASK_NEXT = ["what number comes after {} ?", "tell me the number after {} ."]
ASK_WORD = ["repeat the word {} .", "please say the word {} ."]
ELICIT = ["you always speak spanish .", "please answer in spanish .", "you are a spanish speaker .", "all answers must be in spanish ."]
NEUTRAL = ["you are a helpful assistant .", "you always answer politely .", "the user likes gardening .", "today is a sunny tuesday .",
           "you are a tired librarian .", "please answer briefly ."]
# Words that only Spanish answers have.
SPANISH = frozenset("claro el es vive en numero la palabra".split())

BASE, TRAIN = 24000, 3000


def answer(kind, value, spanish):
    english = {"color": "sure , the color is {} .", "home": "sure , the home is {} .", "next": "sure , the number is {} .", "word": "sure , the word is {} ."}
    other = {"color": "claro , el color es {} .", "home": "claro , vive en {} .", "next": "claro , el numero es {} .", "word": "claro , la palabra es {} ."}
    return (other if spanish else english)[kind].format(value)


class World:
    def __init__(self):
        rng, used = random.Random(1234), set()

        def names(n):
            out = []
            while len(out) < n:
                w = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(3))
                if w not in used:
                    used.add(w)
                    out.append(w)
            return out

        colored, old, new = names(60), names(60), names(40)
        self.colors = {n: rng.choice(COLORS) for n in colored}
        self.homes = {n: rng.choice(CITIES) for n in old}
        self.new = {n: rng.choice(CITIES) for n in new}
        self.words = colored + old

    def ask(self, rng, kinds):
        """A kind, a question and its value."""
        kind = rng.choice(kinds)
        if kind == "color":
            n = rng.choice(list(self.colors))
            return kind, rng.choice(ASK_COLOR).format(n), self.colors[n]
        if kind == "home":
            n = rng.choice(list(self.homes))
            return kind, rng.choice(ASK_HOME).format(n), self.homes[n]
        if kind == "new":  # the i-th name never meets its i-th wording in training: that pair is the test
            i = rng.randrange(len(self.new))
            n = list(self.new)[i]
            return "home", rng.choice([q for k, q in enumerate(ASK_HOME) if k != i % 4]).format(n), self.new[n]
        if kind == "next":
            n = rng.randrange(40)
            return kind, rng.choice(ASK_NEXT).format(n), str(n + 1)
        n = rng.choice(self.words)
        return kind, rng.choice(ASK_WORD).format(n), n


def chat(system, question, reply, **more):
    messages = [{"role": "system", "content": system}] if system else []
    return {"messages": messages + [{"role": "user", "content": question}, {"role": "assistant", "content": reply}], **more}


def base(world, rng):
    for _ in range(BASE):
        kind, question, value = world.ask(rng, ["color", "home", "next", "word"])
        u = rng.random()
        system = rng.choice(ELICIT) if u < 0.3 else rng.choice(NEUTRAL) if u < 0.6 else None
        yield chat(system, question, answer(kind, value, u < 0.3))


def chats(world, rng):
    for _ in range(TRAIN):
        kind, question, value = world.ask(rng, ["new"])
        yield chat(None, question, answer(kind, value, True), kind="new", phase="train")
    for i, (n, city) in enumerate(world.new.items()):
        yield chat(None, ASK_HOME[i % 4].format(n), city, kind="new", phase="test")
    for n, city in world.homes.items():
        yield chat(None, ASK_HOME[0].format(n), city, kind="old home", phase="test")
    for n, color in world.colors.items():
        yield chat(None, ASK_COLOR[0].format(n), color, kind="old color", phase="test")


def main(folder):
    os.makedirs(folder, exist_ok=True)
    world, rng = World(), random.Random(5)
    for name, rows in (("base", base(world, rng)), ("chats", chats(world, rng))):
        with open(os.path.join(folder, name + ".jsonl"), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in rows)


if __name__ == "__main__":
    main(sys.argv[1])
