// RUN: qopt-opt %s --qopt-outline-kernels | FileCheck %s

// Equal loops share a kernel; buffers of different allocations cannot overlap.
// CHECK: module attributes {qopt.kernels = [
// CHECK-LABEL: func.func @main
// CHECK: call @qopt_kernel_0.dispatch(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {qopt.site = 0 : i32}
// CHECK: call @qopt_kernel_0.dispatch(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {qopt.site = 1 : i32}
// CHECK: call @qopt_kernel_1(%{{.*}}, %{{.*}}) {qopt.site = 2 : i32}
func.func @main(%x: memref<?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc(%n) : memref<?xf32>
  %b = memref.alloc(%n) : memref<?xf32>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %x[%i] : memref<?xf32>
    memref.store %v, %a[%i] : memref<?xf32>
  }
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %v = memref.load %a[%i] : memref<?xf32>
    memref.store %v, %b[%i] : memref<?xf32>
  }
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.load %b[%i] : memref<?xf32>
    memref.store %v, %b[%i] : memref<?xf32>
  } {qopt.kernel}
  return
}
// CHECK: func.func private @qopt_kernel_0.dispatch(index, index, index, memref<?xf32>, memref<?xf32>{{.*}}) attributes {qopt.dispatch = @qopt_kernel_0, qopt.needs_context}
// CHECK: func.func private @qopt_kernel_0(%{{.*}}: index, %{{.*}} {qopt.noalias}, %{{.*}} {qopt.noalias}, %{{.*}}: index)
// CHECK: func.func private @qopt_kernel_1(
