// What a target does with quantized products (matrix products and convolutions): one row for each form, best first, the
// reference form last. Legalization and `qopt check` ask this table; a refusal has its reason and the nearest scheme
// that is legal.
#pragma once
#include "qopt/TargetInfo/OperandSpec.h"
#include "qopt/TargetInfo/Target.h"
#include <vector>

namespace qopt {

/// What an op asks for.
struct FormRequest {
  std::optional<OperandSpec> weights, activations;
};

enum class FormKind {
  Integer,  ///< products of codes, accumulated exactly in int32
  Decoded,  ///< weights are stored as codes and decoded to float32; products in float32
  Emulated, ///< values are rounded to the format, products in float32: for accuracy studies
};
llvm::StringRef formKindName(FormKind kind);

struct FormRow {
  llvm::StringLiteral code; ///< stable name in reports: "FORM-INT8-VNNI"
  FormKind kind;
  llvm::StringLiteral feature; ///< what the target must have; empty: any
  /// Whether the row takes the operands; the first row that does and whose feature is there serves.
  bool (*takes)(const FormRequest &request);
  double speed; ///< products per cycle, against float32 on the same target: an estimate for plans
  llvm::StringLiteral summary;
};

llvm::ArrayRef<FormRow> formRows();

struct Verdict {
  const FormRow *form = nullptr; ///< null: refused
  std::string code;              ///< the form's, or the refusal's: "TARGET-NO-FP8"
  std::string reason;            ///< one sentence
  llvm::StringRef nearest;       ///< the nearest legal scheme when refused

  explicit operator bool() const { return form != nullptr; }
};

/// What becomes of `request` on `target`. Emulation is a form only where it is allowed.
Verdict judge(const Target &target, const FormRequest &request, bool allowEmulation);

/// A product of `rows` rows with a weight of so many elements, which takes so many bytes.
struct ProductSize {
  double rows = 0, elements = 0, bytes = 0;
};

/// Its time on one core, in float32 multiply-adds: the longest of multiplying (at the form's speed), fetching the weight and decoding it (a
/// roofline: Williams, Waterman and Patterson, CACM 2009). `form` null: float32. For comparisons, no more: what lies between products is
/// left out, and the machine's balance is that of the one that bench/README.md has figures of.
double productTime(const ProductSize &size, const FormRow *form);

struct ReasonCode {
  llvm::StringLiteral code, explanation;
};
/// The codes of refusals, for `qopt explain`.
llvm::ArrayRef<ReasonCode> refusalCodes();

} // namespace qopt
