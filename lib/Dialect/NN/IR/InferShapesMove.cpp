// Shapes of ops that reshape, cut, join and resample.
#include "InferShapesImpl.h"

#include "qopt/Dialect/NN/IR/Constants.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace qopt::nn;

namespace {
constexpr int64_t kDynamic = ShapedType::kDynamic;

/// The product, or nothing when a dim is unknown or the product overflows.
std::optional<int64_t> product(ArrayRef<int64_t> dims) {
  int64_t out = 1;
  for (int64_t dim : dims)
    if (isUnknown(dim) || llvm::MulOverflow(out, dim, out))
      return std::nullopt;
  return out;
}

int64_t productOrUnknown(ArrayRef<int64_t> dims) { return product(dims).value_or(kDynamic); }
} // namespace

bool ShapeRules::reshape(ReshapeOp reshape) {
  auto data = dims(reshape.getData());
  auto target = partialInts(reshape.getShape());
  if (!target)
    return true;
  int inferred = -1;
  for (auto [i, dim] : llvm::enumerate(*target)) {
    if (isUnknown(dim))
      continue;
    if (dim == 0 && !reshape.getAllowzero()) {
      if (data && i >= data->size())
        return fail("dim " + Twine(i) + " of the new shape is copied from an input of rank " + Twine(data->size()));
      (*target)[i] = data ? (*data)[i] : kDynamic;
    } else if (dim == -1) {
      if (inferred >= 0)
        return fail("the new shape has two dims of -1");
      inferred = i;
      (*target)[i] = kDynamic;
    } else if (dim < 0) {
      return fail("the new shape has a dim of " + Twine(dim));
    }
  }
  if (!data)
    return set(0, *target);
  // Unknown dims that stand on both sides, in order, cancel: [?, S, 384] to [?, S, 12, -1].
  Dims from(*data), to(*target);
  if (inferred >= 0)
    to.erase(to.begin() + inferred);
  size_t unknownFrom = llvm::count_if(from, isUnknown), unknownTo = llvm::count_if(to, isUnknown);
  auto known = [](Dims &all) { llvm::erase_if(all, isUnknown); return product(all); };
  std::optional<int64_t> have = known(from), want = known(to);
  if (inferred >= 0 && have && want && unknownFrom == 0 && unknownTo == 0) {
    if (*want == 0 ? *have != 0 : *have % *want != 0)
      return fail(Twine(*have) + " elements do not divide into the new shape");
    (*target)[inferred] = *want == 0 ? 0 : *have / *want;
  } else if (inferred >= 0 && have && want && unknownFrom == unknownTo && *want > 0 && *have % *want == 0 &&
             shapeDimsMatch(reshape.getShape(), reshape.getData(), inferred)) {
    (*target)[inferred] = *have / *want;
  } else if (inferred < 0 && unknownFrom == 0 && unknownTo == 1 && have && want && *want > 0 && *have % *want == 0) {
    *llvm::find_if(*target, isUnknown) = *have / *want;
  } else if (inferred < 0 && unknownFrom == 0 && unknownTo == 0 && have && want && *have != *want) {
    return fail(Twine(*have) + " elements do not fit into a shape of " + Twine(*want));
  }
  return set(0, *target);
}

/// Whether the unknown dims of a reshape's target are the unknown dims of its input, so that they cancel.
bool ShapeRules::shapeDimsMatch(Value shape, Value data, int inferred) {
  auto constant = constantInts(shape, 64);
  auto input = *dims(data);
  if (constant) { // unknown ones are zeros, copied from the input's dim at the same place
    int64_t copied = 0;
    for (auto [i, dim] : llvm::enumerate(*constant))
      copied += dim == 0 && i < input.size() && isUnknown(input[i]);
    return copied == llvm::count_if(input, isUnknown);
  }
  return false;
}

bool ShapeRules::concat(ConcatOp concat) {
  Dims out;
  int64_t axis = concat.getAxis();
  for (auto [i, input] : llvm::enumerate(concat.getInputs())) {
    auto shape = dims(input);
    if (!shape)
      return true;
    if (i == 0) {
      out.assign(shape->begin(), shape->end());
      if (!checkAxis(axis, out.size()))
        return false;
      continue;
    }
    if (shape->size() != out.size())
      return fail("joins tensors of ranks " + Twine(out.size()) + " and " + Twine(shape->size()));
    for (auto [d, pair] : llvm::enumerate(llvm::zip_equal(out, *shape))) {
      auto &[mine, other] = pair;
      if (static_cast<int64_t>(d) == axis)
        mine = isUnknown(mine) || isUnknown(other) ? kDynamic : mine + other;
      else if (isUnknown(mine))
        mine = other;
      else if (!isUnknown(other) && mine != other)
        return fail("joins tensors whose dim " + Twine(d) + " is " + Twine(mine) + " and " + Twine(other));
    }
  }
  return set(0, out);
}

