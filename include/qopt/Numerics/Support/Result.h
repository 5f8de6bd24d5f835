//===- Result.h - A value or a sentence --------------------------*- C++ -*-===//
//
// Numerics has no LLVM inside and libstdc++ 12 has no std::expected: this is the little of it that the room needs. An
// error is one sentence that says what is wrong and what to do; the caller adds the file and the tensor.
//
//===----------------------------------------------------------------------===//
#ifndef QOPT_NUMERICS_SUPPORT_RESULT_H
#define QOPT_NUMERICS_SUPPORT_RESULT_H

#include <string>
#include <utility>
#include <variant>

namespace qopt {

struct Failure {
  std::string message;
};

template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state(std::in_place_index<1>, std::move(failure.message)) {}

  explicit operator bool() const { return state.index() == 0; }
  T &operator*() { return std::get<0>(state); }
  const T &operator*() const { return std::get<0>(state); }
  T *operator->() { return &std::get<0>(state); }
  const T *operator->() const { return &std::get<0>(state); }

  /// The sentence. Only where the result is a failure.
  const std::string &error() const { return std::get<1>(state); }
  Failure failure() const { return {error()}; }

private:
  std::variant<T, std::string> state;
};

/// The result of a function that only succeeds or fails.
using Status = Result<std::monostate>;
inline Status success() { return std::monostate{}; }

} // namespace qopt

#endif // QOPT_NUMERICS_SUPPORT_RESULT_H
