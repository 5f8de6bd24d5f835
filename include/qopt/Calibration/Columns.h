// Rows of a linear op's input, as its weight's rows are multiplied with them.
#pragma once
#include "qopt/Analysis/Columns.h"

#include "llvm/ADT/ArrayRef.h"

#include <functional>

namespace qopt {

/// Calls `take(rows)` with [positions, columns] pieces of one observed value, all of its positions once. A convolution's padding
/// reads as zero. Values whose shape does not fit are left out: false.
bool forEachColumns(const InputColumns &columns, llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape,
                    llvm::function_ref<void(llvm::ArrayRef<float>)> take);

/// How many columns there are for a value of this shape; 0 where the shape does not fit.
int64_t columnCount(const InputColumns &columns, llvm::ArrayRef<int64_t> shape);

} // namespace qopt
