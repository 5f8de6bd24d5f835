// Ops through which positive factors per channel can be moved.
#ifndef QOPT_INTERFACES_CHANNELFACTORS
#define QOPT_INTERFACES_CHANNELFACTORS

include "mlir/IR/OpBase.td"

def ChannelFactorsOpInterface : OpInterface<"ChannelFactorsOpInterface"> {
  let cppNamespace = "::qopt";
  let description = [{
    How an op's result can be multiplied, channel by channel and by positive numbers, by multiplying operands instead: a product through
    its weight and bias, a ReLU through its operand, a sum through both. Equalization and the folding of SmoothQuant's and AWQ's factors
    follow these routes up to constants.
  }];
  let methods = [
    InterfaceMethod<[{
      The ways to multiply the result as `onResult` says; each names the operands to multiply, all of them, and how. Constants that
      broadcast may grow. None: `why` has a clause.
    }], "::llvm::SmallVector<::qopt::FactorRoute>", "getFactorRoutes",
        (ins "const ::qopt::ChannelMap &":$onResult, "std::string &":$why)>
  ];
}

#endif
