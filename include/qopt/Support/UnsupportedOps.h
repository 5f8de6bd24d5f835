// The ops of a model that nobody can do anything with, for one sentence that names them all.
#pragma once
#include "llvm/ADT/StringRef.h"
#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace qopt {

class UnsupportedOps {
public:
  /// `why` is a clause; empty where the op is simply not known.
  void add(llvm::StringRef domain, llvm::StringRef opType, llvm::StringRef node, llvm::StringRef why = "") {
    std::string op = domain.empty() ? opType.str() : (domain + "." + opType).str();
    nodes[why.empty() ? op : op + " [" + why.str() + "]"].push_back(node.str());
  }
  bool empty() const { return nodes.empty(); }

  /// "it uses ops that qopt does not support: Foo x2 ('a', 'b'); com.acme.Bar x1 ('c')"
  std::string sentence() const {
    std::string list;
    for (const auto &[op, names] : nodes) {
      list += (list.empty() ? "" : "; ") + op + " x" + std::to_string(names.size()) + " (";
      for (size_t i = 0; i < std::min(mostNames, names.size()); ++i)
        list += (i ? ", '" : "'") + names[i] + "'";
      list += names.size() > mostNames ? ", …)" : ")";
    }
    return "it uses ops that qopt does not support: " + list;
  }

private:
  static constexpr size_t mostNames = 5;
  std::map<std::string, std::vector<std::string>> nodes;
};

} // namespace qopt
