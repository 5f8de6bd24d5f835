// RUN: qopt-opt %s --split-input-file --verify-diagnostics

func.func @both(%x: tensor<4x8xf32>, %s: tensor<1x2xf32>) -> tensor<4x8xi8> {
  // expected-error@+1 {{'qopt.quantize' op has a block_shape and an axis or block_size; the shape says all}}
  %q = qopt.quantize %x, %s {axis = 1 : i64, block_shape = array<i64: 4, 4>} : (tensor<4x8xf32>, tensor<1x2xf32>) -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// -----

func.func @shape_rank(%x: tensor<4x8xf32>, %s: tensor<1x2xf32>) -> tensor<4x8xi8> {
  // expected-error@+1 {{block_shape has 1 entries for a tensor of rank 2}}
  %q = qopt.quantize %x, %s {block_shape = array<i64: 4>} : (tensor<4x8xf32>, tensor<1x2xf32>) -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// -----

func.func @shape_entry(%x: tensor<4x8xf32>, %s: tensor<1x2xf32>) -> tensor<4x8xi8> {
  // expected-error@+1 {{block_shape has an entry of 0; blocks hold at least one element}}
  %q = qopt.quantize %x, %s {block_shape = array<i64: 4, 0>} : (tensor<4x8xf32>, tensor<1x2xf32>) -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// -----

func.func @axis(%q: tensor<4x8xi4>, %s: tensor<4xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{axis 2 is out of range for rank 2}}
  %x = qopt.dequantize %q, %s {axis = 2 : i64} : (tensor<4x8xi4>, tensor<4xf32>) -> tensor<4x8xf32>
  return %x : tensor<4x8xf32>
}

// -----

func.func @no_axis(%q: tensor<4x8xi4>, %s: tensor<4x2xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{has a block_size and no axis}}
  %x = qopt.dequantize %q, %s {block_size = 4 : i64} : (tensor<4x8xi4>, tensor<4x2xf32>) -> tensor<4x8xf32>
  return %x : tensor<4x8xf32>
}

// -----

func.func @block_size(%q: tensor<4x8xi4>, %s: tensor<4x2xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{block_size is 0; blocks hold at least one element}}
  %x = qopt.dequantize %q, %s {axis = 1 : i64, block_size = 0 : i64} : (tensor<4x8xi4>, tensor<4x2xf32>) -> tensor<4x8xf32>
  return %x : tensor<4x8xf32>
}

// -----

func.func @channel(%q: tensor<4x8xi8>, %s: tensor<4xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{scale has 4 elements for dim 1 of size 8}}
  %x = qopt.dequantize %q, %s {axis = 1 : i64} : (tensor<4x8xi8>, tensor<4xf32>) -> tensor<4x8xf32>
  return %x : tensor<4x8xf32>
}

// -----

func.func @rank(%q: tensor<4x8xi8>, %s: tensor<2xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{scale has rank 1; it must be a scalar, a vector along axis, or of rank 2}}
  %x = qopt.dequantize %q, %s {axis = 1 : i64, block_size = 4 : i64} : (tensor<4x8xi8>, tensor<2xf32>) -> tensor<4x8xf32>
  return %x : tensor<4x8xf32>
}

// -----

func.func @zero_point(%q: tensor<4x9xi8>, %s: tensor<4x3xf32>, %z: tensor<4x2xi8>) -> tensor<4x9xf32> {
  // expected-error@+1 {{zero point has 2 elements in dim 1; it needs 3}}
  %x = qopt.dequantize %q, %s, %z {axis = 1 : i64, block_size = 4 : i64} : (tensor<4x9xi8>, tensor<4x3xf32>, tensor<4x2xi8>) -> tensor<4x9xf32>
  return %x : tensor<4x9xf32>
}

// -----

func.func @codes(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  // expected-error@+1 {{has codes of type 'f32'; they must be integers of more than one bit or floats of at most 8}}
  %q = qopt.quantize %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %q : tensor<4xf32>
}

// -----

func.func @numbers(%x: tensor<4xi32>, %s: tensor<f32>) -> tensor<4xi8> {
  // expected-error@+1 {{has numbers of type 'i32'; they must be floats}}
  %q = qopt.quantize %x, %s : (tensor<4xi32>, tensor<f32>) -> tensor<4xi8>
  return %q : tensor<4xi8>
}

// -----

func.func @scale_type(%x: tensor<4xf32>, %s: tensor<i8>) -> tensor<4xi8> {
  // expected-error@+1 {{has a scale of type 'i8'; it must be a float}}
  %q = qopt.quantize %x, %s : (tensor<4xf32>, tensor<i8>) -> tensor<4xi8>
  return %q : tensor<4xi8>
}

// -----

