#include "qopt/TargetInfo/Target.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace qopt {
namespace {

#define AVX2 "avx,avx2,fma,f16c,bmi2"
#define AVX512 AVX2 ",avx512f,avx512bw,avx512vl,avx512dq,avx512cd"

constexpr Target rows[] = {
    {"x86-64", "any 64-bit x86 (SSE2)", "", 128},
    {"avx2", "Intel since Haswell (2013), AMD since Zen", AVX2, 256},
    {"avxvnni", "AVX2 and 8-bit dot products: Intel since Alder Lake, AMD since Zen 5", AVX2 ",avxvnni", 256},
    {"avx512", "Intel Skylake-SP and later servers, AMD since Zen 4", AVX512, 512},
    {"avx512vnni", "AVX512 and 8-bit dot products: Intel since Cascade Lake, AMD since Zen 4", AVX512 ",avx512vnni",
     512},
};

#undef AVX2
#undef AVX512

} // namespace

ArrayRef<Target> targets() { return rows; }

SmallVector<StringRef> featureList(const Target &target) {
  SmallVector<StringRef> features;
  StringRef(target.features).split(features, ',', -1, /*KeepEmpty=*/false);
  return features;
}

bool hasFeature(const Target &target, StringRef feature) {
  return feature.empty() || is_contained(featureList(target), feature);
}

bool runsHere(const Target &target) {
#if defined(__x86_64__)
  StringMap<bool> present = sys::getHostCPUFeatures();
  return all_of(featureList(target), [&](StringRef feature) { return present.lookup(feature); });
#else
  return false;
#endif
}

const Target &hostTarget() {
  const Target *best = &rows[0];
  for (const Target &row : rows)
    if (runsHere(row))
      best = &row;
  return *best;
}

Expected<const Target *> findTarget(StringRef name) {
  if (name == "host")
    return &hostTarget();
  StringRef nearest;
  unsigned least = 4;
  for (const Target &row : rows) {
    if (row.name == name)
      return &row;
    if (unsigned distance = name.edit_distance(row.name, true, least); distance < least) {
      least = distance;
      nearest = row.name;
    }
  }
  std::string known = "host";
  for (const Target &row : rows)
    known += ", " + row.name.str();
  return makeError("there is no target '" + name + "'" +
                   (nearest.empty() ? "" : " (did you mean " + nearest.str() + "?)") + "; known are " + known);
}

} // namespace qopt
