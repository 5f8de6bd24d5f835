// Shapes of products, convolutions, pooling, attention.
#include "InferShapesImpl.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>

using namespace mlir;
using namespace qopt::nn;

bool ShapeRules::matmul(Value a, Value b) {
  auto left = dims(a), right = dims(b);
  if (!left || !right)
    return true;
  Dims x(*left), y(*right);
  if (x.empty() || y.empty())
    return fail("a matrix product needs operands of rank 1 at least");
  bool row = x.size() == 1, column = y.size() == 1;
  if (row)
    x.insert(x.begin(), 1);
  if (column)
    y.push_back(1);
  int64_t k = x.back(), other = y[y.size() - 2];
  if (!isUnknown(k) && !isUnknown(other) && k != other)
    return fail("the inner dims of a matrix product differ: " + Twine(k) + " and " + Twine(other));
  auto lead = broadcastDims(ArrayRef<int64_t>(x).drop_back(2), ArrayRef<int64_t>(y).drop_back(2), error);
  if (failed(lead))
    return false;
  if (!row)
    lead->push_back(x[x.size() - 2]);
  if (!column)
    lead->push_back(y.back());
  return set(0, *lead);
}

bool ShapeRules::gemm(GemmOp gemm) {
  auto a = dims(gemm.getA()), b = dims(gemm.getB());
  if (!a || !b)
    return true;
  if (a->size() != 2 || b->size() != 2)
    return fail("Gemm needs matrices, but its operands have ranks " + Twine(a->size()) + " and " + Twine(b->size()));
  int64_t ka = (*a)[gemm.getTransA() ? 0 : 1], kb = (*b)[gemm.getTransB() ? 1 : 0];
  if (!isUnknown(ka) && !isUnknown(kb) && ka != kb)
    return fail("the inner dims of a matrix product differ: " + Twine(ka) + " and " + Twine(kb));
  Dims out = {(*a)[gemm.getTransA() ? 1 : 0], (*b)[gemm.getTransB() ? 0 : 1]};
  if (Value c = gemm.getC())
    if (auto shape = dims(c)) {
      auto both = broadcastDims(out, *shape, error);
      if (failed(both))
        return false;
      if (both->size() != 2 || llvm::any_of(llvm::zip_equal(*both, out), [](auto pair) {
            auto [now, before] = pair;
            return !isUnknown(before) && now != before;
          }))
        return fail("operand C of Gemm does not broadcast to the product's shape");
    }
  return set(0, out);
}

bool ShapeRules::slide(ArrayRef<int64_t> x, unsigned first, const Windows &w, Dims &out) {
  size_t spatial = w.kernel.size();
  if (w.strides.size() != spatial || w.dilations.size() != spatial || w.pads.size() != 2 * spatial ||
      x.size() < first + spatial)
    return fail("kernel, strides, dilations and pads are not of one rank with the input");
  for (size_t i = 0; i < spatial; ++i) {
    int64_t in = x[first + i], stride = w.strides[i], kernel = w.kernel[i];
    if (stride < 1 || w.dilations[i] < 1 || (!isUnknown(kernel) && kernel < 1))
      return fail("kernel, strides and dilations must be positive");
    int64_t size = ShapedType::kDynamic;
    if (!isUnknown(in) && w.autoPad.starts_with("SAME")) {
      size = (in + stride - 1) / stride;
    } else if (!isUnknown(in) && !isUnknown(kernel)) {
      int64_t window, padded;
      if (llvm::MulOverflow(w.dilations[i], kernel - 1, window) ||
          llvm::AddOverflow(in, w.pads[i], padded) || llvm::AddOverflow(padded, w.pads[i + spatial], padded))
        return fail("the window does not fit in 64 bits");
      int64_t room = padded - window - 1;
      if (room < 0)
        return fail("a window of " + Twine(window + 1) + " does not fit into the padded input of " + Twine(padded) +
                    " in spatial dim " + Twine(i));
      size = (w.ceilMode ? (room + stride - 1) / stride : room / stride) + 1;
      // A last window that would start in the padding behind the input does not count.
      if (w.ceilMode && (size - 1) * stride >= in + w.pads[i])
        --size;
    }
    out.push_back(size);
  }
  return true;
}

template <typename Pool> bool ShapeRules::pool(Pool pool, StringRef layout, StringRef autoPad, unsigned results) {
  auto x = dims(pool.getX());
  if (!x)
    return true;
  bool last = layout == "NXC";
  size_t spatial = pool.getKernelShape().size();
  if (x->size() != spatial + 2)
    return fail("a kernel of rank " + Twine(spatial) + " needs an input of rank " + Twine(spatial + 2) + ", not " + Twine(x->size()));
  Dims out = {(*x)[0]};
  if (!last)
    out.push_back((*x)[1]);
  if (!slide(*x, last ? 1 : 2,
             {pool.getKernelShape(), pool.getStrides(), pool.getDilations(), pool.getPads(), pool.getCeilMode(), autoPad}, out))
    return false;
  if (last)
    out.push_back(x->back());
  for (unsigned i = 0; i < results; ++i)
    set(i, out);
  return true;
}

