// RUN: qopt-opt %s --qopt-add-entry --qopt-convert-to-llvm --reconcile-unrealized-casts --qopt-lower-dispatch | FileCheck %s

module attributes {qopt.signature = {inputs = [{name = "x", type = tensor<?xf32>}], outputs = [{name = "y", type = tensor<?xf32>}]}} {
  // CHECK-LABEL: llvm.func @main(%arg0: !llvm.ptr
  // CHECK: llvm.call @qopt_rt_profile_begin
  // CHECK: llvm.call @k.dispatch(%arg0
  // CHECK: llvm.call @qopt_rt_profile_end
  func.func @main(%x: memref<?xf32>) -> memref<?xf32> {
    %c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?xf32>
    %some = arith.cmpi sgt, %n, %c0 : index
    cf.assert %some, "node 'a': there is nothing"
    %y = memref.alloc(%n) {qopt.output} : memref<?xf32>
    call @k.dispatch(%n, %n, %x, %y) {qopt.site = 0 : i32} : (index, index, memref<?xf32>, memref<?xf32>) -> ()
    return %y : memref<?xf32>
  }
  // CHECK: llvm.call @qopt_rt_raise
  // CHECK-LABEL: llvm.func @qopt_entry(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr)
  // CHECK: llvm.call @main
  // CHECK-LABEL: llvm.func internal @k.dispatch
  // CHECK: llvm.call @qopt_rt_parallel_for(%arg0, %{{.*}}, %{{.*}}, %arg1, %arg2)
  func.func private @k.dispatch(index, index, memref<?xf32>, memref<?xf32>) attributes {qopt.dispatch = @k, qopt.needs_context}
  // CHECK-LABEL: llvm.func internal @k.body
  // CHECK: llvm.call @k(
  // CHECK-LABEL: llvm.func @k(
  // CHECK-SAME: llvm.noalias
  func.func private @k(%x: memref<?xf32> {qopt.noalias}, %y: memref<?xf32> {qopt.noalias}, %i: index) {
    %v = memref.load %x[%i] : memref<?xf32>
    memref.store %v, %y[%i] : memref<?xf32>
    return
  }
}
