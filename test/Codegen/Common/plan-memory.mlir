// RUN: qopt-opt %s --qopt-plan-memory | FileCheck %s

// %a and %c never live together and share a place; the output and the buffer of dynamic size stay apart.
// CHECK-LABEL: func.func @main
// CHECK: memref.alloc() {alignment = 64 : i64, qopt.arena} : memref<8192xi8>
// CHECK: %[[A:.*]] = arith.constant 0 : index
// CHECK-NEXT: memref.view %{{.*}}[%[[A]]][] : memref<8192xi8> to memref<1024xf32>
// CHECK: %[[B:.*]] = arith.constant 4096 : index
// CHECK-NEXT: memref.view %{{.*}}[%[[B]]][]
// CHECK: memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK: %[[C:.*]] = arith.constant 0 : index
// CHECK-NEXT: memref.view %{{.*}}[%[[C]]][] : memref<8192xi8> to memref<512xf32>
// CHECK: memref.alloc() {qopt.output}
// CHECK: memref.dealloc %{{.*}} : memref<8192xi8>
func.func @main(%x: memref<1024xf32>, %n: index) -> memref<512xf32> {
  %a = memref.alloc() : memref<1024xf32>
  memref.copy %x, %a : memref<1024xf32> to memref<1024xf32>
  %b = memref.alloc() : memref<1024xf32>
  memref.copy %a, %b : memref<1024xf32> to memref<1024xf32>
  memref.dealloc %a : memref<1024xf32>
  %d = memref.alloc(%n) : memref<?xf32>
  memref.dealloc %d : memref<?xf32>
  %c = memref.alloc() : memref<512xf32>
  %s = memref.subview %b[0] [512] [1] : memref<1024xf32> to memref<512xf32, strided<[1]>>
  memref.copy %s, %c : memref<512xf32, strided<[1]>> to memref<512xf32>
  memref.dealloc %b : memref<1024xf32>
  %o = memref.alloc() {qopt.output} : memref<512xf32>
  memref.copy %c, %o : memref<512xf32> to memref<512xf32>
  memref.dealloc %c : memref<512xf32>
  return %o : memref<512xf32>
}
