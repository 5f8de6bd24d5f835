#include "qopt/TargetInfo/Forms.h"

#include <algorithm>

using namespace llvm;

namespace qopt {
namespace {

bool isInt8(const OperandSpec &spec) { return spec.format == Format::Int8 || spec.format == Format::UInt8; }

/// Scales that stand outside of the sum over the input channels.
bool scalesFactorOut(const OperandSpec &spec) {
  return spec.granularity == Granularity::Tensor || spec.granularity == Granularity::Channel ||
         spec.granularity == Granularity::Token;
}

bool takesInt8(const FormRequest &request) {
  return request.weights && request.activations && isInt8(*request.weights) && isInt8(*request.activations) &&
         scalesFactorOut(*request.weights) && scalesFactorOut(*request.activations);
}

bool takesWeightOnlyInt8(const FormRequest &request) {
  return request.weights && !request.activations && isInt8(*request.weights) && scalesFactorOut(*request.weights);
}

bool takesWeightOnly(const FormRequest &request) { return request.weights && !request.activations; }
bool takesAll(const FormRequest &) { return true; }

// Speeds: docs of the kernels' table; vpdpbusd does four products a lane where fma does one, vpmaddwd two and a
// widening.
constexpr FormRow rows[] = {
    {"FORM-INT8-VNNI512", FormKind::Integer, "avx512vnni", takesInt8, 4.0, "8-bit products by vpdpbusd on 512 bits"},
    {"FORM-INT8-VNNI", FormKind::Integer, "avxvnni", takesInt8, 4.0, "8-bit products by vpdpbusd on 256 bits"},
    {"FORM-INT8-AVX512", FormKind::Integer, "avx512bw", takesInt8, 1.5, "8-bit products as 16-bit pairs on 512 bits"},
    {"FORM-INT8-AVX2", FormKind::Integer, "avx2", takesInt8, 1.5, "8-bit products as 16-bit pairs on 256 bits"},
    {"FORM-INT8", FormKind::Integer, "", takesInt8, 0.5, "8-bit products in portable code"},
    {"FORM-WEIGHT8", FormKind::Decoded, "avx2", takesWeightOnlyInt8, 1.0, "8-bit weights, decoded a panel at a time"},
    {"FORM-DECODED", FormKind::Decoded, "", takesWeightOnly, 0.9, "weights decoded to float32 before the product"},
    {"FORM-EMULATED", FormKind::Emulated, "", takesAll, 0.3, "values rounded to the format, products in float32"},
};

constexpr ReasonCode refusals[] = {
    {"TARGET-NO-FP8",
     "The CPU has no 8-bit floating-point products. The values can be rounded to FP8 and multiplied in "
     "float32 (--allow-emulation), which shows the accuracy and not the speed."},
    {"TARGET-NO-FP4", "The CPU has no 4-bit floating-point products; --allow-emulation shows the accuracy."},
    {"TARGET-NO-INT4-ACTIVATIONS", "No kernel multiplies activations of fewer than 8 bits on a CPU: 8-bit activations "
                                   "cost the same and keep more."},
    {"TARGET-GROUPED-INTEGER",
     "The weights' scales change along the sum, so the integer accumulator cannot run through it; no "
     "kernel of this target restarts it at every group."},
    {"TARGET-NO-FORM", "No kernel of this target takes these formats together."},
};

struct Refusal {
  StringLiteral code, clause, nearest;
};

/// Why no row but emulation takes the request.
Refusal whyNot(const FormRequest &request) {
  const OperandSpec *a = request.activations ? &*request.activations : nullptr;
  if (a && traits(a->format).isFloat())
    return traits(a->format).bits == 8
               ? Refusal{"TARGET-NO-FP8", "has no 8-bit floating-point products", "W8A8_DYNAMIC"}
               : Refusal{"TARGET-NO-FP4", "has no 4-bit floating-point products", "W4A16"};
  if (a && traits(a->format).bits < 8)
    return {"TARGET-NO-INT4-ACTIVATIONS", "has no products of activations below 8 bits", "W8A8_DYNAMIC"};
  if (a && request.weights && traits(request.weights->format).isInteger())
    return {"TARGET-GROUPED-INTEGER", "has no integer products whose weight scales change along the sum",
            "W8A8_DYNAMIC"};
  return {"TARGET-NO-FORM", "has no kernel that takes these formats together", "W8A8_DYNAMIC"};
}

std::string describe(const FormRequest &request) {
  std::string text = request.weights ? "weights " + qopt::describe(*request.weights) : std::string();
  if (request.activations)
    text += (text.empty() ? "activations " : "; activations ") + qopt::describe(*request.activations);
  return text;
}

} // namespace

StringRef formKindName(FormKind kind) {
  switch (kind) {
  case FormKind::Integer:
    return "integer";
  case FormKind::Decoded:
    return "decoded";
  case FormKind::Emulated:
    return "emulated";
  }
  return "";
}

ArrayRef<FormRow> formRows() { return rows; }
ArrayRef<ReasonCode> refusalCodes() { return refusals; }

double productTime(const ProductSize &size, const FormRow *form) {
  // bench/README.md, Zen 4: 118 GFLOP/s at 0.72 are 42 G multiply-adds a second; memory brings 36 GB/s, and one row by coded weights shows 8 G of them decoded a second.
  constexpr double kPerByte = 1.2, kPerDecoded = 5;
  double multiplying = size.rows * size.elements / (form ? form->speed : 1), fetching = size.bytes * kPerByte;
  double decoding = form && form->kind != FormKind::Integer ? size.elements * kPerDecoded : 0;
  return std::max({multiplying, fetching, decoding});
}

Verdict judge(const Target &target, const FormRequest &request, bool allowEmulation) {
  for (const FormRow &row : rows) {
    if (!hasFeature(target, row.feature) || !row.takes(request))
      continue;
    if (row.kind != FormKind::Emulated || allowEmulation)
      return {&row, row.code.str(), row.summary.str(), ""};
  }
  Refusal refusal = whyNot(request);
  return {nullptr, refusal.code.str(),
          target.name.str() + " " + refusal.clause.str() + " (" + describe(request) + "); use " +
              refusal.nearest.str() + ", or --allow-emulation to study the accuracy",
          refusal.nearest};
}

} // namespace qopt
