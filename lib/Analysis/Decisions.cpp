#include "qopt/Analysis/Decisions.h"

#include "qopt/Analysis/Sites.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace qopt;

namespace {
constexpr llvm::StringLiteral kRecord = "qopt.decisions";

Outcome parseOutcome(llvm::StringRef name) {
  if (name == "quantized")
    return Outcome::Quantized;
  return name == "kept" ? Outcome::Kept : Outcome::FellBack;
}
} // namespace

llvm::StringRef qopt::outcomeName(Outcome outcome) {
  switch (outcome) {
  case Outcome::Quantized:
    return "quantized";
  case Outcome::Kept:
    return "kept";
  case Outcome::FellBack:
    return "fell back";
  }
  return "";
}

void DecisionLog::add(Operation *op, Outcome outcome, llvm::StringRef code, const llvm::Twine &reason) {
  llvm::StringRef mnemonic = op->getName().getStringRef();
  decisions.push_back({locationName(op->getLoc(), mnemonic), mnemonic.str(), outcome, code.str(), reason.str()});
  if (outcome != Outcome::Quantized)
    op->emitRemark() << outcomeName(outcome) << " in float: " << decisions.back().reason << " [" << code << "]";
}

void DecisionLog::note(Operation *op, llvm::StringRef code, const llvm::Twine &text) {
  add(op, Outcome::Quantized, code, text);
  decisions.back().isRemark = true;
  op->emitRemark() << decisions.back().reason << " [" << code << "]";
}

void DecisionLog::flush() {
  if (decisions.empty())
    return;
  Builder b(module.getContext());
  SmallVector<Attribute> rows;
  if (auto record = module->getAttrOfType<ArrayAttr>(kRecord))
    llvm::append_range(rows, record);
  for (const Decision &d : decisions)
    rows.push_back(b.getDictionaryAttr({b.getNamedAttr("site", b.getStringAttr(d.site)),
                                        b.getNamedAttr("op", b.getStringAttr(d.op)),
                                        b.getNamedAttr("outcome", b.getStringAttr(outcomeName(d.outcome))),
                                        b.getNamedAttr("code", b.getStringAttr(d.code)),
                                        b.getNamedAttr("reason", b.getStringAttr(d.reason))}));
  module->setAttr(kRecord, b.getArrayAttr(rows));
  decisions.clear();
}

std::vector<Decision> qopt::readDecisions(ModuleOp module) {
  std::vector<Decision> decisions;
  auto record = module->getAttrOfType<ArrayAttr>(kRecord);
  if (!record)
    return decisions;
  for (auto row : record.getAsRange<DictionaryAttr>()) {
    auto text = [&](llvm::StringRef key) {
      auto value = row.getAs<StringAttr>(key);
      return value ? value.str() : std::string();
    };
    decisions.push_back({text("site"), text("op"), parseOutcome(text("outcome")), text("code"), text("reason")});
  }
  return decisions;
}
