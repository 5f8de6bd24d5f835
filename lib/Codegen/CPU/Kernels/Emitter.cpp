#include "Emitter.h"

using namespace mlir;
using namespace qopt::qcpu;

Value Emitter::index(int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
}
Value Emitter::add(Value a, Value b) { return arith::AddIOp::create(builder, loc, a, b, arith::IntegerOverflowFlags::nsw); }
Value Emitter::sub(Value a, Value b) { return arith::SubIOp::create(builder, loc, a, b, arith::IntegerOverflowFlags::nsw); }
Value Emitter::mul(Value a, Value b) { return arith::MulIOp::create(builder, loc, a, b, arith::IntegerOverflowFlags::nsw); }
Value Emitter::floorDiv(Value a, int64_t b) { return arith::DivUIOp::create(builder, loc, a, index(b)); }
Value Emitter::ceilDiv(Value a, int64_t b) { return floorDiv(add(a, index(b - 1)), b); }
Value Emitter::min(Value a, Value b) { return arith::MinSIOp::create(builder, loc, a, b); }
Value Emitter::max(Value a, Value b) { return arith::MaxSIOp::create(builder, loc, a, b); }
Value Emitter::less(Value a, Value b) { return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a, b); }
Value Emitter::equal(Value a, Value b) { return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, b); }
Value Emitter::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static unsigned alignmentOf(Type type) {
  Type element = isa<VectorType>(type) ? cast<VectorType>(type).getElementType() : type;
  return isa<LLVM::LLVMPointerType>(element) ? 8 : std::max(1u, element.getIntOrFloatBitWidth() / 8);
}

Value Emitter::at(Value base, Value bytes) {
  return LLVM::GEPOp::create(builder, loc, pointer(), i8(), base, ArrayRef<LLVM::GEPArg>{bytes},
                             LLVM::GEPNoWrapFlags::inbounds);
}
Value Emitter::at(Value base, int64_t bytes) { return bytes == 0 ? base : at(base, index(bytes)); }
Value Emitter::load(Type type, Value address) {
  return LLVM::LoadOp::create(builder, loc, type, address, alignmentOf(type));
}
void Emitter::store(Value value, Value address) {
  LLVM::StoreOp::create(builder, loc, value, address, alignmentOf(value.getType()));
}
Value Emitter::maskedLoad(VectorType type, Value address, Value mask) {
  return LLVM::MaskedLoadOp::create(builder, loc, type, address, mask, zeros(type), alignmentOf(type));
}
void Emitter::maskedStore(Value value, Value address, Value mask) {
  LLVM::MaskedStoreOp::create(builder, loc, value, address, mask, alignmentOf(value.getType()));
}
Value Emitter::laneMask(int64_t lanes, int64_t first, Value count) {
  SmallVector<int32_t> ids;
  for (int64_t lane = 0; lane < lanes; ++lane)
    ids.push_back(static_cast<int32_t>(first + lane));
  VectorType type = vec(lanes, i32());
  Value lane = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(ids)));
  Value bound = arith::TruncIOp::create(builder, loc, i32(), min(count, index(1 << 20)));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, lane, splat(type, bound));
}
Value Emitter::null() { return LLVM::ZeroOp::create(builder, loc, pointer()); }
Value Emitter::isNull(Value address) {
  return LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq, address, null());
}
Value Emitter::stack(Type element, int64_t count, int64_t alignment) {
  return LLVM::AllocaOp::create(builder, loc, pointer(), element, index(count), alignment);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value Emitter::splat(VectorType type, Value scalar) {
  Value poison = LLVM::PoisonOp::create(builder, loc, type);
  Value zero = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value first = LLVM::InsertElementOp::create(builder, loc, type, poison, scalar, zero);
  SmallVector<int32_t> allFirst(type.getNumElements(), 0);
  return LLVM::ShuffleVectorOp::create(builder, loc, first, poison, allFirst);
}
Value Emitter::constantSplat(VectorType type, TypedAttr value) {
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, Attribute(value)));
}
Value Emitter::zeros(VectorType type) {
  return constantSplat(type, cast<TypedAttr>(builder.getZeroAttr(type.getElementType())));
}
Value Emitter::bitcast(Type type, Value value) { return LLVM::BitcastOp::create(builder, loc, type, value); }
Value Emitter::intrinsic(StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result, builder.getStringAttr(name), operands).getResult(0);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

Emitter::Values Emitter::loop(Value from, Value to, Value step, ValueRange carried, LoopBody body) {
  auto forOp = scf::ForOp::create(builder, loc, from, to, step, carried,
                                  [&](OpBuilder &, Location, Value index, ValueRange values) {
                                    scf::YieldOp::create(builder, loc, body(index, values));
                                  });
  return Values(forOp.getResults());
}
void Emitter::loop(Value from, Value to, Value step, llvm::function_ref<void(Value)> body) {
  loop(from, to, step, ValueRange{}, [&](Value index, ValueRange) {
    body(index);
    return Values{};
  });
}
Emitter::Values Emitter::ifElse(Value condition, TypeRange types, llvm::function_ref<Values()> then,
                                llvm::function_ref<Values()> otherwise) {
  auto ifOp = scf::IfOp::create(
      builder, loc, condition, [&](OpBuilder &, Location) { scf::YieldOp::create(builder, loc, then()); },
      [&](OpBuilder &, Location) { scf::YieldOp::create(builder, loc, otherwise()); });
  return Values(ifOp.getResults());
}
void Emitter::when(Value condition, llvm::function_ref<void()> then) {
  scf::IfOp::create(builder, loc, condition, [&](OpBuilder &, Location) {
    then();
    scf::YieldOp::create(builder, loc);
  });
}
void Emitter::dispatch(Value value, int64_t count, llvm::function_ref<void(int64_t)> body) {
  SmallVector<int64_t> cases;
  for (int64_t i = 1; i < count; ++i)
    cases.push_back(i);
  Value index = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), value);
  auto op = scf::IndexSwitchOp::create(builder, loc, TypeRange{}, index, cases, cases.size());
  OpBuilder::InsertionGuard guard(builder);
  auto fill = [&](Region &region, int64_t i) {
    builder.createBlock(&region);
    body(i);
    scf::YieldOp::create(builder, loc);
  };
  for (auto [region, i] : llvm::zip(op.getCaseRegions(), cases))
    fill(region, i);
  fill(op.getDefaultRegion(), count);
}
