//===- SymbolicMoves.cpp - Symbolic sizes through ops that move elements ------===//
#include "SymbolicTransfer.h"

#include "qopt/Conversion/Common/Emitter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qopt;

bool SymbolicTransfer::moveOps() {
  return llvm::TypeSwitch<Operation *, bool>(&op)
      .Case([&](nn::TransposeOp transpose) {
        SymbolicDims result;
        for (int64_t i : transpose.getPerm())
          result.push_back(dims(transpose.getX())[i]);
        setDims(transpose.getY(), result);
        return true;
      })
      .Case([&](nn::ReshapeOp reshape) {
        setDims(reshape.getY(), reshaped(reshape));
        return true;
      })
      .Case([&](nn::FlattenOp flatten) {
        SymbolicDims result(2, SymbolicDim::constant(1));
        for (auto [i, dim] : llvm::enumerate(dims(flatten.getX())))
          result[i < flatten.getAxis() ? 0 : 1] = result[i < flatten.getAxis() ? 0 : 1] * dim;
        setDims(flatten.getY(), result);
        return true;
      })
      .Case([&](nn::SqueezeOp squeeze) {
        SymbolicDims result;
        for (auto [i, dim] : llvm::enumerate(dims(squeeze.getX())))
          if (!llvm::is_contained(squeeze.getAxes(), i))
            result.push_back(dim);
        setDims(squeeze.getY(), result);
        return true;
      })
      .Case([&](nn::UnsqueezeOp unsqueeze) {
        SymbolicDims result(dims(unsqueeze.getX()));
        SmallVector<int64_t> axes(unsqueeze.getAxes());
        llvm::sort(axes);
        for (int64_t axis : axes)
          result.insert(result.begin() + axis, SymbolicDim::constant(1));
        setDims(unsqueeze.getY(), result);
        return true;
      })
      .Case([&](nn::ConcatOp concat) {
        SymbolicDims result(dims(concat.getInputs()[0]));
        for (auto [i, input] : llvm::enumerate(concat.getInputs())) {
          if (i == 0)
            continue;
          for (auto [j, dim] : llvm::enumerate(dims(input))) {
            if (j == concat.getAxis())
              result[j] = add(result[j], dim);
            else if (dim.asConstant())
              result[j] = dim;
          }
        }
        setDims(concat.getY(), result);
        return true;
      })
      .Case([&](nn::SplitOp split) {
        for (auto [i, y] : llvm::enumerate(split.getYs())) {
          SymbolicDims result(dims(split.getX()));
          result[split.getAxis()] = SymbolicDim::constant(split.getSplit() ? (*split.getSplit())[i] : unknown);
          setDims(y, result);
        }
        return true;
      })
      .Case([&](nn::SliceOp slice) {
        SymbolicDims result(dims(slice.getData()));
        auto starts = Emitter::constantInts(slice.getStarts());
        const SymbolicDims *ends = elements(slice.getEnds());
        for (auto [i, axis] : llvm::enumerate(slice.getAxes())) {
          SymbolicDim size = result[axis];
          auto end = ends && i < ends->size() ? std::optional((*ends)[i]) : std::nullopt;
          bool fromZero = starts && (*starts)[i] == 0 && slice.getSteps()[i] == 1;
          bool toEnd = end && (*end == size || end->asConstant().value_or(0) >= INT32_MAX);
          if (!(fromZero && toEnd))
            result[axis] = starts && end ? keyed(("slice" + Twine((*starts)[i]) + ":" + Twine(slice.getSteps()[i])).str(),
                                                 {size, *end}, true)
                                         : SymbolicDim::constant(unknown);
        }
        setDims(slice.getY(), result);
        return true;
      })
      .Case([&](nn::ExpandOp expand) {
        const SymbolicDims *shape = elements(expand.getShape());
        if (!shape)
          return false;
        const SymbolicDims &own = dims(expand.getX());
        SymbolicDims result;
        int64_t rank = std::max(shape->size(), own.size());
        for (int64_t i = 0; i < rank; ++i) {
          SymbolicDims sizes;
          if (int64_t at = i - (rank - static_cast<int64_t>(shape->size())); at >= 0)
            sizes.push_back((*shape)[at]);
          if (int64_t at = i - (rank - static_cast<int64_t>(own.size())); at >= 0)
            sizes.push_back(own[at]);
          result.push_back(broadcast(sizes));
        }
        setDims(expand.getY(), result);
        return true;
      })
      .Case([&](nn::ConstantOfShapeOp filled) {
        if (const SymbolicDims *shape = elements(filled.getShape()))
          setDims(filled.getY(), SymbolicDims(*shape));
        return true;
      })
      .Case([&](nn::RangeOp range) {
        const SymbolicDims *start = elements(range.getStart()), *limit = elements(range.getLimit()),
                           *delta = elements(range.getDelta());
        if (start && limit && delta && (*start)[0].asConstant() == 0 && (*delta)[0].asConstant() == 1 &&
            isPositiveSize((*limit)[0]))
          setDims(range.getY(), {(*limit)[0]});
        return true;
      })
      .Case([&](nn::TileOp tile) {
        const SymbolicDims *repeats = elements(tile.getRepeats());
        if (!repeats)
          return false;
        SymbolicDims result;
        for (auto [dim, repeat] : llvm::zip(dims(tile.getX()), *repeats))
          result.push_back(dim * repeat);
        setDims(tile.getY(), result);
        return true;
      })
      .Case([&](nn::GatherOp gather) {
        const SymbolicDims &data = dims(gather.getData()), &indices = dims(gather.getIndices());
        SymbolicDims result(data.begin(), data.begin() + gather.getAxis());
        result.append(indices.begin(), indices.end());
        result.append(data.begin() + gather.getAxis() + 1, data.end());
        setDims(gather.getY(), result);
        return true;
      })
      .Case([&](nn::GatherElementsOp gather) {
        setDims(gather.getY(), SymbolicDims(dims(gather.getIndices())));
        return true;
      })
      .Case([&](nn::PadOp pad) {
        auto pads = Emitter::constantInts(pad.getPads());
        if (!pads)
          return false;
        SymbolicDims result(dims(pad.getData()));
        for (auto [i, dim] : llvm::enumerate(result))
          dim = add(dim, SymbolicDim::constant((*pads)[i] + (*pads)[i + result.size()]));
        setDims(pad.getY(), result);
        return true;
      })
      .Default([](Operation *) { return false; });
}

