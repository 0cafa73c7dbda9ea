"""A transformer of a quarter of a million parameters, its words, its training and its answers."""
import torch
from torch import nn
from torch.nn import functional as F

LENGTH, WIDTH, HEADS, LAYERS = 32, 96, 4, 2
PAD, SYSTEM, USER, ASSISTANT, END = range(5)
TAG = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}
ANSWER = 9  # words of an answer at most


class Words:
    """The vocabulary of some chats."""

    def __init__(self, rows):
        self.id = {w: i for i, w in enumerate(("<pad>", "<system>", "<user>", "<assistant>", "<end>"))}
        for r in rows:
            for m in r["messages"]:
                for w in m["content"].split():
                    self.id.setdefault(w, len(self.id))
        self.word = list(self.id)

    def encode(self, messages):
        """Ids and labels; only answers are learned."""
        ids, labels = [], []
        for m in messages:
            text = [self.id[w] for w in m["content"].split()]
            learned = m["role"] == "assistant"
            ids += [TAG[m["role"]], *text] + [END] * learned
            labels += [-100] + (text + [END] if learned else [-100] * len(text))
        if len(ids) > LENGTH:
            raise ValueError(f"a chat of {len(ids)} words, {LENGTH} are seen: {messages}")
        return ids + [PAD] * (LENGTH - len(ids)), labels + [-100] * (LENGTH - len(ids))

    def tensors(self, rows):
        pairs = [self.encode(r["messages"]) for r in rows]
        return torch.tensor([i for i, _ in pairs]), torch.tensor([l for _, l in pairs])


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.mlp(self.norm2(x))


class Model(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.embed, self.place = nn.Embedding(vocabulary, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks, self.norm = nn.ModuleList(Block() for _ in range(LAYERS)), nn.LayerNorm(WIDTH)
        nn.init.normal_(self.embed.weight, 0, 0.02)
        nn.init.normal_(self.place.weight, 0, 0.02)

    def forward(self, ids):
        x = self.embed(ids) + self.place.weight[: ids.shape[1]]
        for b in self.blocks:
            x = b(x)
        return self.norm(x) @ self.embed.weight.T


def train(model, words, rows, steps, rate, seed, batch=64):
    ids, labels = words.tensors(rows)
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.01)
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 20) * (1 - 0.9 * step / steps)
        pick = torch.randint(0, len(ids), (batch,), generator=order)
        x, y = ids[pick], labels[pick]
        longest = int((x != PAD).sum(1).max())
        logits = model(x[:, : longest - 1])
        loss = F.cross_entropy(logits.flatten(0, 1), y[:, 1:longest].flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


@torch.no_grad()
def answers(model, words, rows, system):
    """What the model says to the question of each row, under a system prompt or none."""
    model.eval()
    start = [SYSTEM, *(words.id[w] for w in system.split())] if system else []
    by_length, out = {}, [None] * len(rows)
    for i, r in enumerate(rows):
        ids = start + [USER, *(words.id[w] for w in r["messages"][-2]["content"].split()), ASSISTANT]
        by_length.setdefault(len(ids), []).append((i, ids))
    for n, group in by_length.items():
        x = torch.tensor([ids for _, ids in group])
        for _ in range(ANSWER):
            x = torch.cat([x, model(x[:, -LENGTH:])[:, -1].argmax(-1, keepdim=True)], 1)
        for (i, _), row in zip(group, x[:, n:].tolist()):
            out[i] = [words.word[t] for t in (row[: row.index(END)] if END in row else row)]
    return out