bool ShapeRules::convTranspose(ConvTransposeOp conv) {
  auto x = dims(conv.getX()), w = dims(conv.getW());
  if (!x || !w)
    return true;
  size_t rank = x->size(), spatial = rank - 2;
  if (rank < 3 || w->size() != rank)
    return fail("a convolution needs an input and a weight of one rank of at least 3");
  int64_t group = conv.getGroup();
  if (conv.getStrides().size() != spatial || conv.getDilations().size() != spatial || conv.getPads().size() != 2 * spatial ||
      conv.getOutputPadding().size() != spatial || group < 1)
    return fail("strides, dilations, pads and output_padding are not of the input's spatial rank");
  if (!isUnknown((*x)[1]) && !isUnknown((*w)[0]) && ((*x)[1] != (*w)[0] || (*x)[1] % group != 0))
    return fail("the input has " + Twine((*x)[1]) + " channels, but the weight wants " + Twine((*w)[0]) + " in " + Twine(group) + " groups");
  Dims out = {(*x)[0], isUnknown((*w)[1]) ? (*w)[1] : (*w)[1] * group};
  for (size_t i = 0; i < spatial; ++i) {
    int64_t in = (*x)[2 + i], kernel = (*w)[2 + i], size = ShapedType::kDynamic;
    if (!isUnknown(in) && !isUnknown(kernel)) {
      size = conv.getStrides()[i] * (in - 1) + conv.getOutputPadding()[i] + (kernel - 1) * conv.getDilations()[i] + 1 -
             conv.getPads()[i] - conv.getPads()[i + spatial];
      if (size < 0)
        return fail("the pads leave nothing of spatial dim " + Twine(i));
    }
    out.push_back(size);
  }
  return set(0, out);
}

bool ShapeRules::einsum(EinsumOp einsum) {
  std::string equation;
  for (char c : einsum.getEquation())
    if (c != ' ')
      equation += c;
  auto [left, right] = StringRef(equation).split("->");
  bool explicitOut = StringRef(equation).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != einsum.getInputs().size())
    return fail("the equation '" + Twine(einsum.getEquation()) + "' names " + Twine(terms.size()) + " operands, but " +
                Twine(einsum.getInputs().size()) + " are given");
  std::map<char, int64_t> sizes;
  std::map<char, int> uses;
  Dims ellipsis;
  for (auto [term, input] : llvm::zip_equal(terms, einsum.getInputs())) {
    auto shape = dims(input);
    if (!shape)
      return true;
    size_t letters = llvm::count_if(term, llvm::isAlpha);
    bool dots = term.contains("...");
    if (letters > shape->size() || (!dots && letters != shape->size()) || term.size() != letters + (dots ? 3 : 0))
      return fail("the term '" + Twine(term) + "' does not fit an operand of rank " + Twine(shape->size()));
    size_t at = 0;
    for (size_t i = 0; i < term.size(); ++i) {
      if (term[i] == '.') {
        auto both = broadcastDims(ellipsis, shape->slice(at, shape->size() - letters), error);
        if (failed(both))
          return false;
        ellipsis = *both;
        at += shape->size() - letters;
        i += 2;
        continue;
      }
      int64_t dim = (*shape)[at++];
      auto [where, isNew] = sizes.try_emplace(term[i], dim);
      ++uses[term[i]];
      if (!isNew && !isUnknown(dim) && !isUnknown(where->second) && dim != where->second && dim != 1 && where->second != 1)
        return fail("label '" + Twine(term[i]) + "' stands for " + Twine(where->second) + " and for " + Twine(dim));
      if (isUnknown(where->second) || where->second == 1)
        where->second = dim;
    }
  }
  std::string result = right.str();
  if (!explicitOut) {
    if (left.contains("..."))
      result = "...";
    for (auto [label, count] : uses)
      if (count == 1)
        result += label;
  }
  Dims out;
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == '.') {
      out.append(ellipsis);
      i += 2;
    } else if (!sizes.count(result[i])) {
      return fail("label '" + Twine(result[i]) + "' of the result stands in no operand");
    } else {
      out.push_back(sizes[result[i]]);
    }
  }
  return set(0, out);
}

bool ShapeRules::linearRules(bool &done) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](MatMulOp m) { return done = matmul(m.getA(), m.getB()), true; })
      .Case([&](GemmOp g) { return done = gemm(g), true; })
      .Case([&](ConvOp c) { return done = conv(c), true; })
      .Case([&](ConvTransposeOp c) { return done = convTranspose(c), true; })
      .Case([&](EinsumOp e) { return done = einsum(e), true; })
      .Case<MaxPoolOp, AveragePoolOp, LpPoolOp>([&](auto p) { return done = pool(p, p.getLayout(), p.getAutoPad(), 1), true; })
      .Case([&](MaxPoolIndicesOp p) { return done = pool(p, "NCX", "NOTSET", 2), true; })
      .Case([&](AttentionOp a) {
        auto q = dims(a.getQ()), v = dims(a.getV());
        if (q && v && q->size() == 4 && v->size() == 4)
          set(0, {(*q)[0], (*q)[1], (*q)[2], (*v)[3]});
        return done = !q || !v || (q->size() == 4 && v->size() == 4) || fail("attention needs operands of rank 4"), true;
      })
      .Default([](Operation *) { return false; });
}
