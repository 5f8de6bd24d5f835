#include "LinearInputs.h"

#include "qopt/Analysis/Columns.h"
#include "qopt/Analysis/Constants.h"
#include "qopt/Numerics/Quantizers/Awq.h"

#include "mlir/IR/Builders.h"

#include "llvm/Support/Parallel.h"

using namespace mlir;
using namespace qopt;

namespace {

constexpr llvm::StringLiteral kInputs = "qopt.inputs", kScaled = "qopt.scaled_inputs";

LinearInput fromTable(const InputStats &stats) {
  LinearInput input;
  stats.dense(input.hessian, input.errors);
  input.meanAbs = stats.moments.meanAbs();
  input.rows = static_cast<double>(stats.gram.rowCount());
  return input;
}

/// The values of a square f64 matrix; false where the attribute is none.
bool readSquare(ElementsAttr matrix, std::vector<double> &values) {
  if (!matrix || matrix.getShapedType().getRank() != 2 || !matrix.getElementType().isF64() ||
      matrix.getShapedType().getDimSize(0) != matrix.getShapedType().getDimSize(1))
    return false;
  if (auto resource = dyn_cast<DenseF64ResourceElementsAttr>(matrix)) {
    auto array = resource.tryGetAsArrayRef();
    if (array)
      values = array->vec();
    return array.has_value();
  }
  auto dense = dyn_cast<DenseElementsAttr>(matrix);
  if (dense)
    llvm::append_range(values, dense.getValues<double>());
  return static_cast<bool>(dense);
}

std::optional<LinearInput> fromAttribute(DictionaryAttr entry) {
  auto rows = entry.getAs<IntegerAttr>("rows");
  auto errors = entry.getAs<ElementsAttr>("errors");
  LinearInput input;
  if (!rows || !readSquare(entry.getAs<ElementsAttr>("gram"), input.hessian) ||
      (errors && (!readSquare(errors, input.errors) || input.errors.size() != input.hessian.size())))
    return std::nullopt;
  FloatElements means(entry.getAs<ElementsAttr>("mean_abs"));
  input.meanAbs = means.values().vec();
  input.rows = static_cast<double>(rows.getInt());
  return input;
}

/// x' = x * factor by column; a window repeats each channel's factor over its kernel.
bool scale(LinearInput &input, llvm::ArrayRef<float> factors) {
  size_t columns = input.meanAbs.size();
  if (factors.empty() || columns % factors.size() != 0)
    return false;
  std::vector<float> inverse(columns);
  for (size_t k = 0; k < columns; ++k) {
    float factor = factors[k / (columns / factors.size())];
    inverse[k] = 1.0f / factor;
    input.meanAbs[k] *= factor;
  }
  scaleHessian(input.hessian, inverse);
  if (!input.errors.empty())
    scaleHessian(input.errors, inverse);
  return true;
}

} // namespace

std::vector<double> LinearInput::diagonal() const {
  size_t k = meanAbs.size();
  std::vector<double> d(k);
  for (size_t i = 0; i < k; ++i)
    d[i] = hessian[i * (k + 1)];
  return d;
}

bool LinearInputs::missing() const { return !table && !module->hasAttr(kInputs); }

bool LinearInputs::has(llvm::StringRef key) const {
  auto dict = module->getAttrOfType<DictionaryAttr>(kInputs);
  return (table && table->find(std::string_view(key)) != table->end()) || (dict && dict.contains(key));
}

std::optional<LinearInput> LinearInputs::find(llvm::StringRef key) const {
  if (table)
    if (auto found = table->find(std::string_view(key)); found != table->end() && found->second.gram.rowCount() > 0)
      return fromTable(found->second);
  auto dict = module->getAttrOfType<DictionaryAttr>(kInputs);
  auto entry = dict ? dict.getAs<DictionaryAttr>(key) : DictionaryAttr();
  return entry ? fromAttribute(entry) : std::nullopt;
}