void SymbolicTransfer::elementwiseContents() {
  SmallVector<const SymbolicDims *> operands;
  size_t count = 1;
  for (Value operand : op.getOperands()) {
    operands.push_back(elements(operand));
    if (!operands.back())
      return;
    count = std::max(count, operands.back()->size());
  }
  SymbolicDims result;
  for (size_t i = 0; i < count; ++i) {
    auto at = [&](unsigned k) { return (*operands[k])[operands[k]->size() == 1 ? 0 : i]; };
    std::optional<SymbolicDim> element =
        llvm::TypeSwitch<Operation *, std::optional<SymbolicDim>>(&op)
            .Case([&](nn::AddOp) { return add(at(0), at(1)); })
            .Case([&](nn::SubOp) { return subtract(at(0), at(1)); })
            .Case([&](nn::MulOp) { return at(0) * at(1); })
            .Case([&](nn::DivOp) { return divide(at(0), at(1)); })
            .Case([&](nn::CastOp) -> std::optional<SymbolicDim> {
              if (Emitter::elementType(op.getResult(0)).isInteger(1))
                return std::nullopt;
              return at(0);
            })
            .Case([&](nn::EqualOp) -> std::optional<SymbolicDim> {
              auto isEqual = equal(at(0), at(1));
              return isEqual ? std::optional(SymbolicDim::constant(*isEqual)) : std::nullopt;
            })
            .Case([&](nn::WhereOp) -> std::optional<SymbolicDim> {
              auto condition = at(0).asConstant();
              return condition ? std::optional(*condition ? at(1) : at(2)) : std::nullopt;
            })
            .Default([](Operation *) { return std::nullopt; });
    if (!element)
      element = s.freshAtom(false);
    result.push_back(*element);
  }
  setElements(op.getResult(0), result);
}

