// What is known at compile time about the elements of shape tensors.
#include "qopt/Dialect/NN/IR/Constants.h"
#include "qopt/Dialect/NN/IR/InferShapes.h"
#include "qopt/Dialect/NN/IR/NN.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace qopt::nn;

namespace {
constexpr int64_t kUnknown = ShapedType::kDynamic;
constexpr int64_t kMostElements = 64;

/// Walks the producers of a small integer tensor. The budget bounds the walk: operands may be shared.
class Walker {
public:
  using Known = std::optional<Dims>;

  Known elements(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.getRank() > 1 || !isa<IntegerType>(type.getElementType()) || budget-- <= 0)
      return std::nullopt;
    if (auto constant = constantInts(value, kMostElements))
      return constant;
    Known found = value.getDefiningOp() ? ofOp(value.getDefiningOp()) : std::nullopt;
    if (!found && type.hasStaticShape() && type.getNumElements() <= kMostElements)
      return Dims(type.getNumElements(), kUnknown);
    return found;
  }

private:
  int64_t budget = 512;

  Known ofOp(Operation *op) {
    return llvm::TypeSwitch<Operation *, Known>(op)
        .Case([&](ShapeOp shape) -> Known {
          auto dims = cast<RankedTensorType>(shape.getX().getType()).getShape();
          int64_t rank = dims.size(), start = std::clamp<int64_t>(shape.getStart(), 0, rank);
          int64_t end = std::clamp<int64_t>(shape.getEnd(), start, rank);
          return Dims(dims.slice(start, end - start));
        })
        .Case<SqueezeOp, UnsqueezeOp>([&](Operation *same) { return elements(same->getOperand(0)); })
        .Case([&](CastOp cast) -> Known {
          return isa<IntegerType>(cast.getX().getType().getElementType()) ? elements(cast.getX()) : std::nullopt;
        })
        .Case([&](ReshapeOp reshape) { return elements(reshape.getData()); })
        .Case([&](ConcatOp concat) -> Known {
          Dims all;
          for (Value input : concat.getInputs()) {
            Known part = elements(input);
            if (!part || all.size() + part->size() > kMostElements)
              return std::nullopt;
            all.append(*part);
          }
          return all;
        })
        .Case([&](GatherOp gather) -> Known {
          auto indices = constantInts(gather.getIndices(), kMostElements);
          Known data = elements(gather.getData());
          if (!indices || !data)
            return std::nullopt;
          Dims picked;
          for (int64_t index : *indices) {
            int64_t at = index < 0 ? index + data->size() : index;
            if (at < 0 || at >= static_cast<int64_t>(data->size()))
              return std::nullopt;
            picked.push_back((*data)[at]);
          }
          return picked;
        })
        .Case([&](SliceOp slice) { return ofSlice(slice); })
        .Case([&](ConstantOfShapeOp filled) -> Known {
          Known count = elements(filled.getShape());
          auto value = constantOf(filled.getValue());
          if (!count || count->size() > 1 || !value)
            return std::nullopt;
          int64_t size = count->empty() ? 1 : count->front();
          return size < 0 || size > kMostElements ? Known() : Dims(size, *value);
        })
        .Case([&](ReduceProdOp prod) -> Known {
          Known data = elements(prod.getX());
          if (!data || prod.getAxes().size() != 1)
            return std::nullopt;
          int64_t product = 1;
          for (int64_t dim : *data)
            if (dim == kUnknown || llvm::MulOverflow(product, dim, product))
              return Dims{kUnknown};
          return Dims{product};
        })
        .Case([&](WhereOp where) -> Known {
          Known condition = elements(where.getCondition()), x = elements(where.getX()), y = elements(where.getY());
          if (!condition || !x || !y)
            return std::nullopt;
          size_t size = std::max({condition->size(), x->size(), y->size()});
          return zip(size, [&](auto at) {
            int64_t c = at(*condition);
            return c == kUnknown ? (at(*x) == at(*y) ? at(*x) : kUnknown) : at(c ? *x : *y);
          });
        })
        .Case<AddOp, SubOp, MulOp, DivOp, MinOp, MaxOp, EqualOp, ModOp>([&](Operation *binary) { return ofBinary(binary); })
        .Default([](Operation *) { return std::nullopt; });
  }

  static std::optional<int64_t> constantOf(ElementsAttr value) {
    auto dense = dyn_cast<DenseElementsAttr>(value);
    if (!dense || !dense.isSplat() || !isa<IntegerType>(dense.getElementType()))
      return std::nullopt;
    return dense.getSplatValue<APInt>().getSExtValue();
  }

  template <typename Function> static Dims zip(size_t size, Function element) {
    Dims out;
    for (size_t i = 0; i < size; ++i)
      out.push_back(element([i](const Dims &from) { return from.size() == 1 ? from[0] : i < from.size() ? from[i] : kUnknown; }));
    return out;
  }

  Known ofSlice(SliceOp slice) {
    Known data = elements(slice.getData());
    auto starts = constantInts(slice.getStarts(), 1), ends = constantInts(slice.getEnds(), 1);
    if (!data || !starts || !ends || starts->size() != 1 || ends->size() != 1 || slice.getSteps().size() != 1 ||
        slice.getSteps()[0] != 1)
      return std::nullopt;
    int64_t size = data->size();
    auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size); };
    int64_t start = clamp(starts->front()), end = std::max(start, clamp(ends->front()));
    return Dims(ArrayRef<int64_t>(*data).slice(start, end - start));
  }

  Known ofBinary(Operation *op) {
    Known a = elements(op->getOperand(0)), b = elements(op->getOperand(1));
    if (!a || !b)
      return std::nullopt;
    size_t size = a->empty() || b->empty() ? 0 : std::max(a->size(), b->size());
    return zip(size, [&](auto at) {
      int64_t x = at(*a), y = at(*b), out = kUnknown;
      if (x == kUnknown || y == kUnknown)
        return kUnknown;
      bool bad = false;
      llvm::TypeSwitch<Operation *>(op)
          .Case([&](AddOp) { bad = llvm::AddOverflow(x, y, out); })
          .Case([&](SubOp) { bad = llvm::SubOverflow(x, y, out); })
          .Case([&](MulOp) { bad = llvm::MulOverflow(x, y, out); })
          .Case([&](MinOp) { out = std::min(x, y); })
          .Case([&](MaxOp) { out = std::max(x, y); })
          .Case([&](EqualOp) { out = x == y; })
          .Case([&](DivOp) { bad = y <= 0 || ((out = x / y), false); })
          .Case([&](ModOp) { bad = y <= 0 || x < 0 || ((out = x % y), false); });
      return bad ? kUnknown : out;
    });
  }
};
} // namespace

std::optional<Dims> qopt::nn::partialInts(Value value) { return Walker().elements(value); }
