#include "qopt/Analysis/Factors.h"
#include "qopt/Analysis/Constants.h"
#include "qopt/Analysis/Sites.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Dialect.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

#include <cmath>

using namespace mlir;
using namespace qopt;

namespace {

class Planner {
public:
  explicit Planner(std::string &why) : why(why) {}

  /// Multiplies `value` for one of its readers, or for all of `readers`.
  bool pull(Value value, const ChannelMap &map, ArrayRef<Operation *> readers) {
    for (Operation *user : value.getUsers())
      if (!llvm::is_contained(readers, user))
        return fail(user->hasTrait<OpTrait::ReturnLike>() ? "it is a result of the model" : "'" + nameOf(user) + "' reads it too");
    Operation *op = value.getDefiningOp();
    if (!op)
      return fail("it is an input of the model");
    auto passes = dyn_cast<ChannelFactorsOpInterface>(op);
    if (!passes || op->getNumResults() != 1)
      return fail("'" + nameOf(op) + "' (" + op->getName().getStringRef() + ") does not pass factors on");
    std::string clause;
    SmallVector<FactorRoute> routes = passes.getFactorRoutes(map, clause);
    if (routes.empty())
      return fail("'" + nameOf(op) + "' is in the way: " + clause);
    plan.passed.push_back({value, map});
    for (const FactorRoute &route : routes)
      if (follow(route))
        return true;
    return false;
  }

  FactorPlan plan;

private:
  bool follow(const FactorRoute &route) {
    size_t constants = plan.constants.size(), passed = plan.passed.size();
    for (auto &[operand, map] : route)
      if (!take(*operand, map)) {
        plan.constants.resize(constants);
        plan.passed.resize(passed);
        return false;
      }
    return true;
  }

  bool take(OpOperand &operand, const ChannelMap &map) {
    ElementsAttr constant = constantOf(operand.get());
    if (!constant)
      return pull(operand.get(), map, operand.getOwner());
    if (!constant.getElementType().isF32() || constant.getNumElements() == 0)
      return fail("'" + nameOf(operand.getOwner()) + "' does not compute in float32");
    plan.constants.push_back({&operand, map});
    return true;
  }

  /// The first obstacle is told, which is the nearest.
  bool fail(const llvm::Twine &clause) {
    if (why.empty())
      why = clause.str();
    return false;
  }

  std::string &why;
};

/// Calls body(index in the tensor, index in the map) over a tensor of `shape`, whose dims the map has or is one in.
template <typename Body> void forEach(ArrayRef<int64_t> shape, const ChannelMap &map, Body &&body) {
  size_t rank = shape.size();
  SmallVector<int64_t> steps(rank, 0), index(rank, 0);
  int64_t step = 1, count = 1, at = 0;
  for (size_t dim = rank; dim-- > 0; step *= map.shape[dim]) {
    steps[dim] = map.varies(dim) ? step : 0;
    count *= shape[dim];
  }
  for (int64_t i = 0; i < count; ++i) {
    body(i, at);
    for (size_t dim = rank; dim-- > 0;) {
      at += steps[dim];
      if (++index[dim] < shape[dim])
        break;
      at -= steps[dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

/// As numpy broadcasts: row-major indices into a tensor of `from` for each element of `to`.
void broadcast(std::vector<float> &values, SmallVectorImpl<int64_t> &shape, ArrayRef<int64_t> to) {
  if (ArrayRef<int64_t>(shape) == to)
    return;
  ChannelMap own{SmallVector<int64_t>(to.size(), 1), {}};
  std::copy(shape.begin(), shape.end(), own.shape.end() - shape.size());
  std::vector<float> grown;
  forEach(to, own, [&](int64_t, int64_t at) { grown.push_back(values[at]); });
  values = std::move(grown);
  shape.assign(to.begin(), to.end());
}

} // namespace

std::optional<FactorPlan> qopt::planFactors(Value value, int64_t axis, ArrayRef<Operation *> readers, std::string &why) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || axis < 0 || axis >= type.getRank() || type.isDynamicDim(axis)) {
    why = "the number of its channels is not known";
    return std::nullopt;
  }
  Planner planner(why);
  if (!planner.pull(value, ChannelMap::along(type.getRank(), axis, type.getDimSize(axis)), readers))
    return std::nullopt;
  return std::move(planner.plan);
}

ChannelMap qopt::inputChannels(LinearLikeOpInterface op) {
  auto weight = cast<RankedTensorType>(op.getWeightOperand().get().getType());
  int64_t groups = op.getChannelGroups(), input = op.getWeightInputAxis(), output = op.getWeightOutputAxis();
  int64_t own = weight.getDimSize(input);
  if (groups == 1)
    return ChannelMap::along(weight.getRank(), input, own);
  // Output n is of group n / (N / groups), which reads the channels from group * own on.
  int64_t outputs = weight.getDimSize(output);
  ChannelMap map{SmallVector<int64_t>(weight.getRank(), 1), {}};
  map.shape[input] = own, map.shape[output] = outputs;
  int64_t first = std::min(input, output);
  for (int64_t a = 0; a < map.shape[first]; ++a)
    for (int64_t b = 0; b < outputs * own / map.shape[first]; ++b) {
      int64_t n = first == output ? a : b, c = first == output ? b : a;
      map.channels.push_back(n / (outputs / groups) * own + c);
    }
  return map;
}

void qopt::multiplyByChannel(std::vector<float> &values, SmallVectorImpl<int64_t> &shape, const ChannelMap &map,
                             ArrayRef<float> factors) {
  SmallVector<int64_t> whole(std::max(shape.size(), map.shape.size()), 1);
  std::copy(shape.begin(), shape.end(), whole.end() - shape.size());
  ChannelMap full{SmallVector<int64_t>(whole.size(), 1), map.channels};
  std::copy(map.shape.begin(), map.shape.end(), full.shape.end() - map.shape.size());
  for (auto [dim, size] : llvm::enumerate(full.shape))
    whole[dim] = std::max(whole[dim], size);
  broadcast(values, shape, whole);
  forEach(shape, full, [&](int64_t i, int64_t at) { values[i] *= factors[full.channels[at]]; });
}

void qopt::addAbsMax(ArrayRef<float> values, ArrayRef<int64_t> shape, const ChannelMap &map, std::vector<float> &most) {
  forEach(shape, map, [&](int64_t i, int64_t at) { most[map.channels[at]] = std::max(most[map.channels[at]], std::fabs(values[i])); });
}

void qopt::replaceConstant(OpOperand &operand, ArrayRef<int64_t> shape, ArrayRef<float> values, llvm::StringRef name) {
  OpBuilder b(operand.getOwner());
  Operation *old = operand.get().getDefiningOp();
  auto type = RankedTensorType::get(shape, b.getF32Type());
  Operation *constant = old->getDialect()->materializeConstant(b, makeElements<float>(type, values, name), type, old->getLoc());
  operand.set(constant->getResult(0));
}
