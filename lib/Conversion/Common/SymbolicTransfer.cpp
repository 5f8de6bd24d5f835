#include "SymbolicTransfer.h"

#include "qopt/Conversion/Common/Emitter.h"
#include "qopt/Dialect/Qopt/IR/Qopt.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace qopt;

namespace {
void print(llvm::raw_ostream &os, const SymbolicDim &dim) {
  os << dim.factor;
  for (unsigned atom : dim.atoms)
    os << '*' << atom;
}
int64_t rankOf(Value v) { return cast<RankedTensorType>(v.getType()).getRank(); }
} // namespace

SymbolicDim SymbolicTransfer::keyed(StringRef what, ArrayRef<SymbolicDim> operands, bool isSize) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << what << '(';
  for (const SymbolicDim &operand : operands) {
    print(os, operand);
    os << ',';
  }
  return s.keyedAtom(key, isSize);
}

SymbolicDim SymbolicTransfer::broadcast(ArrayRef<SymbolicDim> sizes) {
  SymbolicDims different;
  for (const SymbolicDim &size : sizes)
    if (size.asConstant() != 1 && !llvm::is_contained(different, size))
      different.push_back(size);
  if (different.empty())
    return SymbolicDim::constant(1);
  for (const SymbolicDim &size : different)
    if (size.asConstant())
      return size;
  return different.size() == 1 ? different.front() : keyed("broadcast", different, true);
}

SymbolicDims SymbolicTransfer::broadcastShapes(ValueRange operands, unsigned dropLast) {
  int64_t rank = 0;
  for (Value operand : operands)
    rank = std::max<int64_t>(rank, dims(operand).size() - std::min<size_t>(dropLast, dims(operand).size()));
  SymbolicDims result;
  for (int64_t i = 0; i < rank; ++i) {
    SymbolicDims sizes;
    for (Value operand : operands) {
      int64_t own = i - (rank - (static_cast<int64_t>(dims(operand).size()) - dropLast));
      if (own >= 0)
        sizes.push_back(dims(operand)[own]);
    }
    result.push_back(broadcast(sizes));
  }
  return result;
}

SymbolicDim SymbolicTransfer::add(const SymbolicDim &x, const SymbolicDim &y) {
  if (x.atoms == y.atoms)
    return x.factor + y.factor == 0 ? SymbolicDim::constant(0) : SymbolicDim{x.factor + y.factor, x.atoms};
  if (x.asConstant() == 0)
    return y;
  if (y.asConstant() == 0)
    return x;
  return keyed("add", {x, y}, isPositiveSize(x) && isPositiveSize(y));
}

SymbolicDim SymbolicTransfer::subtract(const SymbolicDim &x, const SymbolicDim &y) {
  return add(x, {-y.factor, y.atoms});
}

SymbolicDim SymbolicTransfer::divide(const SymbolicDim &x, const SymbolicDim &y) {
  if (auto quotient = exactQuotient(x, y))
    return *quotient;
  auto a = x.asConstant(), b = y.asConstant();
  if (a && b && *b != 0)
    return SymbolicDim::constant(*a / *b);
  return keyed("div", {x, y}, isPositiveSize(x) && isPositiveSize(y));
}

/// Not negative.
bool SymbolicTransfer::isPositiveSize(const SymbolicDim &x) {
  return x.factor >= 0 && llvm::all_of(x.atoms, [&](unsigned atom) { return s.isSize(atom); });
}

std::optional<bool> SymbolicTransfer::equal(const SymbolicDim &x, const SymbolicDim &y) {
  if (x == y)
    return true;
  auto a = x.asConstant(), b = y.asConstant();
  if (a && b)
    return false;
  if ((a && *a < 0 && isPositiveSize(y)) || (b && *b < 0 && isPositiveSize(x)))
    return false;
  return std::nullopt;
}

SymbolicDim SymbolicTransfer::windowed(const SymbolicDim &size, int64_t kernel, int64_t stride, int64_t dilation,
                                       int64_t padding, StringRef rounding) {
  int64_t reach = padding - ((kernel - 1) * dilation + 1);
  if (stride == 1 && reach == -1)
    return size;
  if (auto constant = size.asConstant())
    return SymbolicDim::constant(unknown);
  return keyed((rounding + "window" + Twine(reach) + "/" + Twine(stride)).str(), size, true);
}

SymbolicDims SymbolicTransfer::reshaped(nn::ReshapeOp reshape) {
  const SymbolicDims *wanted = elements(reshape.getShape());
  if (!wanted || static_cast<int64_t>(wanted->size()) != rankOf(reshape.getY()))
    return {};
  const SymbolicDims &from = dims(reshape.getData());
  SymbolicDim total = SymbolicDim::constant(1), others = total;
  for (const SymbolicDim &dim : from)
    total = total * dim;
  SymbolicDims result;
  int64_t inferred = -1;
  for (auto [i, size] : llvm::enumerate(*wanted)) {
    auto constant = size.asConstant();
    if (constant == -1) {
      inferred = i;
      result.push_back(size);
      continue;
    }
    bool copies = constant == 0 && !reshape.getAllowzero() && i < from.size();
    result.push_back(copies ? from[i] : isPositiveSize(size) ? size : s.freshAtom(true));
    others = others * result.back();
  }
  if (inferred >= 0) {
    auto quotient = exactQuotient(total, others);
    result[inferred] = quotient ? *quotient : keyed("quotient", {total, others}, true);
  }
  return result;
}

