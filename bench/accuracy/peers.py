#!/usr/bin/env python3
"""Runs llm-compressor on the kit's files, and ours beside them where both work on one product; prints a table for docs/accuracy.md.

usage: peers.py [ROW …] [--models DIR] [--qopt BIN] [--results FILE.json] [--threads N] [--list]

Rows are named as run.py's: a name with `*` matches several, none means all. Needs torch, transformers, llmcompressor, datasets, onnx and numpy in
the Python that runs it, and installs nothing. SmolLM2 is rebuilt in transformers from the kit's ONNX file and scored as `qopt eval` does.
"""
import argparse
import fnmatch
import json
import math
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import types
import unittest.mock

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

TOP = pathlib.Path(__file__).resolve().parents[2]
LAYERS, HEADS, KV_HEADS, SIZE, HIDDEN, VOCABULARY = 30, 9, 3, 576, 1536, 49152
PARTS = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm"}


def cpu():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def tokens(options, which):
    return torch.tensor(np.load(options.models / f"smollm2_{which}.npz")["input_ids"])


def smollm2(options, work):
    """The kit's SmolLM2, saved and loaded as a model of transformers: some peers ask for a folder that it came from."""
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    arrays = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in onnx.load(options.models / "smollm2_135m.onnx").graph.initializer}
    weight = lambda name: arrays[name] if name in arrays else arrays[name + ".T"].t().contiguous()
    config = LlamaConfig(hidden_size=SIZE, intermediate_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, vocab_size=VOCABULARY,
                         num_key_value_heads=KV_HEADS, rms_norm_eps=1e-5, max_position_embeddings=2048, tie_word_embeddings=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 100000.0}, bos_token_id=0, eos_token_id=0)
    state = {"model.embed_tokens.weight": weight("token_embd.weight"), "lm_head.weight": weight("token_embd.weight"),
             "model.norm.weight": weight("output_norm.weight")}
    state |= {f"model.layers.{i}.{theirs}.weight": weight(f"blk.{i}.{ours}.weight") for i in range(LAYERS) for theirs, ours in PARTS.items()}
    made = LlamaForCausalLM(config).float()
    made.load_state_dict(state)
    made.save_pretrained(work / "smollm2")
    return AutoModelForCausalLM.from_pretrained(work / "smollm2", dtype=torch.float32).eval()


