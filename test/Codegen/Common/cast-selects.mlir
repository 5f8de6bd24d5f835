// RUN: qopt-opt %s --qopt-cast-selects | FileCheck %s

// CHECK-LABEL: func.func @sizes
// CHECK: %[[A:.*]] = arith.index_cast %arg1 : index to i64
// CHECK: %[[B:.*]] = arith.index_cast %arg2 : index to i64
// CHECK: %[[S:.*]] = arith.select %arg0, %[[A]], %[[B]] : i64
// CHECK: %[[N:.*]] = arith.index_cast %[[S]] : i64 to index
// CHECK: return %[[N]]
func.func @sizes(%c: i1, %a: index, %b: index) -> index {
  %n = arith.select %c, %a, %b : index
  return %n : index
}
