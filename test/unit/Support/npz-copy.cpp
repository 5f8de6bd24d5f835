// npz-copy [--deflate|--rows] IN.npz OUT.npz: reads every array and writes it again; check_npz.py compares with numpy.
#include "qopt/Support/Npy.h"

using namespace llvm;
using namespace qopt;

static Expected<Tensor> readByRows(NpzReader &reader, StringRef name) {
  if (reader.info(name)->shape.empty())
    return reader.read(name);
  auto rows = reader.rows(name);
  if (!rows)
    return rows.takeError();
  std::vector<Tensor> parts;
  for (int64_t row = 0; row < (*rows)->numRows(); row += 3) {
    Expected<Tensor> part = (*rows)->read(row, std::min(row + 3, (*rows)->numRows()));
    if (!part)
      return part.takeError();
    parts.push_back(std::move(*part));
  }
  return parts.empty() ? reader.read(name) : Tensor::concat(parts);
}

static Error copy(StringRef mode, StringRef from, StringRef to) {
  auto reader = NpzReader::open(from);
  if (!reader)
    return reader.takeError();
  std::vector<NamedTensor> arrays;
  for (const std::string &name : (*reader)->names()) {
    Expected<Tensor> tensor = mode == "--rows" ? readByRows(**reader, name) : (*reader)->read(name);
    if (!tensor)
      return tensor.takeError();
    arrays.push_back({name, std::move(*tensor)});
  }
  return writeNpz(to, arrays, mode == "--deflate");
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  if (Error error = copy(argv[1], argv[2], argv[3])) {
    errs() << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
