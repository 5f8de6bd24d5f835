// Resize and its forerunner Upsample.
#include "Node.h"

#include "qopt/Dialect/NN/IR/HostValues.h"

using namespace mlir;
using namespace qopt;

namespace {
/// An operand that is absent, or empty, which older opsets used to say the same.
Value present(Node &n, size_t i) {
  Value value = n.optional(i);
  return value && n.type(value).hasStaticShape() && n.type(value).getNumElements() == 0 ? Value() : value;
}

LogicalResult build(Node &n, Value roi, Value scales, Value sizes, StringRef coordinates, StringRef nearest) {
  Value x = n.in(0);
  std::string mode = n.s("mode", "nearest");
  if (mode == "bilinear" || mode == "trilinear") // Upsample's names
    mode = "linear";
  if (mode != "nearest" && mode != "linear" && mode != "cubic")
    return n.fail("has the unknown mode '" + mode + "'");
  if (!scales == !sizes)
    return n.fail("needs scales or sizes, and not both");
  Dims axes;
  if (auto given = n.ints("axes"))
    axes = n.axes(*given, n.rank(x));
  else
    for (int64_t i = 0; i < n.rank(x); ++i)
      axes.push_back(i);
  std::string how = n.s("coordinate_transformation_mode", coordinates);
  if (sizes)
    sizes = n.cast(sizes, n.i64());
  if (how != "tf_crop_and_resize")
    roi = {};
  Attrs attrs = n.attrs();
  attrs.segments({1, roi ? 1 : 0, scales ? 1 : 0, sizes ? 1 : 0}).ints("axes", axes).s("mode", mode)
      .s("coordinate_transformation_mode", how).s("nearest_mode", n.s("nearest_mode", nearest))
      .f("cubic_coeff_a", n.f("cubic_coeff_a", -0.75)).b("exclude_outside", n.flag("exclude_outside", false))
      .f("extrapolation_value", n.f("extrapolation_value", 0)).b("antialias", n.flag("antialias", false))
      .s("keep_aspect_ratio_policy", n.s("keep_aspect_ratio_policy", "stretch"));
  return n.one(n.make<nn::ResizeOp>(n.elem(x), {x, roi, scales, sizes}, attrs));
}

LogicalResult resize(Node &n) {
  if (n.version < 11) // (x, scales): plain scaling of the index, rounded down
    return build(n, {}, n.in(1), {}, "asymmetric", "floor");
  return build(n, present(n, 1), present(n, 2), present(n, 3), "half_pixel", "round_prefer_floor");
}

LogicalResult upsample(Node &n) {
  Value scales = n.optional(1);
  if (auto given = dyn_cast_or_null<DenseF32ArrayAttr>(n.attr("scales")))
    scales = n.constant(DenseElementsAttr::get(RankedTensorType::get({static_cast<int64_t>(given.size())}, n.f32()),
                                               given.asArrayRef()));
  return build(n, {}, scales, {}, "asymmetric", "floor");
}
} // namespace

void qopt::addResize(Handlers &t) { t["/Resize"] = resize, t["/Upsample"] = upsample; }