void SymbolicTransfer::contents() {
  Value y = op.getResult(0);
  auto type = dyn_cast<RankedTensorType>(y.getType());
  if (!type || !isa<IntegerType>(type.getElementType()) || type.getRank() > 1 || !type.hasStaticShape() ||
      type.getNumElements() > 64)
    return;
  if (auto constants = Emitter::constantInts(y)) {
    SymbolicDims result;
    for (int64_t value : *constants)
      result.push_back(SymbolicDim::constant(value));
    return setElements(y, result);
  }
  if (op.hasTrait<nn::Elementwise>())
    return elementwiseContents();
  const SymbolicDims *first = op.getNumOperands() ? elements(op.getOperand(0)) : nullptr;
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](nn::ShapeOp shape) {
        const SymbolicDims &all = dims(shape.getX());
        if (shape.getStart() <= shape.getEnd() && shape.getEnd() <= all.size())
          setElements(y, SymbolicDims(all.begin() + shape.getStart(), all.begin() + shape.getEnd()));
      })
      .Case([&](nn::GatherOp gather) {
        auto indices = Emitter::constantInts(gather.getIndices());
        if (!first || !indices || dims(gather.getData()).size() != 1)
          return;
        SymbolicDims result;
        int64_t count = first->size();
        for (int64_t i : *indices) {
          if (i < -count || i >= count)
            return;
          result.push_back((*first)[i < 0 ? i + count : i]);
        }
        setElements(y, result);
      })
      .Case([&](nn::ConcatOp concat) {
        SymbolicDims result;
        for (Value input : concat.getInputs()) {
          if (!elements(input))
            return;
          result.append(*elements(input));
        }
        setElements(y, result);
      })
      .Case([&](nn::SliceOp slice) {
        auto starts = Emitter::constantInts(slice.getStarts()), ends = Emitter::constantInts(slice.getEnds());
        if (!first || !starts || !ends || slice.getAxes().size() != 1 || slice.getSteps()[0] != 1)
          return;
        int64_t count = first->size();
        auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + count : i, 0, count); };
        int64_t from = clamp((*starts)[0]), to = std::max(from, clamp((*ends)[0]));
        setElements(y, SymbolicDims(first->begin() + from, first->begin() + to));
      })
      .Case<nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp, nn::FlattenOp>([&](auto) {
        if (first)
          setElements(y, SymbolicDims(*first));
      })
      .Case([&](nn::ReduceProdOp) {
        if (!first)
          return;
        SymbolicDim product = SymbolicDim::constant(1);
        for (const SymbolicDim &element : *first)
          product = product * element;
        setElements(y, {product});
      })
      .Case([&](nn::SizeOp size) {
        SymbolicDim product = SymbolicDim::constant(1);
        for (const SymbolicDim &dim : dims(size.getX()))
          product = product * dim;
        setElements(y, {product});
      })
      .Case([&](nn::ConstantOfShapeOp filled) {
        auto value = dyn_cast<DenseElementsAttr>(filled.getValue());
        if (value && isa<IntegerType>(value.getElementType()))
          setElements(y, SymbolicDims(type.getNumElements(),
                                      SymbolicDim::constant((*value.value_begin<APInt>()).getSExtValue())));
      })
      .Case([&](nn::ExpandOp) {
        if (first && first->size() == 1)
          setElements(y, SymbolicDims(type.getNumElements(), first->front()));
      })
      .Default([](Operation *) {});
}
