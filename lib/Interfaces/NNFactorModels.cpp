// ChannelFactorsOpInterface for the nn dialect.
#include "FactorMaps.h"
#include "qopt/Dialect/NN/IR/NN.h"
#include "qopt/Dialect/NN/IR/Constants.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace qopt;

namespace {

using Routes = SmallVector<FactorRoute>;

ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }
int64_t rankOf(Value value) { return static_cast<int64_t>(shapeOf(value).size()); }
bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// Where the result is a tensor of one value per channel, or the factor is the same for all: dim -1 stands for either.
bool variesAlongOnly(const ChannelMap &map, int64_t dim) {
  for (size_t d = 0; d < map.shape.size(); ++d)
    if (map.varies(d) && static_cast<int64_t>(d) != dim)
      return false;
  return true;
}

Routes none(std::string &why, llvm::StringRef clause) {
  why = clause.str();
  return {};
}

/// f(c x) = c f(x): the first operand takes the factors.
template <typename Op> struct HomogeneousModel : ChannelFactorsOpInterface::ExternalModel<HomogeneousModel<Op>, Op> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto map = broadcastMap(onResult, op->getOperand(0));
    return map ? Routes{routeTo(op->getOpOperand(0), std::move(*map))} : none(why, "its operand is broadcast along the channels");
  }
};

struct ClipModel : ChannelFactorsOpInterface::ExternalModel<ClipModel, nn::ClipOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto clip = cast<nn::ClipOp>(op);
    auto scales = [](Value bound) { return bound && nn::constantScalar(bound) != 0.0; };
    if (scales(clip.getLow()) || scales(clip.getHigh()))
      return none(why, "it clips at a bound that would have to differ from channel to channel");
    return {routeTo(op->getOpOperand(0), onResult)};
  }
};

/// Sums take factors on both sides.
template <typename Op> struct SumModel : ChannelFactorsOpInterface::ExternalModel<SumModel<Op>, Op> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto a = broadcastMap(onResult, op->getOperand(0)), b = broadcastMap(onResult, op->getOperand(1));
    if (!a || !b)
      return none(why, "a term is broadcast along the channels");
    return {{{&op->getOpOperand(0), *a}, {&op->getOpOperand(1), *b}}};
  }
};

/// Products take them on either, a constant rather than a computed one.
struct MulModel : ChannelFactorsOpInterface::ExternalModel<MulModel, nn::MulOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    Routes routes;
    for (OpOperand &operand : op->getOpOperands())
      if (auto map = broadcastMap(onResult, operand.get()))
        routes.insert(isConstant(operand.get()) ? routes.begin() : routes.end(), routeTo(operand, std::move(*map)));
    return routes.empty() ? none(why, "its factors are broadcast along the channels") : routes;
  }
};

struct TransposeModel : ChannelFactorsOpInterface::ExternalModel<TransposeModel, nn::TransposeOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &) const {
    return {routeTo(op->getOpOperand(0), transposedMap(onResult, cast<nn::TransposeOp>(op).getPerm()))};
  }
};

template <typename Op> struct ReshapeModel : ChannelFactorsOpInterface::ExternalModel<ReshapeModel<Op>, Op> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto map = reshapedMap(onResult, shapeOf(op->getResult(0)), shapeOf(op->getOperand(0)));
    return map ? Routes{routeTo(op->getOpOperand(0), std::move(*map))} : none(why, "it mixes channels with other dims");
  }
};

struct MatMulModel : ChannelFactorsOpInterface::ExternalModel<MatMulModel, nn::MatMulOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    int64_t rank = rankOf(op->getResult(0)), a = rankOf(op->getOperand(0)), b = rankOf(op->getOperand(1));
    if (a < 2 || b < 2)
      return none(why, "it is a product with a vector");
    Routes routes;
    for (unsigned side : {1u, 0u}) // Dim -2 of the result is of the left factor, dim -1 of the right one.
      if (!onResult.varies(side ? rank - 2 : rank - 1))
        if (auto map = operandMap(onResult, op->getOperand(side)))
          routes.insert(isConstant(op->getOperand(side)) ? routes.begin() : routes.end(), routeTo(op->getOpOperand(side), *map));
    return routes.empty() ? none(why, "the factors run over more dims than either side has") : routes;
  }

private:
  /// Batch dims broadcast; of the last two, the one that is summed over is one in the map.
  static std::optional<ChannelMap> operandMap(const ChannelMap &onResult, Value operand) {
    int64_t rank = rankOf(operand), skipped = static_cast<int64_t>(onResult.shape.size()) - rank;
    for (auto [dim, size] : llvm::enumerate(onResult.shape)) {
      int64_t own = static_cast<int64_t>(dim) - skipped;
      if (size != 1 && own < rank - 2 && (own < 0 || shapeOf(operand)[own] != size))
        return std::nullopt;
    }
    return ChannelMap{SmallVector<int64_t>(ArrayRef(onResult.shape).drop_front(skipped)), onResult.channels};
  }
};

struct GemmModel : ChannelFactorsOpInterface::ExternalModel<GemmModel, nn::GemmOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto gemm = cast<nn::GemmOp>(op);
    Routes routes;
    for (unsigned side : {1u, 0u}) {
      if (!variesAlongOnly(onResult, side))
        continue;
      FactorRoute route = routeTo(op->getOpOperand(side), movedMap(onResult, 2, side ? !gemm.getTransB() : gemm.getTransA()));
      if (gemm.getC()) {
        auto bias = broadcastMap(onResult, gemm.getC());
        if (!bias)
          continue;
        route.push_back({&op->getOpOperand(2), std::move(*bias)});
      }
      routes.push_back(std::move(route));
    }
    return routes.empty() ? none(why, "the factors run over more dims than either side has") : routes;
  }
};