func.func @ranks(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<2x2xi8> {
  // expected-error@+1 {{has numbers of rank 1 and codes of rank 2}}
  %q = qopt.quantize %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<2x2xi8>
  return %q : tensor<2x2xi8>
}

// -----

func.func @dynamic_input(%x: tensor<4xi32>) -> tensor<f32> {
  // expected-error@+1 {{reads 'i32'; it needs floats}}
  %s = qopt.dynamic_scale %x {top = 6.0 : f32} : (tensor<4xi32>) -> tensor<f32>
  return %s : tensor<f32>
}

// -----

func.func @dynamic_type(%x: tensor<4xf32>) -> tensor<4xf16> {
  // expected-error@+1 {{makes scales of type 'f16'; they can be f32, f8E8M0FNU or f8E4M3FN}}
  %s = qopt.dynamic_scale %x {axis = 0 : i64, block_size = 1 : i64, top = 6.0 : f32} : (tensor<4xf32>) -> tensor<4xf16>
  return %s : tensor<4xf16>
}

// -----

func.func @no_outer(%x: tensor<4xf32>) -> tensor<4xf8E4M3FN> {
  // expected-error@+1 {{needs an outer scale for scales of f8E4M3FN, and for these only}}
  %s = qopt.dynamic_scale %x {axis = 0 : i64, block_size = 1 : i64, top = 6.0 : f32} : (tensor<4xf32>) -> tensor<4xf8E4M3FN>
  return %s : tensor<4xf8E4M3FN>
}

// -----

func.func @outer_type(%x: tensor<4xf32>, %o: tensor<1xf32>) -> tensor<4xf8E4M3FN> {
  // expected-error@+1 {{has an outer scale of type 'tensor<1xf32>'; it must be tensor<f32>}}
  %s = qopt.dynamic_scale %x, %o {axis = 0 : i64, block_size = 1 : i64, top = 6.0 : f32} : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf8E4M3FN>
  return %s : tensor<4xf8E4M3FN>
}

// -----

func.func @top(%x: tensor<4xf32>) -> tensor<f32> {
  // expected-error@+1 {{has a top that is not positive}}
  %s = qopt.dynamic_scale %x {top = 0.0 : f32} : (tensor<4xf32>) -> tensor<f32>
  return %s : tensor<f32>
}

// -----

func.func @half(%x: tensor<4xf32>) -> tensor<f32> {
  // expected-error@+1 {{has only one of axis and block_size}}
  %s = qopt.dynamic_scale %x {axis = 0 : i64, top = 6.0 : f32} : (tensor<4xf32>) -> tensor<f32>
  return %s : tensor<f32>
}

// -----

func.func @whole(%x: tensor<4xf32>) -> tensor<1xf32> {
  // expected-error@+1 {{makes one scale for the tensor, which must be tensor<f32>}}
  %s = qopt.dynamic_scale %x {top = 6.0 : f32} : (tensor<4xf32>) -> tensor<1xf32>
  return %s : tensor<1xf32>
}

// -----

func.func @dynamic_axis(%x: tensor<4xf32>) -> tensor<1xf32> {
  // expected-error@+1 {{axis 1 is out of range for rank 1}}
  %s = qopt.dynamic_scale %x {axis = 1 : i64, block_size = 4 : i64, top = 6.0 : f32} : (tensor<4xf32>) -> tensor<1xf32>
  return %s : tensor<1xf32>
}

// -----

func.func @dynamic_block(%x: tensor<4xf32>) -> tensor<1xf32> {
  // expected-error@+1 {{block_size is 0; blocks hold at least one element}}
  %s = qopt.dynamic_scale %x {axis = 0 : i64, block_size = 0 : i64, top = 6.0 : f32} : (tensor<4xf32>) -> tensor<1xf32>
  return %s : tensor<1xf32>
}

// -----

func.func @dynamic_rank(%x: tensor<4xf32>) -> tensor<1x1xf32> {
  // expected-error@+1 {{makes scales of rank 2 for a tensor of rank 1}}
  %s = qopt.dynamic_scale %x {axis = 0 : i64, block_size = 4 : i64, top = 6.0 : f32} : (tensor<4xf32>) -> tensor<1x1xf32>
  return %s : tensor<1x1xf32>
}

// -----

func.func @dynamic_count(%x: tensor<5xf32>) -> tensor<1xf32> {
  // expected-error@+1 {{makes 1 scales in dim 0; blocks need 2}}
  %s = qopt.dynamic_scale %x {axis = 0 : i64, block_size = 4 : i64, top = 6.0 : f32} : (tensor<5xf32>) -> tensor<1xf32>
  return %s : tensor<1xf32>
}

// -----

func.func @lookup_code(%x: tensor<4xf32>, %t: tensor<16xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{reads 'f32'; it needs integers of 2 to 8 bits}}
  %y = qopt.lookup %x, %t : (tensor<4xf32>, tensor<16xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @lookup_table(%x: tensor<4xui4>, %t: tensor<256xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{has a table of type 'tensor<256xf32>'; it needs a vector of 16 elements}}
  %y = qopt.lookup %x, %t : (tensor<4xui4>, tensor<256xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @lookup_result(%x: tensor<4xui4>, %t: tensor<16xf32>) -> tensor<4xi8> {
  // expected-error@+1 {{gives 'i8' from a table of 'f32'}}
  %y = qopt.lookup %x, %t : (tensor<4xui4>, tensor<16xf32>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

func.func @float_zero(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %z: tensor<8xf32>) -> tensor<4x8xui4> {
  // expected-error@+1 {{'qopt.quantize' op has zero points of type 'f32'; beside integers they are integers, or f32 in qopt.dequantize}}
  %q = qopt.quantize %x, %s, %z {axis = 1 : i64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xui4>
  return %q : tensor<4x8xui4>
}

// -----

func.func @half_zero(%q: tensor<4x8xui4>, %s: tensor<8xf32>, %z: tensor<8xf16>) -> tensor<4x8xf32> {
  // expected-error@+1 {{has zero points of type 'f16'; beside integers they are integers, or f32 in qopt.dequantize}}
  %x = qopt.dequantize %q, %s, %z {axis = 1 : i64} : (tensor<4x8xui4>, tensor<8xf32>, tensor<8xf16>) -> tensor<4x8xf32>
  return %x : tensor<4x8xf32>
}
