//===- KernelTable.h - The kernel forms that CPU targets offer ----------------===//
//
// One row per micro-kernel: what it multiplies, how its weights are packed, what the CPU must have. Rows are tried in
// order, so the fastest comes first and the portable form last.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_CODEGEN_CPU_KERNELS_KERNELTABLE_H
#define QOPT_CODEGEN_CPU_KERNELS_KERNELTABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include <cstdint>
#include <string>

namespace qopt::qcpu {

/// What is multiplied: activations × weights → accumulator.
enum class Operands {
  F32,    ///< f32 × f32 → f32
  Int8,   ///< u8 or i8 × i8 → i32, exact
  Weight8, ///< f32 × i8 → f32, the weights converted a panel at a time
  Weight4  ///< the same with codes of 4 bits, two a byte, and zero points
};

/// How one step along K multiplies and adds.
enum class Step {
  FusedMultiplyAdd, ///< broadcast f32, fma
  MultiplyPairs16,  ///< i8 widened to i16, vpmaddwd, vpaddd: exact for all values
  MultiplyPairs8,   ///< vpmaddubsw, vpmaddwd by one, vpaddd: exact when |w0| + |w1| <= 128 for each pair along K
  DotProduct8       ///< vpdpbusd: exact
};

struct KernelForm {
  llvm::StringLiteral name;
  llvm::StringLiteral features; ///< LLVM's names, separated by commas; empty: any x86-64
  Operands operands;
  Step step;
  int64_t lanes; ///< accumulators in one vector
  int64_t mr;    ///< rows of the register tile
  int64_t nr;    ///< columns of the register tile, the panel's width; a multiple of lanes
  int64_t kPack; ///< consecutive elements along K that stand side by side in a panel

  /// Whether weights are codes with scales, decoded a panel at a time.
  bool decodes() const { return operands == Operands::Weight8 || operands == Operands::Weight4; }
  /// Bytes of `nr * kPack` elements side by side in a panel.
  int64_t stepBytes() const { return nr * kPack * (operands == Operands::F32 ? 4 : 1) / (operands == Operands::Weight4 ? 2 : 1); }

  /// Whether signed activations are read as a + 128 (the caller adds -128 * column sums to `init`).
  bool shiftsSignedActivations() const { return step == Step::MultiplyPairs8 || step == Step::DotProduct8; }
};

/// All rows, best first within one kind of operands.
llvm::ArrayRef<KernelForm> kernelForms();

/// The row of this name; null if there is none.
const KernelForm *findKernelForm(llvm::StringRef name);

/// CPU features of a target, as LLVM spells them.
class CpuFeatures {
public:
  /// "avx2,fma"; "host" asks this machine; empty means baseline x86-64.
  static CpuFeatures parse(llvm::StringRef list);
  bool hasAll(llvm::StringRef list) const;
  std::string str() const;

private:
  llvm::StringSet<> names;
};

/// The best row for these operands on this target; rows with Step::MultiplyPairs8 only if `pairsBounded`. Null if none.
const KernelForm *selectKernelForm(Operands operands, const CpuFeatures &features, bool pairsBounded = false);

} // namespace qopt::qcpu

#endif // QOPT_CODEGEN_CPU_KERNELS_KERNELTABLE_H
