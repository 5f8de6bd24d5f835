//===- Einsum.cpp - Einstein summation as one contraction ---------------------===//
#include "Lowerings.h"

#include "qopt/Conversion/Common/Contraction.h"

using namespace mlir;
using namespace qopt;
using utils::IteratorType;

namespace {

/// The labels of each operand and of the result. An ellipsis is spelled out with labels of its own.
struct Equation {
  SmallVector<std::string> inputs;
  std::string output;
};

std::optional<Equation> parse(StringRef text, ValueRange operands) {
  std::string compact;
  for (char c : text)
    if (!isspace(static_cast<unsigned char>(c)))
      compact += c;
  auto [left, right] = StringRef(compact).split("->");
  bool isExplicit = StringRef(compact).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != operands.size())
    return std::nullopt;
  Equation equation;
  size_t ellipsis = 0;
  for (auto [term, operand] : llvm::zip(terms, operands)) {
    if (!term.contains("..."))
      continue;
    int64_t own = Emitter::rank(operand) - static_cast<int64_t>(term.size()) + 3;
    if (own < 0 || own > 10)
      return std::nullopt;
    ellipsis = std::max<size_t>(ellipsis, own);
  }
  auto expand = [&](StringRef term, size_t count) {
    auto [before, after] = term.split("...");
    std::string labels = before.str();
    for (size_t i = ellipsis - count; term.contains("...") && i < ellipsis; ++i)
      labels += static_cast<char>('0' + i);
    return labels + after.str();
  };
  std::string all;
  for (auto [term, operand] : llvm::zip(terms, operands)) {
    size_t own = term.contains("...") ? Emitter::rank(operand) - term.size() + 3 : 0;
    equation.inputs.push_back(expand(term, own));
    all += equation.inputs.back();
    if (static_cast<int64_t>(equation.inputs.back().size()) != Emitter::rank(operand))
      return std::nullopt;
  }
  if (isExplicit) {
    equation.output = expand(right, ellipsis);
    return equation;
  }
  std::string sorted = all;
  llvm::sort(sorted);
  for (char label : sorted)
    if (llvm::count(all, label) == 1 || (isdigit(label) && equation.output.find(label) == std::string::npos))
      equation.output += label;
  return equation;
}

Values lowerEinsum(nn::EinsumOp op, Emitter &e) {
  auto equation = parse(op.getEquation(), op.getInputs());
  if (!equation)
    return {};
  // Loops: the result's labels, then the summed ones.
  std::string labels = equation->output;
  for (const std::string &input : equation->inputs)
    for (char label : input)
      if (labels.find(label) == std::string::npos)
        labels += label;
  Values sizes(labels.size());
  for (auto [input, operand] : llvm::zip(equation->inputs, op.getInputs()))
    for (auto [i, label] : llvm::enumerate(input)) {
      Value &size = sizes[labels.find(label)];
      if (!size || getConstantIntValue(size) == 1)
        size = e.dim(operand, i);
    }
  size_t outer = equation->output.size(), count = labels.size();
  SmallVector<AffineMap> maps;
  Values tensors;
  for (auto [input, operand] : llvm::zip(equation->inputs, op.getInputs())) {
    SmallVector<AffineExpr> exprs;
    for (auto [i, label] : llvm::enumerate(input)) {
      size_t loop = labels.find(label);
      bool isOne = e.knownDim(operand, i) == 1 && getConstantIntValue(sizes[loop]) != 1;
      if (!isOne && e.dim(operand, i) != sizes[loop])
        e.check(e.eq(e.dim(operand, i), sizes[loop]), "dims with one label differ");
      exprs.push_back(isOne ? e.b.getAffineConstantExpr(0) : e.b.getAffineDimExpr(loop));
    }
    maps.push_back(AffineMap::get(count, 0, exprs, e.b.getContext()));
    tensors.push_back(e[operand]);
  }
  SmallVector<AffineExpr> results;
  for (size_t i = 0; i < outer; ++i)
    results.push_back(e.b.getAffineDimExpr(i));
  maps.push_back(AffineMap::get(count, 0, results, e.b.getContext()));
  SmallVector<IteratorType> iterators(count, IteratorType::reduction);
  std::fill_n(iterators.begin(), outer, IteratorType::parallel);
  Type element = Emitter::elementType(op.getY()), accumulator = accumulatorType(element);
  RankedTensorType type = e.stored(op.getY());
  Values dims(sizes.begin(), sizes.begin() + outer);
  Value init = e.filled(type.clone(accumulator), dims, e.constant(accumulator, 0));
  Value sum = e.generic(init, tensors, maps, iterators, [&](Scalars &s, ValueRange x) {
    s.allowReordering();
    Value product = s.decode(x[0], element);
    for (Value next : x.slice(1, tensors.size() - 1))
      product = s.mul(product, s.decode(next, element));
    return s.add(x.back(), product);
  });
  if (accumulator == type.getElementType())
    return {sum};
  return {e.map(type, dims, sum, [&](Scalars &s, ValueRange x) { return s.encode(x[0], element); })};
}

} // namespace

void qopt::addEinsumLowerings(LoweringTable &table) { table.add<nn::EinsumOp>(lowerEinsum); }
