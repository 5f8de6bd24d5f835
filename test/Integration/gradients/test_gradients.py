"""Gradients that nn-gradient makes, executed, against central differences of numpy formulas in float64."""
import re

import numpy as np
import pytest
from cases import CASES
from transformer import BLOCK

STEP = 1e-5


def tensor(shape):
    return f"tensor<{shape if re.search('[fi][0-9]+$', shape) else shape + 'xf32'}>"


def module(case):
    """The loss is the sum of the elements, weighted."""
    values = case.values()
    types = {name: tensor(shape) for name, shape in case.types.items()}
    arguments = ", ".join(f'%{name}: {types[name]} {{nn.name = "{name}"}}' for name in values)
    rank = types["y"].count("x")
    text = re.sub("<([a-z]+)>", lambda found: types[found[1]], case.text)
    return f"""
func.func @main({arguments}, %weights: {types["y"]} {{nn.name = "weights"}}) -> (tensor<f32> {{nn.name = "loss"}}) {{
  {text}
  %weighted = nn.mul %y, %weights : ({types["y"]}, {types["y"]}) -> {types["y"]}
  %loss = nn.reduce_sum %weighted {{axes = array<i64{": " * bool(rank)}{", ".join(map(str, range(rank)))}>, keepdims = false}} : ({types["y"]}) -> tensor<f32>
  return %loss : tensor<f32>
}}"""


def loss_of(case, values, weights):
    return float((case.reference(*values.values()) * weights).sum())


def slopes(case, name, values, weights):
    """Central differences of the loss by each element of one argument."""
    made = np.zeros_like(values[name])
    for at in np.ndindex(made.shape):
        ends = []
        for step in (STEP, -STEP):
            moved = values[name].copy()
            moved[at] += step
            ends.append(loss_of(case, values | {name: moved}, weights))
        made[at] = (ends[0] - ends[1]) / (2 * STEP)
    return made


@pytest.mark.parametrize("name", [*CASES, "transformer"])
def test_gradients(name, tool, tmp_path):
    case = BLOCK if name == "transformer" else CASES[name]
    values = case.values()
    wide = {key: np.asarray(value, np.float64) for key, value in values.items()}
    weights = np.random.default_rng(7).standard_normal(case.reference(*wide.values()).shape).astype(np.float32)
    (tmp_path / "forward.mlir").write_text(module(case))
    asked = [argument for argument in values if argument not in case.fixed]
    indices = ",".join(str(list(values).index(argument)) for argument in asked)
    tool("qopt-opt", tmp_path / "forward.mlir", f"--nn-gradient=arguments={indices}", "-o", tmp_path / "gradients.mlir")
    np.savez(tmp_path / "in.npz", weights=weights, **values)
    tool("qopt", "run", tmp_path / "gradients.mlir", "--input", tmp_path / "in.npz", "-o", tmp_path / "out.npz")
    outputs = np.load(tmp_path / "out.npz")
    # f32 arithmetic of a few operations; the deep chain of the transformer has more of them.
    tolerance = 2e-4 if name == "transformer" else 2e-5
    np.testing.assert_allclose(outputs["loss"], loss_of(case, wide, weights), rtol=tolerance, atol=tolerance)
    given = case.gradients(weights, **wide) if case.gradients else {}
    for argument in asked:
        expected = given[argument] if given else slopes(case, argument, wide, weights)
        assert outputs[f"gradient.{argument}"].shape == expected.shape
        np.testing.assert_allclose(outputs[f"gradient.{argument}"], expected, rtol=tolerance, atol=tolerance * max(1, np.abs(expected).max()))
