// The qcpu dialect: CPU compute ops whose weights are packed and whose kernel is chosen.
#ifndef QOPT_CODEGEN_CPU_KERNELS_QCPUOPS
#define QOPT_CODEGEN_CPU_KERNELS_QCPUOPS

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

def QCPU_Dialect : Dialect {
  let name = "qcpu";
  let cppNamespace = "::qopt::qcpu";
  let summary = "CPU kernels in destination style: packed weights, a kernel chosen from the table";
  let description = [{
    `qcpu-select-kernels` makes these ops from `nn` and `qopt` ones; they tile, fuse and bufferize like linalg ops; on memrefs
    `qcpu-lower-to-calls` turns each into a call of the kernel that the attribute `kernel` names (a row of KernelTable.h).

    The result is written whole, never read: what has to be added stands in `init`, a vector over the output channels,
    padded with zeros to a multiple of the kernel's panel width. 8-bit activations are signless `i8`; `a_unsigned` says how to read them.
    Packed weights have the shape `panels × (K / kPack) × (NR * kPack)`, zero padded: element `[p, q, j * kPack + i]` is
    `B[q * kPack + i, p * NR + j]`. Codes of 4 bits stand two a byte: `panels × K × NR / 2`, columns j and j + NR / 2 in the low and the high half.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::affine::AffineDialect", "::mlir::tensor::TensorDialect"];
}

def QCPU_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

class QCPU_Op<string mnemonic, list<Trait> traits = []> : Op<QCPU_Dialect, mnemonic, !listconcat(traits, [
    DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<TilingInterface, ["getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
      "getResultTilePosition", "generateResultTileValue", "getIterationDomainTileFromResultTile"]>])> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  code destinationStyle = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutMutable(); }
  }];
  let extraClassDeclaration = destinationStyle;
}

def QCPU_GemmOp : QCPU_Op<"gemm", [AttrSizedOperandSegments]> {
  let summary = "Rows of a times a packed constant matrix, plus a vector";
  let description = [{
    `a` is [rows…, K], `out` [rows…, N]; `b` is packed. The accumulator type is out's element type.

    Kernels of f32 by i8 decode `b` a panel at a time: an element is its code times the scale of its column and group. `scales` are packed as
    `panels × ceil(K / group) × NR`; a group of K (or more) elements is one scale for each column. Kernels of f32 by 4 bits take codes of 0 to 15 less `zeros`, f32 packed as the
    scales, or less 8.

    ```mlir
    %y = qcpu.gemm %a, %b init %bias outs %e {kernel = "f32.avx2", a_unsigned = false}
      : (tensor<?x128x384xf32>, tensor<96x384x16xf32>, tensor<1536xf32>, tensor<?x128x1536xf32>) -> tensor<?x128x1536xf32>
    %z = qcpu.gemm %a, %q scales %s outs %e {kernel = "f32i8.avx2", group = 128}
      : (tensor<?x128x384xf32>, tensor<96x384x16xi8>, tensor<96x3x16xf32>, tensor<?x128x1536xf32>) -> tensor<?x128x1536xf32>
    %u = qcpu.gemm %a, %n scales %s zeros %p outs %e {kernel = "f32i4.avx2", group = 128}
      : (tensor<?x128x384xf32>, tensor<96x384x8xi8>, tensor<96x3x16xf32>, tensor<96x3x16xf32>, tensor<?x128x1536xf32>) -> tensor<?x128x1536xf32>
    ```
  }];
  let arguments = (ins QCPU_Shaped:$a, QCPU_Shaped:$b, Optional<QCPU_Shaped>:$scales, Optional<QCPU_Shaped>:$zeros,
                       Optional<QCPU_Shaped>:$init, QCPU_Shaped:$out,
                       StrAttr:$kernel, DefaultValuedAttr<BoolAttr, "false">:$a_unsigned, DefaultValuedAttr<I64Attr, "0">:$group);
  let assemblyFormat = [{
    $a `,` $b (`scales` $scales^)? (`zeros` $zeros^)? (`init` $init^)? `outs` $out attr-dict `:` functional-type(operands, results)
  }];
}

def QCPU_BatchMatMulOp : QCPU_Op<"batch_matmul"> {
  let summary = "Batch of matrix products of two computed operands";
  let description = [{
    Seen through the permutations, `a` is [batch…, M, K], `b` [batch…, K, N] and `out` [batch…, M, N]: dim i of that view is the
    operand's own dim `perm[i]`, so that heads need not be moved in memory. K is a's last dim, N out's last, one of both b's last. The kernel
    packs b by panels.
  }];
  let arguments = (ins QCPU_Shaped:$a, QCPU_Shaped:$b, QCPU_Shaped:$out, StrAttr:$kernel, DenseI64ArrayAttr:$a_perm,
                       DenseI64ArrayAttr:$b_perm, DenseI64ArrayAttr:$out_perm);
  let assemblyFormat = "$a `,` $b `outs` $out attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = destinationStyle # [{
    /// Whether b's last dim is the summed one.
    bool isTransposed() { return getBPerm()[getBPerm().size() - 2] == static_cast<int64_t>(getBPerm().size()) - 1; }
  }];
}

// What a convolution and a depthwise convolution share.
class QCPU_ConvLikeOp<string mnemonic> : QCPU_Op<mnemonic, [AttrSizedOperandSegments]> {
  let arguments = (ins QCPU_Shaped:$x, QCPU_Shaped:$w, Optional<QCPU_Shaped>:$init, Optional<QCPU_Shaped>:$pad_value,
                       Variadic<Index>:$offsets, QCPU_Shaped:$out, StrAttr:$kernel, DenseI64ArrayAttr:$window,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       DefaultValuedAttr<BoolAttr, "false">:$a_unsigned);
  let assemblyFormat = [{
    $x `,` $w (`init` $init^)? (`pad` $pad_value^)? (`at` $offsets^)? `outs` $out attr-dict
    `:` functional-type(operands, results)
  }];
}

def QCPU_ConvOp : QCPU_ConvLikeOp<"conv"> {
  let summary = "Channels-last 2-D convolution as an implicit matrix product";
  let description = [{
    `x` is N×H×W×C, `w` packed as in qcpu.gemm with K = window × C (channels fastest), `out` n×h×w×M. A tile reads all of x: `offsets` (n, h, w)
    say where out's first element stands in the whole result. Padding (`pads` = top, left) reads as the scalar `pad_value`, else 0.
  }];
}

def QCPU_DepthwiseConvOp : QCPU_ConvLikeOp<"depthwise_conv"> {
  let summary = "Channels-last 2-D convolution of each channel with its own window";
  let description = [{
    As qcpu.conv, but `w` is window×C and `out` n×h×w×C; `offsets` are (n, h, w, c), and a tile has w and init cut to its channels.
  }];
}

#endif