struct ConvModel : ChannelFactorsOpInterface::ExternalModel<ConvModel, nn::ConvOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto conv = cast<nn::ConvOp>(op);
    bool channelsLast = conv.getLayout() == "NXC";
    int64_t rank = rankOf(conv.getW());
    if (!variesAlongOnly(onResult, channelsLast ? rank - 1 : 1))
      return none(why, "the factors run over more than its output channels");
    FactorRoute route = routeTo(op->getOpOperand(1), movedMap(onResult, rank, channelsLast ? rank - 1 : 0));
    if (conv.getB())
      route.push_back({&op->getOpOperand(2), movedMap(onResult, 1, 0)});
    return {route};
  }
};

/// Scale and bias of a normalization over the dims from `axis` on; of the same shape as these.
template <typename Op> struct NormModel : ChannelFactorsOpInterface::ExternalModel<NormModel<Op>, Op> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto axis = static_cast<size_t>(cast<Op>(op).getAxis());
    for (size_t dim = 0; dim < axis; ++dim)
      if (onResult.varies(dim))
        return none(why, "the factors run over dims that it does not normalize");
    ChannelMap map{SmallVector<int64_t>(ArrayRef(onResult.shape).drop_front(axis)), onResult.channels};
    ArrayRef<int64_t> normalized = shapeOf(op->getResult(0)).drop_front(axis);
    FactorRoute route;
    for (OpOperand &operand : op->getOpOperands().drop_front(1)) {
      if (shapeOf(operand.get()) != normalized)
        return none(why, "its scale is broadcast");
      route.push_back({&operand, map});
    }
    return {route};
  }
};

struct BatchNormModel : ChannelFactorsOpInterface::ExternalModel<BatchNormModel, nn::BatchNormalizationOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    if (!variesAlongOnly(onResult, 1))
      return none(why, "the factors run over more than its channels");
    return {{{&op->getOpOperand(1), movedMap(onResult, 1, 0)}, {&op->getOpOperand(2), movedMap(onResult, 1, 0)}}};
  }
};

template <typename Op> struct PoolModel : ChannelFactorsOpInterface::ExternalModel<PoolModel<Op>, Op> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    int64_t channels = cast<Op>(op).getLayout() == "NXC" ? rankOf(op->getOperand(0)) - 1 : 1;
    return variesAlongOnly(onResult, channels) ? Routes{routeTo(op->getOpOperand(0), onResult)}
                                               : none(why, "the factors run over the window's dims");
  }
};

template <typename Op> struct ReduceModel : ChannelFactorsOpInterface::ExternalModel<ReduceModel<Op>, Op> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto reduce = cast<Op>(op);
    ChannelMap map{{}, onResult.channels};
    int64_t next = 0;
    for (int64_t dim = 0; dim < rankOf(reduce.getX()); ++dim) {
      bool reduced = llvm::is_contained(reduce.getAxes(), dim);
      map.shape.push_back(reduced ? 1 : onResult.shape[next]);
      next += !reduced || reduce.getKeepdims();
    }
    return {routeTo(op->getOpOperand(0), std::move(map))};
  }
};

/// softmax(…) V: the values take them; where several heads share one, they have to agree.
struct AttentionModel : ChannelFactorsOpInterface::ExternalModel<AttentionModel, nn::AttentionOp> {
  Routes getFactorRoutes(Operation *op, const ChannelMap &onResult, std::string &why) const {
    auto attention = cast<nn::AttentionOp>(op);
    if (onResult.varies(0) || onResult.varies(2))
      return none(why, "the factors run over its positions");
    if (!onResult.varies(1))
      return {routeTo(op->getOpOperand(2), onResult)};
    int64_t heads = onResult.shape[1], own = shapeOf(attention.getV())[1], width = onResult.shape[3];
    if (own != heads)
      return none(why, "heads that share their values would need the same factors");
    return {routeTo(op->getOpOperand(2), ChannelMap{{1, own, 1, width}, onResult.channels})};
  }
};

template <template <typename> typename Model, typename... Ops> void attach(MLIRContext *context) {
  (Ops::template attachInterface<Model<Ops>>(*context), ...);
}

} // namespace

void qopt::registerNNFactorModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    attach<HomogeneousModel, nn::ReluOp, nn::LeakyReluOp, nn::PReluOp, nn::AbsOp, nn::NegOp, nn::DivOp>(context);
    attach<SumModel, nn::AddOp, nn::SubOp>(context);
    attach<ReshapeModel, nn::ReshapeOp, nn::FlattenOp, nn::SqueezeOp, nn::UnsqueezeOp>(context);
    attach<NormModel, nn::LayerNormalizationOp, nn::RMSNormalizationOp>(context);
    attach<PoolModel, nn::MaxPoolOp, nn::AveragePoolOp>(context);
    attach<ReduceModel, nn::ReduceMeanOp, nn::ReduceMaxOp, nn::ReduceSumOp>(context);
    nn::ClipOp::attachInterface<ClipModel>(*context);
    nn::MulOp::attachInterface<MulModel>(*context);
    nn::TransposeOp::attachInterface<TransposeModel>(*context);
    nn::MatMulOp::attachInterface<MatMulModel>(*context);
    nn::GemmOp::attachInterface<GemmModel>(*context);
    nn::ConvOp::attachInterface<ConvModel>(*context);
    nn::BatchNormalizationOp::attachInterface<BatchNormModel>(*context);
    nn::AttentionOp::attachInterface<AttentionModel>(*context);
  });
}
