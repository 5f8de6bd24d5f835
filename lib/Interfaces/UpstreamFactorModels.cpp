// ChannelFactorsOpInterface for linalg and tosa.
#include "FactorMaps.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace qopt;

namespace {

using Routes = SmallVector<FactorRoute>;

bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

bool isZero(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  return matchPattern(value, m_AnyZeroFloat());
}

Routes none(std::string &why, llvm::StringRef clause) {
  why = clause.str();
  return {};
}

/// The map of an operand of a loop nest, where every loop that the factor changes along is a dim of the operand.
std::optional<ChannelMap> operandMap(const ChannelMap &onResult, AffineMap result, AffineMap operand) {
  int64_t dim = onResult.onlyDim();
  if (dim < 0 || !isa<AffineDimExpr>(result.getResult(dim)))
    return std::nullopt;
  auto found = llvm::find(operand.getResults(), result.getResult(dim));
  if (found == operand.getResults().end())
    return std::nullopt;
  return movedMap(onResult, operand.getNumResults(), found - operand.getResults().begin());
}

/// Either factor takes them, a constant rather than a computed one; what the product is added to takes them as well.
template <typename Op> struct ProductModel : ChannelFactorsOpInterface::ExternalModel<ProductModel<Op>, Op> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto product = cast<linalg::LinalgOp>(op);
    OpOperand &init = *product.getDpsInitOperand(0);
    AffineMap result = product.getMatchingIndexingMap(&init);
    Routes routes;
    for (OpOperand *input : product.getDpsInputOperands())
      if (auto map = operandMap(onResult, result, product.getMatchingIndexingMap(input))) {
        FactorRoute route = routeTo(*input, std::move(*map));
        route.push_back({&init, onResult});
        routes.insert(isConstant(input->get()) ? routes.begin() : routes.end(), std::move(route));
      }
    return routes.empty() ? none(why, "the factors run over more than one dim of a factor") : routes;
  }
};

/// Zeros stay zeros.
struct FillModel : ChannelFactorsOpInterface::ExternalModel<FillModel, linalg::FillOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &, std::string &why) const {
    return isZero(op->getResult(0)) ? Routes{FactorRoute()} : none(why, "it fills with one number other than zero");
  }
};

struct LinalgAddModel : ChannelFactorsOpInterface::ExternalModel<LinalgAddModel, linalg::AddOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &) const {
    return {{{&op->getOpOperand(0), onResult}, {&op->getOpOperand(1), onResult}}};
  }
};

/// max(x, 0), a ReLU.
struct LinalgMaxModel : ChannelFactorsOpInterface::ExternalModel<LinalgMaxModel, linalg::MaxOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    for (unsigned side : {0u, 1u})
      if (isZero(op->getOperand(1 - side)))
        return {routeTo(op->getOpOperand(side), onResult)};
    return none(why, "it takes the greater of two numbers");
  }
};

struct TosaConvModel : ChannelFactorsOpInterface::ExternalModel<TosaConvModel, tosa::Conv2DOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    if (onResult.onlyDim() != 3)
      return none(why, "the factors run over more than its output channels");
    return {{{&op->getOpOperand(1), movedMap(onResult, 4, 0)}, {&op->getOpOperand(2), movedMap(onResult, 1, 0)}}};
  }
};

struct TosaMatMulModel : ChannelFactorsOpInterface::ExternalModel<TosaMatMulModel, tosa::MatMulOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    int64_t dim = onResult.onlyDim();
    return dim == 1 || dim == 2 ? Routes{routeTo(op->getOpOperand(dim - 1), onResult)} : none(why, "the factors run over more than one dim");
  }
};

struct TosaAddModel : ChannelFactorsOpInterface::ExternalModel<TosaAddModel, tosa::AddOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto a = broadcastMap(onResult, op->getOperand(0)), b = broadcastMap(onResult, op->getOperand(1));
    if (!a || !b)
      return none(why, "a term is broadcast along the channels");
    return {{{&op->getOpOperand(0), *a}, {&op->getOpOperand(1), *b}}};
  }
};

/// A ReLU; any other clamp has bounds.
struct TosaClampModel : ChannelFactorsOpInterface::ExternalModel<TosaClampModel, tosa::ClampOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto clamp = cast<tosa::ClampOp>(op);
    auto low = dyn_cast<FloatAttr>(clamp.getMinVal()), high = dyn_cast<FloatAttr>(clamp.getMaxVal());
    if (!low || !high || !low.getValue().isZero() || high.getValueAsDouble() < std::numeric_limits<float>::max())
      return none(why, "it clips at a bound that would have to differ from channel to channel");
    return {routeTo(op->getOpOperand(0), onResult)};
  }
};

template <typename... Ops> void attachProducts(MLIRContext *context) {
  (Ops::template attachInterface<ProductModel<Ops>>(*context), ...);
}

} // namespace

void qopt::registerUpstreamFactorModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    attachProducts<linalg::MatmulOp, linalg::BatchMatmulOp, linalg::MatvecOp, linalg::VecmatOp, linalg::Conv1DNwcWcfOp,
                   linalg::Conv1DNcwFcwOp, linalg::Conv2DNhwcHwcfOp, linalg::Conv2DNhwcFhwcOp, linalg::Conv2DNchwFchwOp,
                   linalg::Conv3DNdhwcDhwcfOp>(context);
    linalg::FillOp::attachInterface<FillModel>(*context);
    linalg::AddOp::attachInterface<LinalgAddModel>(*context);
    linalg::MaxOp::attachInterface<LinalgMaxModel>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, tosa::TosaDialect *) {
    tosa::Conv2DOp::attachInterface<TosaConvModel>(*context);
    tosa::MatMulOp::attachInterface<TosaMatMulModel>(*context);
    tosa::AddOp::attachInterface<TosaAddModel>(*context);
    tosa::ClampOp::attachInterface<TosaClampModel>(*context);
  });
}
