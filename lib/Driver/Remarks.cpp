#include "Remarks.h"

#include "qopt/Analysis/Sites.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace qopt;

RemarkCollector::RemarkCollector(mlir::MLIRContext *context)
    : handler(context, [this](mlir::Diagnostic &diagnostic) {
        std::string text = diagnostic.str();
        auto [reason, code] = StringRef(text).rsplit(" [");
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Remark || !code.consume_back("]"))
          return mlir::failure();
        remarks.push_back({locationName(diagnostic.getLocation(), ""), reason.str(), code.str()});
        return mlir::success();
      }) {}

void qopt::printRemarks(raw_ostream &os, ArrayRef<Remark> remarks) {
  MapVector<StringRef, std::vector<const Remark *>> byCode;
  for (const Remark &remark : remarks)
    byCode[remark.code].push_back(&remark);
  for (const auto &[code, all] : byCode)
    os << formatv("  {0,6}  {1,-14} {2} ({3}{4})\n", all.size(), code, all[0]->text, all[0]->site, all.size() > 1 ? ", …" : "");
}

json::Array qopt::toJson(ArrayRef<Remark> remarks) {
  json::Array rows;
  for (const Remark &remark : remarks)
    rows.push_back(json::Object{
        {"site", json::fixUTF8(remark.site)}, {"code", remark.code}, {"reason", json::fixUTF8(remark.text)}});
  return rows;
}