def nobody():
    """A tokenizer of one word: it is asked for, and nothing here is text."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"": 0}, unk_token="")), pad_token="", bos_token="", eos_token="")


@torch.no_grad()
def perplexity(model, options):
    """Of the second half of each context, given what stands before."""
    total = count = 0
    for ids in tokens(options, "eval").split(4):
        half = ids.shape[1] // 2
        logits = model(input_ids=ids).logits[:, half:-1].float()
        total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, half + 1:].flatten(), reduction="sum").item()
        count += ids[:, half + 1:].numel()
    return math.exp(total / count)


def signed_scales(min_vals, max_vals, **_):
    """Ours for int4: the value of greatest magnitude has the code -8, under a negative scale where it is positive."""
    return torch.where(max_vals > -min_vals, -max_vals, -min_vals) / 8, torch.zeros_like(max_vals, dtype=torch.int8)


def llm_compressor(model, options, *stages, group, samples=None, qparams=None):
    """`qparams`: what scales and zero points are made by in place of its own function."""
    from compressed_tensors.quantization.utils import calculate_qparams
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from llmcompressor.modifiers.transform.awq import AWQModifier
    from llmcompressor.pipelines.cache import IntermediatesCache

    IntermediatesCache.pin_memory = lambda *_: None  # AWQ pins for a GPU, also where there is none.
    weights = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": group}
    what = {"config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    make = {"rtn": lambda: QuantizationModifier(**what), "gptq": lambda: GPTQModifier(**what, dampening_frac=0.01),
            "awq": lambda: AWQModifier(duo_scaling="both")}
    ids = tokens(options, "calib")[:samples]
    data = Dataset.from_dict({"input_ids": ids.tolist(), "attention_mask": torch.ones_like(ids).tolist()})
    data.set_format("torch")
    feed = {} if stages == ("rtn",) else {"processor": nobody(), "dataset": data, "num_calibration_samples": len(ids), "max_seq_length": ids.shape[1],
                                          "shuffle_calibration_samples": False, "batch_size": 8}
    with unittest.mock.patch("llmcompressor.observers.base.calculate_qparams", qparams or calculate_qparams):
        oneshot(model=model, recipe=[make[s]() for s in stages], **feed)
    return model


MODEL_ROWS = {
    "smollm2/float": lambda m, o: m,
    "smollm2/llm-compressor rtn int4 g64": lambda m, o: llm_compressor(m, o, "rtn", group=64),
    "smollm2/llm-compressor gptq int4 g64": lambda m, o: llm_compressor(m, o, "gptq", group=64),
    "smollm2/llm-compressor rtn int4 g64, our scales": lambda m, o: llm_compressor(m, o, "rtn", group=64, qparams=signed_scales),
    "smollm2/llm-compressor gptq int4 g64, our scales": lambda m, o: llm_compressor(m, o, "gptq", group=64, qparams=signed_scales),
    "smollm2/llm-compressor gptq int4 g32": lambda m, o: llm_compressor(m, o, "gptq", group=32),
    "smollm2/llm-compressor awq int4 g64, 8 samples": lambda m, o: llm_compressor(m, o, "awq", "rtn", group=64, samples=8),
}


def measure_model(row, options, work):
    model = smollm2(options, work)
    begin, before = time.time(), cpu()
    model = MODEL_ROWS[row](model, options)
    wall, spent = time.time() - begin, cpu() - before
    return {"result": f"perplexity {perplexity(model, options):.3f}", "wall_s": round(wall, 1), "cpu_s": round(spent, 1)}


# One product of the model on its real inputs: the same weight and inputs for both.

def product(options, work, name):
    """The weight [N, K] of a module and its inputs in calibration [tokens, K], kept between rows."""
    kept = work / f"{name}.npz"
    if not kept.exists():
        model, rows = smollm2(options, work), []
        module = model.get_submodule(name)
        del model.model.layers[int(name.split(".")[2]) + 1:]
        module.register_forward_pre_hook(lambda _, inputs: rows.append(inputs[0].flatten(0, 1)))
        with torch.no_grad():
            for ids in tokens(options, "calib").split(8):
                model.model(input_ids=ids)
        np.savez(kept, w=module.weight.detach().numpy(), x=torch.cat(rows).numpy())
    kept = np.load(kept)
    return kept["w"], kept["x"]


def ours(options, work, w, x, recipe, *extra, kind):
    """What qopt makes of x · wᵀ; returns the file's path and the CPU seconds."""
    n, k = w.shape
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], "product",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", k])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", n])], [numpy_helper.from_array(np.ascontiguousarray(w.T), "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), work / "product.onnx")
    np.savez(work / "inputs.npz", x=x)
    (work / "recipe.yaml").write_text(recipe)
    before = cpu()
    subprocess.run([options.qopt, "quantize", work / "product.onnx", "-o", work / f"out.{kind}", "--recipe", work / "recipe.yaml", "--calibration-data",
                    work / "inputs.npz", "--batch", "256", "--noise-samples", "0", "--quiet", *extra], check=True)
    return work / f"out.{kind}", cpu() - before


def codes_and_params(path):
    """Codes [N, K], scales and zero points [N, groups] of an exported QDQ model."""
    model = onnx.load(path)
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    node = next(n for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in arrays)
    codes, scales, *zeros = (arrays[name].astype(np.float64).T for name in node.input if name)
    return codes, scales, zeros[0] if zeros else np.zeros_like(scales)


def error(w, q, h):
    """The output error over the signal: tr((W - Q) H (W - Q)ᵀ) / tr(W H Wᵀ)."""
    d, w = w.astype(np.float64) - q, w.astype(np.float64)
    return float(np.einsum("nk,nk->", d @ h, d) / np.einsum("nk,nk->", w @ h, w))


def gptq_row(options, work, module, group, symmetric, order):
    """llm-compressor's own GPTQ with its scales and with ours, against ours: errors, equal codes, CPU seconds."""
    from compressed_tensors.quantization import QuantizationArgs
    from llmcompressor.modifiers.gptq.gptq_quantize import quantize_weight
    from llmcompressor.modifiers.gptq.helpers import accumulate_hessian
    from llmcompressor.observers import Observer

    w, x = product(options, work, module)
    recipe = (f"schemes:\n  s: {{weights: {{format: {'int4' if symmetric else 'uint4'}, granularity: group, group_size: {group}, symmetric: "
              f"{str(symmetric).lower()}}}}}\nstages:\n  - gptq: {{scheme: s, actorder: {order or 'none'}}}\n")
    path, our_cpu = ours(options, work, w, x, recipe, kind="onnx")
    codes, scales, zeros = codes_and_params(path)
    spread = lambda p: np.repeat(p, group, axis=1)[:, : w.shape[1]]
    mine = (codes - spread(zeros)) * spread(scales)

    args = QuantizationArgs(num_bits=4, type="int", symmetric=symmetric, strategy="group", group_size=group, actorder=order)
    linear = torch.nn.Linear(w.shape[1], w.shape[0], bias=False)
    linear.weight.data = torch.tensor(w)
    before = cpu()
    hessian, count = accumulate_hessian(torch.tensor(x), linear, torch.zeros(w.shape[1], w.shape[1]), torch.zeros(()))
    observer = Observer.load_from_registry("memoryless_minmax", base_name="weight", args=args)
    observer(linear.weight.data)
    theirs = observer.get_qparams()
    run = lambda s, z: quantize_weight(torch.tensor(w)[None], (hessian / count)[None].clone(), s[None], z[None], None, args)[0][0].numpy()
    with torch.no_grad():
        own = run(theirs["scale"], theirs["zero_point"])
        their_cpu = cpu() - before
        shift = 0 if symmetric else 8  # Its codes of 4 bits are signed.
        same = run(torch.tensor(scales).float(), torch.tensor(zeros - shift).float())
    h = x.astype(np.float64).T @ x
    nearest = np.clip(np.rint(w / spread(scales)) + spread(zeros), 0 if not symmetric else -8, 15 if not symmetric else 7)
    values = {"rounded": (nearest - spread(zeros)) * spread(scales), "theirs": own, "theirs, our scales": same, "ours": mine}
    errors = ", ".join(f"{k} {100 * error(w, v, h):.4f} %" for k, v in values.items())
    equal = np.isclose(same, mine, rtol=1e-4, atol=1e-7).mean()
    return {"result": f"{errors}; equal codes under equal scales {100 * equal:.2f} %", "cpu_s": f"{their_cpu:.1f}, ours {our_cpu:.1f}"}


def factors(path):
    """What activations are multiplied by in a transformed program, the first constant in its text, as s: its inverse."""
    text = path.read_text()
    found = re.search(r'nn\.constant dense(?:_resource<(?P<name>\w+)>|<(?P<list>\[[^\]]*\])>|<"0x(?P<hex>[0-9A-Fa-f]*)">)', text)
    if found["list"]:
        values = np.array(json.loads(found["list"]))
    else:  # A resource starts with its alignment.
        data = found["hex"] or re.search(rf'\b{found["name"]}: "0x.{{8}}([0-9A-Fa-f]*)"', text)[1]
        values = np.frombuffer(bytes.fromhex(data), np.float32)
    return 1 / values.astype(np.float64)


def scale_free(s):
    return s / np.exp(np.log(s).mean())


def smoothquant_row(options, work, module, alpha):
    from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier

    w, x = product(options, work, module)
    recipe = f"stages:\n  - smoothquant: {{alpha: {alpha}}}\n  - rtn: {{scheme: W8A8}}\n"
    path, _ = ours(options, work, w, x, recipe, "--compile-to", "transformed", kind="mlir")
    formula = np.abs(x).max(0).astype(np.float64) ** alpha / np.abs(w).max(0).astype(np.float64) ** (1 - alpha)
    linear = torch.nn.Linear(w.shape[1], w.shape[0], bias=False)
    linear.weight.data = torch.tensor(w)
    theirs = SmoothQuantModifier(smoothing_strength=alpha)._calculate_smoothing_scales([linear], torch.tensor(np.ptp(x, axis=0))).detach().numpy()
    reach = lambda a: np.abs(scale_free(a) / scale_free(formula) - 1).max()
    return {"result": f"from the paper's formula, up to one factor for all channels: ours by {reach(factors(path)):.1e} at most, "
                      f"llm-compressor's (max - min in place of max |x|) by {reach(theirs):.2f}"}


def awq_row(options, work, module, group):
    from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config, disable_quantization
    from llmcompressor.modifiers.transform.awq import AWQModifier
    from llmcompressor.observers import Observer

    w, x = product(options, work, module)
    x = x[::8]
    recipe = (f"schemes:\n  s: {{weights: {{format: int4, granularity: group, group_size: {group}}}}}\n"
              "stages:\n  - awq: {clip: false}\n  - rtn: {scheme: s}\n")
    path, our_cpu = ours(options, work, w, x, recipe, "--compile-to", "transformed", kind="mlir")
    parent = torch.nn.Sequential()
    parent.fc = torch.nn.Linear(w.shape[1], w.shape[0], bias=False)
    parent.fc.weight.data = torch.tensor(w)
    weights = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": group}
    apply_quantization_config(parent, QuantizationConfig(config_groups={"group_0": {"targets": ["Linear"], "weights": weights}}))
    parent.fc.weight_observer = Observer.load_from_registry("memoryless_minmax", base_name="weight", args=parent.fc.quantization_scheme.weights)
    disable_quantization(parent.fc)  # As in its pipelines: the search itself rounds.
    awq = AWQModifier(duo_scaling="both")
    awq._parent_args_cache = {parent: [{"input": torch.tensor(x)}]}
    awq._smooth_activation_stats = {"x": [torch.tensor(np.abs(x).sum(0)), torch.tensor(float(len(x)))]}
    mapping = types.SimpleNamespace(smooth_name="x", parent=parent, parent_name="", balance_layers=[parent.fc], balance_names=["fc"])
    before = cpu()
    with torch.no_grad():
        exact = torch.tensor(x) @ torch.tensor(w).T
        theirs = awq._compute_best_scale(mapping, [exact], {parent.fc: torch.tensor(w)}).detach().numpy().astype(np.float64)
    their_cpu = cpu() - before
    h = x.astype(np.float64).T @ x

    def after(s):
        boxes = (w * s).reshape(len(w), -1, group)
        step = np.abs(boxes).max(2, keepdims=True) / 7
        return 100 * error(w, (np.clip(np.rint(boxes / step), -8, 7) * step).reshape(w.shape) / s, h)

    near = lambda s: nearest_awq(s, np.abs(x).mean(0).astype(np.float64), w, group)
    mine = factors(path)
    return {"result": f"plain {after(np.ones(len(h))):.4f} %; theirs {after(theirs):.4f} % ({near(theirs)}); ours {after(mine):.4f} % ({near(mine)})",
            "cpu_s": f"{their_cpu:.1f}, ours {our_cpu:.1f}"}


def nearest_awq(s, activation, w, group):
    """Which r the scales have by the paper's formula, of both grids, and how far off it they are."""
    boxes = np.abs(w).astype(np.float64).reshape(len(w), -1, group)
    weight = (boxes / boxes.max(2, keepdims=True)).reshape(w.shape).mean(0)
    formula = lambda r, duo: np.maximum(activation**r / (weight ** (1 - r) + 1e-4 if duo else 1), 1e-4)
    grid = [(r, duo) for r in sorted({i / 20 for i in range(20)} | {i / 9 for i in range(10)}) for duo in (False, True)]
    off, r, duo = min((np.abs(scale_free(formula(*at)) / scale_free(s) - 1).max(), *at) for at in grid)
    return f"r = {r:.2f}{', duo' if duo else ''}, off the formula by {off:.1e}"


DOWN, QUERY = "model.layers.10.mlp.down_proj", "model.layers.10.self_attn.q_proj"
LAYER_ROWS = {f"gptq {name} {'int4' if symmetric else 'uint4'} g{group} {order or 'in order'}": (gptq_row, module, group, symmetric, order)
              for name, module, group in (("down_proj", DOWN, 128), ("down_proj", DOWN, 32), ("q_proj", QUERY, 32))
              for symmetric in (True, False) for order in ("static", None)}
LAYER_ROWS |= {f"awq {name} int4 g{group}": (awq_row, module, group) for name, module, group in (("down_proj", DOWN, 128), ("q_proj", QUERY, 32))}
LAYER_ROWS |= {f"smoothquant {name} alpha {alpha}": (smoothquant_row, module, alpha)
               for name, module in (("down_proj", DOWN), ("q_proj", QUERY)) for alpha in (0.5, 0.8)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*")
    p.add_argument("--models", type=pathlib.Path, default=pathlib.Path(os.environ.get("QOPT_MODELS", "")))
    p.add_argument("--qopt", default=TOP / "build/bin/qopt")
    p.add_argument("--results", type=pathlib.Path, default=pathlib.Path("peers.json"))
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--list", action="store_true")
    a = p.parse_args()
    names = [*(f"layer/{r}" for r in LAYER_ROWS), *MODEL_ROWS]
    if a.list:
        return print("\n".join(names))
    chosen = [r for r in names if not a.rows or any(fnmatch.fnmatchcase(r, pattern) for pattern in a.rows)]
    if not chosen:
        sys.exit("no row has that name; --list shows them")
    torch.set_num_threads(a.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    results = json.loads(a.results.read_text()) if a.results.exists() else {}
    with tempfile.TemporaryDirectory() as work:
        for row in chosen:
            try:
                kind, name = row.split("/", 1)
                how, *what = LAYER_ROWS.get(name, [None]) if kind == "layer" else [None]
                results[row] = how(a, pathlib.Path(work), *what) if how else measure_model(row, a, pathlib.Path(work))
            except (RuntimeError, ValueError, subprocess.CalledProcessError) as reason:
                results[row] = {"result": f"error: {str(reason).splitlines()[0]}"}
            print(row, results[row], file=sys.stderr, flush=True)
            a.results.write_text(json.dumps(results, indent=1))
    print("| row | result | CPU s |\n| --- | --- | --- |")
    print("\n".join(f"| {r} | {results[r]['result']} | {results[r].get('cpu_s', '')} |" for r in names if r in results))


if __name__ == "__main__":
    main()