bool ShapeRules::split(SplitOp split) {
  auto x = dims(split.getX());
  if (!x)
    return true;
  int64_t axis = split.getAxis(), pieces = split.getNumResults();
  if (!checkAxis(axis, x->size()))
    return false;
  int64_t total = (*x)[axis];
  auto sizes = split.getSplit();
  if (sizes && static_cast<int64_t>(sizes->size()) != pieces)
    return fail("gives " + Twine(sizes->size()) + " sizes for " + Twine(pieces) + " pieces");
  if (sizes && llvm::any_of(*sizes, [](int64_t size) { return size < 0; }))
    return fail("gives a negative size of a piece");
  if (sizes && !isUnknown(total) && product(*sizes) && std::accumulate(sizes->begin(), sizes->end(), int64_t(0)) != total)
    return fail("the sizes of the pieces do not add up to " + Twine(total));
  int64_t step = isUnknown(total) || pieces == 0 ? kDynamic : (total + pieces - 1) / pieces;
  for (int64_t i = 0; i < pieces; ++i) {
    Dims out(*x);
    if (sizes)
      out[axis] = (*sizes)[i];
    else
      out[axis] = isUnknown(step) ? kDynamic : std::max<int64_t>(0, std::min(step, total - i * step));
    set(i, out);
  }
  return true;
}

bool ShapeRules::slice(SliceOp slice) {
  auto x = dims(slice.getData());
  if (!x)
    return true;
  auto starts = partialInts(slice.getStarts()), ends = partialInts(slice.getEnds());
  size_t count = slice.getAxes().size();
  if (slice.getSteps().size() != count || (starts && starts->size() != count) || (ends && ends->size() != count))
    return fail("starts, ends, axes and steps are not of one length");
  Dims out(*x);
  llvm::SmallBitVector seen(x->size());
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = slice.getAxes()[i], step = slice.getSteps()[i];
    if (!checkAxis(axis, x->size()))
      return false;
    if (seen[axis])
      return fail("axis " + Twine(axis) + " is given twice");
    if (step == 0)
      return fail("a step is 0");
    seen.set(axis);
    int64_t size = (*x)[axis], start = starts ? (*starts)[i] : kDynamic, end = ends ? (*ends)[i] : kDynamic;
    out[axis] = kDynamic;
    if (isUnknown(start) || isUnknown(end)) {
      if (size == 0)
        out[axis] = 0;
      continue;
    }
    if (isUnknown(size)) {
      // [0:] and [a:b] of the same sign are known without the size only where clamping cannot matter: an empty one.
      if (step > 0 && start >= 0 && end >= 0 && start >= end)
        out[axis] = 0;
      continue;
    }
    auto clamp = [&](int64_t at) {
      at = at < 0 ? at + size : at;
      return step > 0 ? std::clamp<int64_t>(at, 0, size) : std::clamp<int64_t>(at, -1, size - 1);
    };
    bool toBegin = step < 0 && end < -size; // a very negative end means "through element 0"
    start = clamp(start);
    end = toBegin ? -1 : clamp(end);
    int64_t span = step > 0 ? end - start : start - end;
    uint64_t stride = step > 0 ? step : 0 - static_cast<uint64_t>(step);
    out[axis] = span <= 0 ? 0 : (span - 1) / stride + 1;
  }
  return set(0, out);
}

bool ShapeRules::pad(PadOp pad) {
  auto x = dims(pad.getData());
  if (!x)
    return true;
  auto pads = partialInts(pad.getPads());
  if (pads && pads->size() != 2 * x->size())
    return fail("has " + Twine(pads->size()) + " pads for an input of rank " + Twine(x->size()));
  Dims out(x->size(), kDynamic);
  for (size_t i = 0; pads && i < x->size(); ++i) {
    int64_t before = (*pads)[i], after = (*pads)[i + x->size()], size = (*x)[i];
    if (isUnknown(before) || isUnknown(after) || isUnknown(size))
      continue;
    if (llvm::AddOverflow(size, before, size) || llvm::AddOverflow(size, after, size) || size < 0)
      return fail("the pads leave dim " + Twine(i) + " with no valid size");
    out[i] = size;
  }
  return set(0, out);
}

