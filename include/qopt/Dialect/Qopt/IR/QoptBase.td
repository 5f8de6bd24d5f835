// The qopt dialect: quantization.
#ifndef QOPT_DIALECT_QOPT_IR_QOPTBASE
#define QOPT_DIALECT_QOPT_IR_QOPTBASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Qopt_Dialect : Dialect {
  let name = "qopt";
  let cppNamespace = "::qopt::qir";
  let summary = "Quantization: observers, quantize/dequantize, integer compute after legalization";
  let description = [{
    Scales and zero points are SSA tensors, never types. The numeric rule is one: `q = saturate(rne(x / s) + zp)` and
    `x' = (q - zp) * s`. Integer storage types are `i8`/`ui8`/`i16`/`ui16`/`i4`/`ui4`/`i3`/`i2`/…; floats of 4 to 8 bits are MLIR's own
    types (`f8E4M3FN`, `f4E2M1FN`, `f8E8M0FNU`, …). A constant of a type below 8 bits holds one element a byte.
  }];
}

defvar Qopt_AnyTensor = AnyRankedTensor;

class Qopt_Op<string mnemonic, list<Trait> traits = []> : Op<Qopt_Dialect, mnemonic, traits>;

#endif
