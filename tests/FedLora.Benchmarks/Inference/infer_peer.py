"""The peer of `fedlora bench evaluate` and `bench generate`: eager PyTorch on models as transformers builds them.

infer_peer.py FOLDER shipped|f32|bf16

FOLDER holds config.json, model.safetensors and case.json. Each line of standard input is answered by one pass: an evaluation over all
sequences in batches padded to their longest, in the file's order; or 64 tokens after the prompt, keys and values kept. Modes: shipped
(float32, no settings), f32 and bf16 (all cores; bf16: weights in bfloat16).
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Training"))
import torch
import torch.nn.functional as F
from train_peer import build, collate, peak_mib, repeat_kv, rotate_half

NEW = 64


def attend(layer, hidden, cos, sin, past):
    """LlamaAttention with a cache: the new rows after those that are kept."""
    b, length, _ = hidden.shape
    split = lambda x: x.view(b, length, -1, layer.size).transpose(1, 2)
    q, k, v = split(layer.q_proj(hidden)), split(layer.k_proj(hidden)), split(layer.v_proj(hidden))
    q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
    if past is not None:
        k, v = torch.cat((past[0], k), dim=2), torch.cat((past[1], v), dim=2)
    kept = (k, v)
    k, v = repeat_kv(k, layer.heads // layer.kv), repeat_kv(v, layer.heads // layer.kv)
    scores = torch.matmul(q, k.transpose(2, 3)) * layer.size ** -0.5
    if length > 1:
        scores = scores + torch.full((length, length), torch.finfo(scores.dtype).min, dtype=scores.dtype).triu(1)
    weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(q.dtype)
    mixed = torch.matmul(weights, v).transpose(1, 2).contiguous()
    return layer.o_proj(mixed.reshape(b, length, -1)), kept


def step(model, ids, past):
    inner = model.model
    hidden = inner.embed_tokens(ids)
    start = 0 if past is None else past[0][0].shape[2]
    angles = torch.outer(torch.arange(start, start + ids.shape[1]).float(), inner.inverse)
    angles = torch.cat((angles, angles), dim=-1)
    cos, sin = angles.cos().to(hidden.dtype), angles.sin().to(hidden.dtype)
    kept = []
    for i, layer in enumerate(inner.layers):
        mixed, pair = attend(layer.self_attn, layer.input_layernorm(hidden), cos, sin, None if past is None else past[i])
        kept.append(pair)
        hidden = hidden + mixed
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
    return model.lm_head(inner.norm(hidden)[:, -1:]).float(), kept


def generate(model, case):
    ids, past, made = torch.tensor([case["sequences"][0]]), None, []
    for _ in range(NEW):
        logits, past = step(model, ids, past)
        ids = logits[:, -1].argmax(-1, keepdim=True)
        made.append(ids.item())
    return 0.0, made


def logits_of(model, case, ids, mask):
    if case["kind"] == "causal":
        return model.lm_head(model.model(ids)).float()
    e = model.bert["embeddings"]
    positions = torch.arange(ids.shape[1]).unsqueeze(0)
    hidden = e["LayerNorm"](e["word_embeddings"](ids) + e["token_type_embeddings"](torch.zeros_like(ids)) + e["position_embeddings"](positions))
    extended = (1.0 - mask[:, None, None, :].to(hidden.dtype)) * torch.finfo(hidden.dtype).min
    for layer in model.bert["encoder"]["layer"]:
        hidden = layer(hidden, extended)
    pooled = torch.tanh(model.bert["pooler"]["dense"](hidden[:, 0]))
    return model.classifier(pooled.to(model.classifier.weight.dtype)).float()


def evaluate(model, case):
    total, count, right = 0.0, 0, 0
    for at in range(0, len(case["sequences"]), case["batch"]):
        ids, mask, labels = collate(case, range(at, min(at + case["batch"], len(case["sequences"]))))
        logits = logits_of(model, case, ids, mask)
        if case["kind"] == "causal":
            labels = labels.masked_fill(mask == 0, -100)[:, 1:].reshape(-1)
            logits = logits[:, :-1].reshape(-1, logits.shape[-1])
        total += F.cross_entropy(logits, labels, ignore_index=-100, reduction="sum").item()
        right += (logits.argmax(-1) == labels).sum().item()
        count += (labels != -100).sum().item()
    return total / count, None


def main():
    folder, mode = sys.argv[1], sys.argv[2]
    if mode != "shipped":
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    with open(os.path.join(folder, "case.json")) as file:
        case = json.load(file)
    generates = case["kind"] == "generate"
    model = build(folder, case | {"kind": "causal"} if generates else case, mode == "bf16")
    model.eval()
    print(json.dumps({"ready": True, "threads": torch.get_num_threads(), "torch": torch.__version__}), flush=True)
    for _ in sys.stdin:
        start, before = time.perf_counter(), time.process_time()
        with torch.no_grad():
            loss, tokens = generate(model, case) if generates else evaluate(model, case)
        seconds, cpu = time.perf_counter() - start, time.process_time() - before
        print(json.dumps({"seconds": seconds, "cpu": cpu, "loss": loss, "peak_mib": peak_mib(), "tokens": tokens}), flush=True)


main()
