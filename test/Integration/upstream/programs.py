"""Programs of one linear op in linalg or tosa, with the matrix of inputs that numpy multiplies their weight with."""
import dataclasses
from collections.abc import Callable

import numpy as np

ROWS = 512


def constant(values):
    """An elements attribute that holds the bytes."""
    values = np.ascontiguousarray(values, np.float32)
    return f'dense<"0x{values.tobytes().hex().upper()}"> : tensor<{"x".join(map(str, values.shape))}xf32>'


def columns_of(x, kernel, stride=1, dilation=1, pads=(0, 0, 0, 0)):
    """Channels-last im2col: [positions, window * channels]; `pads` are top, bottom, left, right."""
    top, bottom, left, right = pads
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    reach = dilation * (kernel - 1) + 1
    high, wide = ((size - reach) // stride + 1 for size in x.shape[1:3])
    taps = [x[:, i * dilation:i * dilation + stride * (high - 1) + 1:stride, j * dilation:j * dilation + stride * (wide - 1) + 1:stride]
            for i in range(kernel) for j in range(kernel)]
    return np.concatenate(taps, axis=-1).reshape(-1, kernel * kernel * x.shape[-1])


@dataclasses.dataclass
class Linear:
    text: Callable  # of the weight [K, N]: the module
    sample: tuple  # one sample's shape
    outputs: int
    columns: Callable  # of all samples: [positions, K]
    scales_channels: bool = True  # whether SmoothQuant and AWQ take it

    @property
    def inner(self):
        return self.columns(np.zeros((1, *self.sample), np.float32)).shape[1]


def matmul(weight):
    k, n = weight.shape
    return f"""
func.func @main(%x: tensor<?x{k}xf32> {{nn.name = "x"}}) -> (tensor<?x{n}xf32> {{nn.name = "y"}}) {{
  %w = arith.constant {constant(weight)}
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %d = tensor.dim %x, %c0 : tensor<?x{k}xf32>
  %e = tensor.empty(%d) : tensor<?x{n}xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x{n}xf32>) -> tensor<?x{n}xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x{k}xf32>, tensor<{k}x{n}xf32>) outs(%f : tensor<?x{n}xf32>) -> tensor<?x{n}xf32> loc("product")
  return %y : tensor<?x{n}xf32>
}}"""


def contract(weight):
    """The weight stands transposed, which only the maps say."""
    k, n = weight.shape
    maps = "affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>"
    return (matmul(weight).replace(constant(weight), constant(weight.T)).replace(f"tensor<{k}x{n}xf32>)", f"tensor<{n}x{k}xf32>)")
            .replace("linalg.matmul", f"linalg.contract indexing_maps = [{maps}]"))


def conv_nhwc(weight):
    n = weight.shape[1]
    return f"""
func.func @main(%x: tensor<?x9x9x6xf32> {{nn.name = "x"}}) -> (tensor<?x4x4x{n}xf32> {{nn.name = "y"}}) {{
  %w = arith.constant {constant(weight.reshape(3, 3, 6, n))}
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %d = tensor.dim %x, %c0 : tensor<?x9x9x6xf32>
  %e = tensor.empty(%d) : tensor<?x4x4x{n}xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4x4x{n}xf32>) -> tensor<?x4x4x{n}xf32>
  %y = linalg.conv_2d_nhwc_hwcf {{dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}}
      ins(%x, %w : tensor<?x9x9x6xf32>, tensor<3x3x6x{n}xf32>) outs(%f : tensor<?x4x4x{n}xf32>) -> tensor<?x4x4x{n}xf32> loc("product")
  return %y : tensor<?x4x4x{n}xf32>
}}"""


def tosa_matmul(weight):
    k, n = weight.shape
    return f"""
func.func @main(%x: tensor<1x16x{k}xf32> {{nn.name = "x"}}) -> (tensor<1x16x{n}xf32> {{nn.name = "y"}}) {{
  %w = "tosa.const"() {{values = {constant(weight[None])}}} : () -> tensor<1x{k}x{n}xf32>
  %z = "tosa.const"() {{values = dense<0.0> : tensor<1xf32>}} : () -> tensor<1xf32>
  %y = tosa.matmul %x, %w, %z, %z : (tensor<1x16x{k}xf32>, tensor<1x{k}x{n}xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x16x{n}xf32> loc("product")
  return %y : tensor<1x16x{n}xf32>
}}"""


def tosa_conv(image, kernel, out, attributes):
    def text(weight):
        n = weight.shape[1]
        own = weight.T.reshape(n, kernel, kernel, image[-1])
        x, y, w = (f"tensor<?x{'x'.join(map(str, dims))}xf32>" for dims in (image, (*out, n), own.shape[1:]))
        w = w.replace("?", str(n))
        return f"""
func.func @main(%x: {x} {{nn.name = "x"}}) -> ({y} {{nn.name = "y"}}) {{
  %w = "tosa.const"() {{values = {constant(own)}}} : () -> {w}
  %b = "tosa.const"() {{values = dense<0.0> : tensor<{n}xf32>}} : () -> tensor<{n}xf32>
  %z = "tosa.const"() {{values = dense<0.0> : tensor<1xf32>}} : () -> tensor<1xf32>
  %y = tosa.conv2d %x, %w, %b, %z, %z {{acc_type = f32, {attributes}}}
      : ({x}, {w}, tensor<{n}xf32>, tensor<1xf32>, tensor<1xf32>) -> {y} loc("product")
  return %y : {y}
}}"""

    return text


PROGRAMS = {
    "linalg.matmul": Linear(matmul, (48,), 32, lambda x: x),
    "linalg.contract": Linear(contract, (48,), 32, lambda x: x),
    "linalg.conv_2d_nhwc_hwcf": Linear(conv_nhwc, (9, 9, 6), 10, lambda x: columns_of(x, 3, stride=2), scales_channels=False),
    "tosa.matmul": Linear(tosa_matmul, (16, 48), 32, lambda x: x.reshape(-1, 48)),
    "tosa.conv2d": Linear(tosa_conv((9, 9, 6), 3, (5, 4), "dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 0, 0>, stride = array<i64: 2, 2>"),
                          (9, 9, 6), 10, lambda x: columns_of(x, 3, stride=2, pads=(1, 1, 0, 0)), scales_channels=False),
    "tosa.conv2d, fully connected": Linear(tosa_conv((1, 1, 48), 1, (1, 1), "dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, "
                                                     "stride = array<i64: 1, 1>"), (1, 1, 48), 32, lambda x: x.reshape(-1, 48)),
}