bool ShapeRules::resize(ResizeOp resize) {
  auto x = dims(resize.getX());
  if (!x)
    return true;
  Dims out(*x);
  ArrayRef<int64_t> axes = resize.getAxes();
  auto sizes = resize.getSizes() ? partialInts(resize.getSizes()) : std::nullopt;
  auto scales = resize.getScales() ? constantFloats(resize.getScales(), 64) : std::nullopt;
  if ((sizes && sizes->size() != axes.size()) || (scales && scales->size() != axes.size()))
    return fail("gives scales or sizes for another number of dims than its axes");
  bool stretch = resize.getKeepAspectRatioPolicy() == "stretch";
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (!checkAxis(axis, x->size()))
      return false;
    out[axis] = kDynamic;
    if (sizes && stretch) {
      out[axis] = (*sizes)[i];
      if (!isUnknown(out[axis]) && out[axis] < 0)
        return fail("asks for a size of " + Twine(out[axis]));
    } else if (scales) {
      double scale = (*scales)[i];
      if (!(scale > 0) || !std::isfinite(scale))
        return fail("a scale is not a positive number");
      double size = std::floor(static_cast<double>((*x)[axis]) * static_cast<double>(static_cast<float>(scale)));
      if (!isUnknown((*x)[axis]) && size < 9e15)
        out[axis] = static_cast<int64_t>(size);
      else if (scale == 1.0)
        out[axis] = (*x)[axis];
    }
  }
  return set(0, out);
}

bool ShapeRules::tile(TileOp tile) {
  auto x = dims(tile.getX());
  if (!x)
    return true;
  auto repeats = partialInts(tile.getRepeats());
  if (repeats && repeats->size() != x->size())
    return fail("has " + Twine(repeats->size()) + " repeats for an input of rank " + Twine(x->size()));
  Dims out(x->size(), kDynamic);
  for (size_t i = 0; repeats && i < x->size(); ++i) {
    int64_t count = (*repeats)[i];
    if (isUnknown(count))
      continue;
    if (count < 0)
      return fail("repeats dim " + Twine(i) + " " + Twine(count) + " times");
    if (!isUnknown((*x)[i]) && llvm::MulOverflow((*x)[i], count, out[i]))
      return fail("dim " + Twine(i) + " does not fit in 64 bits");
  }
  return set(0, out);
}

bool ShapeRules::expand(ExpandOp expand) {
  auto x = dims(expand.getX());
  auto target = partialInts(expand.getShape());
  if (!x || !target)
    return true;
  if (llvm::any_of(*target, [](int64_t dim) { return !isUnknown(dim) && dim < 0; }))
    return fail("the shape to expand to has a negative dim");
  auto both = broadcastDims(*x, *target, error);
  if (failed(both))
    return false;
  // Unknown against unknown could be 1 on either side; unknown against a known dim above 1 is that dim already.
  return set(0, *both);
}

bool ShapeRules::range(RangeOp range) {
  auto start = constantFloats(range.getStart(), 1), limit = constantFloats(range.getLimit(), 1), delta = constantFloats(range.getDelta(), 1);
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 || delta->size() != 1)
    return set(0, {kDynamic});
  double count = std::ceil((limit->front() - start->front()) / delta->front());
  if (delta->front() == 0 || !std::isfinite(count) || count > 9e15)
    return fail("the step of a range is 0 or its bounds are not numbers");
  return set(0, {std::max<int64_t>(0, static_cast<int64_t>(count))});
}

bool ShapeRules::squeeze(SqueezeOp squeeze) {
  auto x = dims(squeeze.getX());
  if (!x)
    return true;
  llvm::SmallBitVector gone(x->size());
  for (int64_t axis : squeeze.getAxes()) {
    if (!checkAxis(axis, x->size()))
      return false;
    if (!isUnknown((*x)[axis]) && (*x)[axis] != 1)
      return fail("drops dim " + Twine(axis) + ", which is " + Twine((*x)[axis]) + ", not 1");
    gone.set(axis);
  }
  Dims out;
  for (auto [i, dim] : llvm::enumerate(*x))
    if (!gone[i])
      out.push_back(dim);
  return set(0, out);
}

bool ShapeRules::unsqueeze(UnsqueezeOp unsqueeze) {
  auto x = dims(unsqueeze.getX());
  if (!x)
    return true;
  size_t rank = x->size() + unsqueeze.getAxes().size();
  llvm::SmallBitVector added(rank);
  for (int64_t axis : unsqueeze.getAxes()) {
    if (!checkAxis(axis, rank))
      return false;
    if (added[axis])
      return fail("axis " + Twine(axis) + " is given twice");
    added.set(axis);
  }
  Dims out;
  const int64_t *next = x->begin();
  for (size_t i = 0; i < rank; ++i)
    out.push_back(added[i] ? 1 : *next++);
  return set(0, out);
}

