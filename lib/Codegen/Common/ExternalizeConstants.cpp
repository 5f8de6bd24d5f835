#include "qopt/Codegen/Common/Passes.h"
#include "qopt/Codegen/Common/Signature.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace qopt {
#define GEN_PASS_DEF_EXTERNALIZECONSTANTSPASS
#include "qopt/Codegen/Common/Passes.h.inc"

namespace {

struct ExternalizeConstantsPass : impl::ExternalizeConstantsPassBase<ExternalizeConstantsPass> {
  using ExternalizeConstantsPassBase::ExternalizeConstantsPassBase;

  bool isLarge(memref::GlobalOp global) const {
    auto value = dyn_cast_or_null<ElementsAttr>(global.getInitialValue().value_or(Attribute()));
    if (!value)
      return false;
    int64_t bits = value.getElementType().isIntOrFloat() ? value.getElementType().getIntOrFloatBitWidth() : 64;
    return value.getNumElements() * llvm::divideCeil(bits, 8) > uint64_t(minBytes);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder builder(&getContext());
    DenseMap<Attribute, StringAttr> nameOfValue;
    SmallVector<NamedAttribute> constants;
    if (auto present = module->getAttrOfType<DictionaryAttr>(constantsAttrName))
      constants.append(present.begin(), present.end());
    DenseMap<StringAttr, StringAttr> renamed;
    for (auto global : llvm::make_early_inc_range(module.getOps<memref::GlobalOp>())) {
      if (!isLarge(global))
        continue;
      Attribute value = *global.getInitialValue();
      StringAttr &name = nameOfValue[value];
      if (!name) {
        name = builder.getStringAttr("qopt_constant_" + Twine(constants.size()));
        constants.emplace_back(name, value);
        OpBuilder before(global);
        memref::GlobalOp::create(before, global.getLoc(), name, /*sym_visibility=*/StringAttr(),
                                                   global.getType(), Attribute(), /*constant=*/false,
                                                   IntegerAttr());
      }
      renamed[global.getSymNameAttr()] = name;
      global.erase();
    }
    module.walk([&](memref::GetGlobalOp get) {
      if (StringAttr name = renamed.lookup(get.getNameAttr().getAttr()))
        get.setName(name);
    });
    module->setAttr(constantsAttrName, builder.getDictionaryAttr(constants));
  }
};

} // namespace
} // namespace qopt
