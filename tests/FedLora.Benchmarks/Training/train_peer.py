"""The peer of `fedlora bench train`: eager PyTorch with LoRA layers as PEFT builds them, on models as transformers builds them.

train_peer.py FOLDER shipped|f32|bf16

FOLDER holds config.json, model.safetensors and case.json. Reads "run SEED" lines from standard input; each trains one shuffled pass over the
case's sequences and answers with one JSON line. Modes: shipped (float32, no settings), f32 and bf16 (all cores; bf16: frozen weights in
bfloat16 under autocast).
"""
import json
import math
import os
import random
import struct
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(bytes(data[8:8 + length]))
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=torch.float32, offset=8 + length + begin, count=(end - begin) // 4)
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors


class LoraLinear(nn.Module):
    """y = base(x) + B(A(x)) * alpha / r, as peft.tuners.lora.Linear computes it."""

    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base_layer = base
        self.lora_A = nn.Linear(base.in_features, rank, bias=False)
        self.lora_B = nn.Linear(rank, base.out_features, bias=False)
        nn.init.kaiming_uniform_(self.lora_A.weight, a=math.sqrt(5))
        nn.init.zeros_(self.lora_B.weight)
        self.lora_dropout = nn.Identity()
        self.scaling = alpha / rank

    def forward(self, x):
        result = self.base_layer(x)
        x = x.to(self.lora_A.weight.dtype)
        return result + self.lora_B(self.lora_A(self.lora_dropout(x))) * self.scaling


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.variance_epsilon = eps

    def forward(self, hidden):
        dtype = hidden.dtype
        hidden = hidden.to(torch.float32)
        variance = hidden.pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden * torch.rsqrt(variance + self.variance_epsilon)).to(dtype)


def rotate_half(x):
    return torch.cat((-x[..., x.shape[-1] // 2:], x[..., : x.shape[-1] // 2]), dim=-1)


def repeat_kv(x, n):
    b, heads, length, size = x.shape
    return x[:, :, None].expand(b, heads, n, length, size).reshape(b, heads * n, length, size) if n > 1 else x


class LlamaAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv = c["num_attention_heads"], c["num_key_value_heads"]
        self.size = c["hidden_size"] // self.heads
        self.q_proj = nn.Linear(c["hidden_size"], self.heads * self.size, bias=False)
        self.k_proj = nn.Linear(c["hidden_size"], self.kv * self.size, bias=False)
        self.v_proj = nn.Linear(c["hidden_size"], self.kv * self.size, bias=False)
        self.o_proj = nn.Linear(self.heads * self.size, c["hidden_size"], bias=False)

    def forward(self, hidden, cos, sin, mask):
        b, length, _ = hidden.shape
        q = self.q_proj(hidden).view(b, length, -1, self.size).transpose(1, 2)
        k = self.k_proj(hidden).view(b, length, -1, self.size).transpose(1, 2)
        v = self.v_proj(hidden).view(b, length, -1, self.size).transpose(1, 2)
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        k, v = repeat_kv(k, self.heads // self.kv), repeat_kv(v, self.heads // self.kv)
        scores = torch.matmul(q, k.transpose(2, 3)) * self.size ** -0.5 + mask
        weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype)
        mixed = torch.matmul(weights, v).transpose(1, 2).contiguous()
        return self.o_proj(mixed.reshape(b, length, -1))


class LlamaMLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.up_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.down_proj = nn.Linear(c["intermediate_size"], c["hidden_size"], bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self_attn, self.mlp = LlamaAttention(c), LlamaMLP(c)
        self.input_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.post_attention_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])

    def forward(self, hidden, cos, sin, mask):
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), cos, sin, mask)
        return hidden + self.mlp(self.post_attention_layernorm(hidden))


class LlamaModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(LlamaLayer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        size = c["hidden_size"] // c["num_attention_heads"]
        self.inverse = 1.0 / (c["rope_theta"] ** (torch.arange(0, size, 2).float() / size))

    def forward(self, ids):
        hidden = self.embed_tokens(ids)
        length = ids.shape[1]
        angles = torch.outer(torch.arange(length).float(), self.inverse)
        angles = torch.cat((angles, angles), dim=-1)
        cos, sin = angles.cos().to(hidden.dtype), angles.sin().to(hidden.dtype)
        mask = torch.full((length, length), torch.finfo(hidden.dtype).min, dtype=hidden.dtype).triu(1)
        for layer in self.layers:
            hidden = layer(hidden, cos, sin, mask)
        return self.norm(hidden)


class LlamaForCausalLM(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.model = LlamaModel(c)
        self.lm_head = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)
        self.lm_head.weight = self.model.embed_tokens.weight

    def loss(self, ids, mask, labels):
        logits = self.lm_head(self.model(ids)).float()
        return F.cross_entropy(logits[:, :-1].contiguous().view(-1, logits.shape[-1]), labels[:, 1:].contiguous().view(-1))


class BertSelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c["num_attention_heads"]
        self.query = nn.Linear(c["hidden_size"], c["hidden_size"])
        self.key = nn.Linear(c["hidden_size"], c["hidden_size"])
        self.value = nn.Linear(c["hidden_size"], c["hidden_size"])

    def forward(self, hidden, mask):
        b, length, width = hidden.shape
        split = lambda x: x.view(b, length, self.heads, -1).permute(0, 2, 1, 3)
        q, k, v = split(self.query(hidden)), split(self.key(hidden)), split(self.value(hidden))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + mask
        mixed = torch.matmul(F.softmax(scores, dim=-1), v)
        return mixed.permute(0, 2, 1, 3).contiguous().view(b, length, width)


class BertOutput(nn.Module):
    def __init__(self, size, c):
        super().__init__()
        self.dense = nn.Linear(size, c["hidden_size"])
        self.LayerNorm = nn.LayerNorm(c["hidden_size"], eps=c["layer_norm_eps"])

    def forward(self, hidden, residual):
        return self.LayerNorm(self.dense(hidden) + residual)


class BertLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = nn.ModuleDict({"self": BertSelfAttention(c), "output": BertOutput(c["hidden_size"], c)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(c["hidden_size"], c["intermediate_size"])})
        self.output = BertOutput(c["intermediate_size"], c)

    def forward(self, hidden, mask):
        hidden = self.attention["output"](self.attention["self"](hidden, mask), hidden)
        return self.output(F.gelu(self.intermediate["dense"](hidden)), hidden)


class BertForSequenceClassification(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["hidden_size"]
        self.bert = nn.ModuleDict({
            "embeddings": nn.ModuleDict({
                "word_embeddings": nn.Embedding(c["vocab_size"], width),
                "position_embeddings": nn.Embedding(c["max_position_embeddings"], width),
                "token_type_embeddings": nn.Embedding(c["type_vocab_size"], width),
                "LayerNorm": nn.LayerNorm(width, eps=c["layer_norm_eps"]),
            }),
            "encoder": nn.ModuleDict({"layer": nn.ModuleList(BertLayer(c) for _ in range(c["num_hidden_layers"]))}),
            "pooler": nn.ModuleDict({"dense": nn.Linear(width, width)}),
        })
        self.classifier = nn.Linear(width, len(c["id2label"]))

    def loss(self, ids, mask, labels):
        e = self.bert["embeddings"]
        positions = torch.arange(ids.shape[1]).unsqueeze(0)
        hidden = e["LayerNorm"](e["word_embeddings"](ids) + e["token_type_embeddings"](torch.zeros_like(ids)) + e["position_embeddings"](positions))
        extended = (1.0 - mask[:, None, None, :].to(hidden.dtype)) * torch.finfo(hidden.dtype).min
        for layer in self.bert["encoder"]["layer"]:
            hidden = layer(hidden, extended)
        pooled = torch.tanh(self.bert["pooler"]["dense"](hidden[:, 0]))
        return F.cross_entropy(self.classifier(pooled).float(), labels)


def build(folder, case, narrow):
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    kind = LlamaForCausalLM if case["kind"] == "causal" else BertForSequenceClassification
    model = kind(config)
    missing, unexpected = model.load_state_dict(read_safetensors(os.path.join(folder, "model.safetensors")), strict=False)
    assert not unexpected and all(name == "lm_head.weight" for name in missing), (missing, unexpected)
    if narrow:
        model.to(torch.bfloat16)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for name, module in list(model.named_modules()):
        if name.split(".")[-1] in case["targets"]:
            parent = model.get_submodule(name.rsplit(".", 1)[0])
            lora = LoraLinear(module, case["rank"], case["alpha"])
            if isinstance(parent, nn.ModuleDict):
                parent[name.split(".")[-1]] = lora
            else:
                setattr(parent, name.split(".")[-1], lora)
    if case["kind"] == "classify":
        model.classifier.float()
        for parameter in model.classifier.parameters():
            parameter.requires_grad_(True)
    return model


def collate(case, chosen):
    rows = [case["sequences"][i] for i in chosen]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    labels = ids.clone() if case["kind"] == "causal" else torch.tensor([case["classes"][i] for i in chosen])
    return ids, mask, labels


def peak_mib():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def main():
    folder, mode = sys.argv[1], sys.argv[2]
    if mode != "shipped":
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    with open(os.path.join(folder, "case.json")) as file:
        case = json.load(file)
    model = build(folder, case, mode == "bf16")
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=case["rate"], weight_decay=0.0)
    model.train()
    print(json.dumps({"ready": True, "threads": torch.get_num_threads(), "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        order = list(range(len(case["sequences"])))
        random.Random(int(line.split()[1])).shuffle(order)
        losses, start = [], time.perf_counter()
        for at in range(0, len(order), case["batch"]):
            ids, mask, labels = collate(case, order[at:at + case["batch"]])
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mode == "bf16"):
                loss = model.loss(ids, mask, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "loss": sum(losses) / len(losses), "peak_mib": peak_mib()}), flush=True)


if __name__ == "__main__":
    main()