std::optional<LinearInput> LinearInputs::of(LinearLikeOpInterface op, const Sites &sites, std::string &why) const {
  auto columns = inputColumns(op, sites, why);
  if (!columns)
    return std::nullopt;
  // Innermost first: what the input is made of, and by which factors.
  std::vector<FloatElements> factors;
  auto scaled = module->getAttrOfType<DictionaryAttr>(kScaled);
  for (size_t depth = 0; scaled && depth <= scaled.size(); ++depth) {
    auto entry = scaled.getAs<DictionaryAttr>(columns->site);
    auto of = entry ? entry.getAs<StringAttr>("of") : StringAttr();
    bool itself = of && of == columns->site;
    if (!of || (!itself && has(columns->key())))
      break;
    factors.emplace_back(entry.getAs<ElementsAttr>("by"));
    columns->site = of.str();
    if (itself)
      break;
  }
  auto input = find(columns->key());
  if (!input || input->meanAbs.size() * input->meanAbs.size() != input->hessian.size()) {
    why = "calibration has no Gram matrix of its input '" + columns->site + "'";
    return std::nullopt;
  }
  // A statistics file can hold anything.
  mlir::ElementsAttr weight = constantWeight(op);
  int64_t outputs = weight && op.getWeightOutputAxis() >= 0 ? weight.getShapedType().getDimSize(op.getWeightOutputAxis()) : 0;
  if (outputs > 0 && static_cast<int64_t>(input->meanAbs.size()) * outputs != weight.getShapedType().getNumElements()) {
    why = "calibration has another number of channels for its input '" + columns->site + "' than its weight";
    return std::nullopt;
  }
  for (const FloatElements &by : factors)
    if (!by.valid() || !scale(*input, by.values())) {
      why = "the factors on its input do not fit its channels";
      return std::nullopt;
    }
  return input;
}

/// Columns [first, first + count) of an input.
static LinearInput slice(const LinearInput &input, size_t first, size_t count) {
  LinearInput part;
  size_t width = input.meanAbs.size();
  for (size_t row = first; row < first + count; ++row)
    part.hessian.insert(part.hessian.end(), input.hessian.begin() + row * width + first, input.hessian.begin() + row * width + first + count);
  part.meanAbs.assign(input.meanAbs.begin() + first, input.meanAbs.begin() + first + count);
  part.rows = input.rows;
  return part;
}

std::vector<LinearInput> LinearInputs::ofGroups(LinearLikeOpInterface op, const Sites &sites, std::string &why) const {
  int64_t groups = op.getChannelGroups();
  if (groups == 1) {
    auto input = of(op, sites, why);
    return input ? std::vector<LinearInput>{std::move(*input)} : std::vector<LinearInput>();
  }
  auto weight = cast<RankedTensorType>(op.getWeightOperand().get().getType());
  size_t width = weight.getNumElements() / weight.getDimSize(op.getWeightOutputAxis());
  std::vector<LinearInput> parts;
  for (const InputColumns &columns : groupedColumns(op, sites, why)) {
    auto input = find(columns.key());
    if (!input || input->meanAbs.size() * input->meanAbs.size() != input->hessian.size() || input->meanAbs.size() % width != 0) {
      why = "calibration has no Gram matrix of its input '" + columns.site + "'";
      return {};
    }
    for (size_t first = 0; first < input->meanAbs.size(); first += width)
      parts.push_back(slice(*input, first, width));
  }
  if (why.empty() && static_cast<int64_t>(parts.size()) != groups)
    why = "its statistics do not fit its groups";
  return why.empty() ? std::move(parts) : std::vector<LinearInput>();
}

void qopt::recordScaledInput(ModuleOp module, llvm::StringRef site, llvm::StringRef of, llvm::ArrayRef<float> factors) {
  Builder b(module.getContext());
  NamedAttrList scaled(module->getAttrOfType<DictionaryAttr>(kScaled));
  std::vector<float> all = factors.vec();
  if (auto before = dyn_cast_or_null<DictionaryAttr>(scaled.get(site)); before && site == of) {
    FloatElements by(before.getAs<ElementsAttr>("by"));
    for (auto [factor, earlier] : llvm::zip(all, by.values()))
      factor *= earlier;
    of = before.getAs<StringAttr>("of").getValue();
  }
  auto type = RankedTensorType::get({static_cast<int64_t>(factors.size())}, b.getF32Type());
  scaled.set(site, b.getDictionaryAttr({b.getNamedAttr("of", b.getStringAttr(of)),
                                        b.getNamedAttr("by", makeElements<float>(type, all, "scaled_input"))}));
  module->setAttr(kScaled, scaled.getDictionary(module.getContext()));
}

ParallelFor qopt::poolFor() {
  return [](int64_t count, const std::function<void(int64_t)> &body) {
    llvm::parallelFor(0, static_cast<size_t>(count), [&](size_t index) { body(static_cast<int64_t>(index)); });
  };
}
