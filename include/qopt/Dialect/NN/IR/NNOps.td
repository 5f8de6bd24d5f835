// Umbrella of the nn dialect's ops, by theme.
#ifndef QOPT_DIALECT_NN_IR_NNOPS
#define QOPT_DIALECT_NN_IR_NNOPS

include "qopt/Dialect/NN/IR/NNElementwiseOps.td"
include "qopt/Dialect/NN/IR/NNLinearOps.td"
include "qopt/Dialect/NN/IR/NNReduceOps.td"
include "qopt/Dialect/NN/IR/NNShapeOps.td"

#endif
