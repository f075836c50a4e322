#!/usr/bin/env python3
"""A trainer of one's own for `fedlora client --trainer "python3 trainer.py"`, in plain PyTorch: no transformers, no PEFT.

It trains LoRA on the linear layers of a Llama-shaped causal language model, by whatever method trains A and B, or B alone (fedit, ffa-lora, ...).
docs/trainer.md is the protocol; what is here is one way to follow it.
"""
import json
import os
import struct
import sys

import torch
import torch.nn.functional as F

TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        body = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            kind = TYPES[entry["dtype"]]
            tensors[name] = torch.frombuffer(body, dtype=kind, count=(end - begin) // torch.empty(0, dtype=kind).element_size(),
                                             offset=begin).reshape(entry["shape"]).to(torch.float32).clone()
    return tensors


def write_safetensors(path, tensors):
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in sorted(tensors.items()):
        data = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def read_model(folder):
    index = os.path.join(folder, "model.safetensors.index.json")
    names = ["model.safetensors"]
    if os.path.exists(index):
        names = sorted(set(json.load(open(index))["weight_map"].values()))
    return {name: tensor for file in names for name, tensor in read_safetensors(os.path.join(folder, file)).items()}


class Llama:
    def __init__(self, folder, adapter, scale):
        self.config = json.load(open(os.path.join(folder, "config.json")))
        self.weights = read_model(folder)
        self.adapter, self.scale = adapter, scale
        self.heads = self.config["num_attention_heads"]
        self.groups = self.config.get("num_key_value_heads") or self.heads
        self.size = self.config.get("head_dim") or self.config["hidden_size"] // self.heads
        theta = (self.config.get("rope_parameters") or {}).get("rope_theta") or self.config.get("rope_theta", 10000.0)
        self.frequencies = 1.0 / theta ** (torch.arange(0, self.size, 2, dtype=torch.float64) / self.size)

    def linear(self, x, name):
        y = F.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))
        a = self.adapter.get(f"base_model.model.{name}.lora_A.weight")
        return y if a is None else y + self.scale * F.linear(F.linear(x, a), self.adapter[f"base_model.model.{name}.lora_B.weight"])

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config.get("rms_norm_eps", 1e-6)) * self.weights[name + ".weight"]

    def rotate(self, x):
        angles = torch.outer(torch.arange(x.shape[1], dtype=torch.float64), self.frequencies)
        angles = torch.cat([angles, angles], 1)
        half = x.shape[-1] // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], -1)
        return x * angles.cos().float() + turned * angles.sin().float()

    def logits(self, ids):
        x = self.weights["model.embed_tokens.weight"][ids]
        length = len(ids)
        mask = torch.full((length, length), float("-inf")).triu(1)
        for i in range(self.config["num_hidden_layers"]):
            name = f"model.layers.{i}."
            h = self.norm(x, name + "input_layernorm")
            q = self.rotate(self.linear(h, name + "self_attn.q_proj").view(length, self.heads, self.size).transpose(0, 1))
            k = self.rotate(self.linear(h, name + "self_attn.k_proj").view(length, self.groups, self.size).transpose(0, 1))
            v = self.linear(h, name + "self_attn.v_proj").view(length, self.groups, self.size).transpose(0, 1)
            k, v = (t.repeat_interleave(self.heads // self.groups, 0) for t in (k, v))
            mixed = torch.softmax(q @ k.transpose(1, 2) / self.size ** 0.5 + mask, -1) @ v
            x = x + self.linear(mixed.transpose(0, 1).reshape(length, -1), name + "self_attn.o_proj")
            h = self.norm(x, name + "post_attention_layernorm")
            gate = F.silu(self.linear(h, name + "mlp.gate_proj"))
            x = x + self.linear(gate * self.linear(h, name + "mlp.up_proj"), name + "mlp.down_proj")
        x = self.norm(x, "model.norm")
        return self.linear(x, "lm_head") if "lm_head.weight" in self.weights else F.linear(x, self.weights["model.embed_tokens.weight"])


def batch_loss(model, examples):
    """Mean over all labelled tokens of the batch; the label of a place is predicted from the places before it."""
    total, count = 0.0, 0
    for example in examples:
        labels = torch.tensor(example["labels"][1:])
        logits = model.logits(torch.tensor(example["input_ids"]))[:-1]
        total = total + F.cross_entropy(logits, labels, ignore_index=-100, reduction="sum")
        count += int((labels != -100).sum())
    return total / count


def main():
    task = json.load(open(os.path.join(sys.argv[1], "task.json")))
    if task["protocol"] != 1:
        sys.exit(f"this trainer speaks protocol 1, not {task['protocol']}")
    if task["task"] != "causal-lm" or task["dropout"] > 0 or "head" in task["trained"]:
        sys.exit("this trainer trains causal language models without dropout and without a head")
    torch.manual_seed(task["seed"] % 2**63)
    config = json.load(open(os.path.join(task["adapter"], "adapter_config.json")))
    if config.get("rank_pattern") or config.get("alpha_pattern"):
        sys.exit("this trainer takes one rank for all layers")
    adapter = read_safetensors(os.path.join(task["adapter"], "adapter_model.safetensors"))
    trained = [tensor.requires_grad_() for name, tensor in sorted(adapter.items()) if any(f".lora_{factor}." in name for factor in task["trained"])]
    scale = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
    model = Llama(task["model"], adapter, scale)
    data = [json.loads(line) for line in open(task["data"], encoding="utf-8")]
    kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[task["optimizer"]]
    optimizer = kind(trained, lr=task["learning_rate"], weight_decay=task["weight_decay"])
    for step, batch in enumerate(task["batches"], 1):
        optimizer.zero_grad()
        loss = batch_loss(model, [data[i] for i in batch])
        loss.backward()
        if task.get("max_gradient_norm"):
            torch.nn.utils.clip_grad_norm_(trained, task["max_gradient_norm"])
        optimizer.step()
        print(json.dumps({"step": step, "steps": task["steps"], "loss": loss.item()}), flush=True)
    os.makedirs(task["result"], exist_ok=True)
    write_safetensors(os.path.join(task["result"], "adapter_model.safetensors"), adapter)
    with open(os.path.join(task["result"], "adapter_config.json"), "w") as file:
        json.dump(config, file)


main()