bool ShapeRules::moveRules(bool &done) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](ReshapeOp r) { return done = reshape(r), true; })
      .Case([&](ConcatOp c) { return done = concat(c), true; })
      .Case([&](SplitOp s) { return done = split(s), true; })
      .Case([&](SliceOp s) { return done = slice(s), true; })
      .Case([&](PadOp p) { return done = pad(p), true; })
      .Case([&](ResizeOp r) { return done = resize(r), true; })
      .Case([&](TileOp t) { return done = tile(t), true; })
      .Case([&](ExpandOp e) { return done = expand(e), true; })
      .Case([&](RangeOp r) { return done = range(r), true; })
      .Case([&](SqueezeOp s) { return done = squeeze(s), true; })
      .Case([&](UnsqueezeOp u) { return done = unsqueeze(u), true; })
      .Case([&](FlattenOp f) {
        auto x = dims(f.getX());
        if (!x)
          return done = true, true;
        if (f.getAxis() > x->size())
          return done = fail("axis " + Twine(f.getAxis()) + " is out of range for rank " + Twine(x->size())), true;
        return done = set(0, {productOrUnknown(x->take_front(f.getAxis())), productOrUnknown(x->drop_front(f.getAxis()))}), true;
      })
      .Case([&](TransposeOp t) {
        auto x = dims(t.getX());
        if (!x)
          return done = true, true;
        if (t.getPerm().size() != x->size())
          return done = fail("perm has " + Twine(t.getPerm().size()) + " entries for an operand of rank " + Twine(x->size())), true;
        Dims out;
        for (int64_t dim : t.getPerm()) {
          if (!checkAxis(dim, x->size()))
            return done = false, true;
          out.push_back((*x)[dim]);
        }
        return done = set(0, out), true;
      })
      .Case([&](ShapeOp s) {
        auto x = dims(s.getX());
        if (x) {
          int64_t rank = x->size(), start = std::clamp<int64_t>(s.getStart(), 0, rank);
          set(0, {std::max<int64_t>(0, std::clamp<int64_t>(s.getEnd(), 0, rank) - start)});
        }
        return done = true, true;
      })
      .Case([&](SizeOp) { return done = set(0, {}), true; })
      .Case([&](ConstantOfShapeOp c) {
        auto shape = partialInts(c.getShape());
        if (shape && llvm::any_of(*shape, [](int64_t dim) { return !isUnknown(dim) && dim < 0; }))
          return done = fail("asks for a negative dim"), true;
        return done = !shape || set(0, *shape), true;
      })
      .Case([&](DepthToSpaceOp d) {
        auto x = dims(d.getX());
        int64_t block = d.getBlocksize();
        if (!x)
          return done = true, true;
        if (x->size() != 4 || block < 1 || block > (1 << 15))
          return done = fail("needs an input of rank 4 and a positive blocksize"), true;
        if (!isUnknown((*x)[1]) && (*x)[1] % (block * block) != 0)
          return done = fail(Twine((*x)[1]) + " channels do not divide into blocks of " + Twine(block)), true;
        auto times = [&](int64_t dim) { return isUnknown(dim) ? dim : dim * block; };
        return done = set(0, {(*x)[0], isUnknown((*x)[1]) ? kDynamic : (*x)[1] / (block * block), times((*x)[2]), times((*x)[3])}), true;
      })
      .Case([&](SpaceToDepthOp d) {
        auto x = dims(d.getX());
        int64_t block = d.getBlocksize();
        if (!x)
          return done = true, true;
        if (x->size() != 4 || block < 1 || block > (1 << 15))
          return done = fail("needs an input of rank 4 and a positive blocksize"), true;
        for (int i : {2, 3})
          if (!isUnknown((*x)[i]) && (*x)[i] % block != 0)
            return done = fail("spatial dim " + Twine((*x)[i]) + " does not divide into blocks of " + Twine(block)), true;
        auto over = [&](int64_t dim) { return isUnknown(dim) ? dim : dim / block; };
        return done = set(0, {(*x)[0], isUnknown((*x)[1]) ? kDynamic : (*x)[1] * block * block, over((*x)[2]), over((*x)[3])}), true;
      })
      .Default([](Operation *) { return false; });
}
