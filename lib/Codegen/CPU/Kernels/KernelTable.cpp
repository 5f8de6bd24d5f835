#include "qopt/Codegen/CPU/Kernels/KernelTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"

using namespace qopt::qcpu;
using llvm::StringRef;

// Registers: mr * nr / lanes accumulators, nr / lanes for b, one or two for the broadcast of a: at most 16 (ymm) or 32 (zmm).
static constexpr KernelForm forms[] = {
    // name            features                          operands           step                   lanes mr nr kPack
    {"f32.avx512", "avx512f", Operands::F32, Step::FusedMultiplyAdd, 16, 12, 32, 1},
    {"f32.avx2", "avx2,fma", Operands::F32, Step::FusedMultiplyAdd, 8, 6, 16, 1},
    {"f32.generic", "", Operands::F32, Step::FusedMultiplyAdd, 4, 4, 8, 1},
    {"i8.avx512vnni", "avx512f,avx512bw,avx512vnni", Operands::Int8, Step::DotProduct8, 16, 12, 32, 4},
    {"i8.avxvnni", "avx2,avxvnni", Operands::Int8, Step::DotProduct8, 8, 6, 16, 4},
    {"i8.avx512.bounded", "avx512f,avx512bw", Operands::Int8, Step::MultiplyPairs8, 16, 12, 32, 4},
    {"i8.avx512", "avx512f,avx512bw", Operands::Int8, Step::MultiplyPairs16, 16, 12, 32, 2},
    {"i8.avx2.bounded", "avx2", Operands::Int8, Step::MultiplyPairs8, 8, 4, 16, 4},
    {"i8.avx2", "avx2", Operands::Int8, Step::MultiplyPairs16, 8, 6, 16, 2},
    {"i8.generic", "", Operands::Int8, Step::MultiplyPairs16, 4, 2, 8, 2},
    {"f32i8.avx512", "avx512f", Operands::Weight8, Step::FusedMultiplyAdd, 16, 12, 32, 1},
    {"f32i8.avx2", "avx2,fma", Operands::Weight8, Step::FusedMultiplyAdd, 8, 6, 16, 1},
    {"f32i8.generic", "", Operands::Weight8, Step::FusedMultiplyAdd, 4, 4, 8, 1},
    {"f32i4.avx512", "avx512f", Operands::Weight4, Step::FusedMultiplyAdd, 16, 12, 32, 1},
    {"f32i4.avx2", "avx2,fma", Operands::Weight4, Step::FusedMultiplyAdd, 8, 6, 16, 1},
    {"f32i4.generic", "", Operands::Weight4, Step::FusedMultiplyAdd, 4, 4, 8, 1},
};

llvm::ArrayRef<KernelForm> qopt::qcpu::kernelForms() { return forms; }

const KernelForm *qopt::qcpu::findKernelForm(StringRef name) {
  const auto *row = llvm::find_if(forms, [&](const KernelForm &form) { return form.name == name; });
  return row == std::end(forms) ? nullptr : row;
}

CpuFeatures CpuFeatures::parse(StringRef list) {
  CpuFeatures result;
  if (list == "host") {
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      if (feature.second)
        result.names.insert(feature.first());
    return result;
  }
  for (StringRef name : llvm::split(list, ','))
    if (name.consume_front("+"), !name.empty() && name.front() != '-')
      result.names.insert(name);
  return result;
}

bool CpuFeatures::hasAll(StringRef list) const {
  return llvm::all_of(llvm::split(list, ','), [&](StringRef name) { return name.empty() || names.contains(name); });
}

std::string CpuFeatures::str() const {
  llvm::SmallVector<StringRef> sorted(names.keys());
  llvm::sort(sorted);
  return llvm::join(sorted, ",");
}

const KernelForm *qopt::qcpu::selectKernelForm(Operands operands, const CpuFeatures &features, bool pairsBounded) {
  const auto *row = llvm::find_if(forms, [&](const KernelForm &form) {
    return form.operands == operands && features.hasAll(form.features) &&
           (form.step != Step::MultiplyPairs8 || pairsBounded);
  });
  return row == std::end(forms) ? nullptr : row;
}