bool SymbolicTransfer::shapeOps() {
  auto isSameAsFirst = isa<nn::SoftmaxOp, nn::LogSoftmaxOp, nn::HardmaxOp, nn::CumSumOp, nn::LayerNormalizationOp,
                           nn::RMSNormalizationOp, nn::BatchNormalizationOp, nn::InstanceNormalizationOp, nn::LRNOp,
                           nn::LpNormalizationOp, nn::TriluOp, nn::ScatterElementsOp, nn::ScatterNDOp,
                           nn::ReverseSequenceOp, nn::EyeLikeOp, qir::QuantizeOp, qir::DequantizeOp, qir::LookupOp>(op);
  if (isSameAsFirst) {
    setDims(op.getResult(0), SymbolicDims(dims(op.getOperand(0))));
    return true;
  }
  if (auto scale = dyn_cast<qir::DynamicScaleOp>(op)) {
    SymbolicDims result;
    if (scale.getAxis()) {
      result = dims(scale.getX());
      SymbolicDim &dim = result[*scale.getAxis()];
      auto block = static_cast<int64_t>(*scale.getBlockSize());
      dim = dim.asConstant() ? SymbolicDim::constant((*dim.asConstant() + block - 1) / block)
                             : keyed("blocks" + std::to_string(block), {dim}, true);
    }
    setDims(scale.getScale(), result);
    return true;
  }
  if (op.hasTrait<nn::Elementwise>()) {
    setDims(op.getResult(0), broadcastShapes(op.getOperands()));
    return true;
  }
  if (op.hasTrait<nn::Reduction>()) {
    auto axes = op.getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef();
    auto keeps = op.getAttrOfType<BoolAttr>("keepdims");
    SymbolicDims result;
    for (auto [i, dim] : llvm::enumerate(dims(op.getOperand(0)))) {
      if (!llvm::is_contained(axes, i))
        result.push_back(dim);
      else if (!keeps || keeps.getValue())
        result.push_back(SymbolicDim::constant(1));
    }
    setDims(op.getResult(0), result);
    return true;
  }
  return false;
}

bool SymbolicTransfer::linearOps() {
  return llvm::TypeSwitch<Operation *, bool>(&op)
      .Case<nn::MatMulOp, qir::IntegerMatMulOp>([&](auto matmul) {
        Value a = matmul.getA(), b = matmul.getB();
        if (rankOf(a) < 2 || rankOf(b) < 2)
          return false;
        SymbolicDims result = broadcastShapes({a, b}, 2);
        result.push_back(dims(a)[rankOf(a) - 2]);
        result.push_back(dims(b).back());
        setDims(matmul.getY(), result);
        return true;
      })
      .Case([&](nn::GemmOp gemm) {
        setDims(gemm.getY(), {dims(gemm.getA())[gemm.getTransA() ? 1 : 0], dims(gemm.getB())[gemm.getTransB() ? 0 : 1]});
        return true;
      })
      .Case([&](nn::AttentionOp attention) {
        SymbolicDims result(dims(attention.getQ()));
        result.back() = dims(attention.getV()).back();
        setDims(attention.getY(), result);
        return true;
      })
      .Case<nn::ConvOp, qir::IntegerConvOp>([&](auto conv) {
        bool isLast = conv.getLayout() == "NXC";
        if (conv.getAutoPad() != "NOTSET")
          return false;
        const SymbolicDims &x = dims(conv.getX()), &w = dims(conv.getW());
        int64_t spatial = x.size() - 2;
        SymbolicDims result = {x[0]};
        for (int64_t i = 0; i < spatial; ++i) {
          auto kernel = w[isLast ? i : i + 2].asConstant();
          if (!kernel)
            return false;
          result.push_back(windowed(x[isLast ? i + 1 : i + 2], *kernel, conv.getStrides()[i], conv.getDilations()[i],
                                    conv.getPads()[i] + conv.getPads()[i + spatial], "floor"));
        }
        result.insert(isLast ? result.end() : result.begin() + 1, isLast ? w.back() : w[0]);
        setDims(conv.getY(), result);
        return true;
      })
      .Case<nn::MaxPoolOp, nn::AveragePoolOp, nn::LpPoolOp>([&](auto pool) {
        bool isLast = pool.getLayout() == "NXC";
        if (pool.getAutoPad() != "NOTSET")
          return false;
        SymbolicDims result(dims(pool.getX()));
        int64_t spatial = result.size() - 2;
        for (int64_t i = 0; i < spatial; ++i) {
          SymbolicDim &size = result[isLast ? i + 1 : i + 2];
          size = windowed(size, pool.getKernelShape()[i], pool.getStrides()[i], pool.getDilations()[i],
                          pool.getPads()[i] + pool.getPads()[i + spatial], pool.getCeilMode() ? "ceil" : "floor");
        }
        setDims(pool.getY(), result);
        return true;
      })
      .Default([](Operation *) { return false; });
}

void SymbolicTransfer::run() {
  if (op.getNumResults() == 0 || !llvm::all_of(op.getOperandTypes(), llvm::IsaPred<RankedTensorType>))
    return;
  StringRef dialect = op.getName().getDialectNamespace();
  if (dialect != "nn" && dialect != "qopt")
    return;
  if (!shapeOps() && !linearOps())
    moveOps();
  contents();
}
