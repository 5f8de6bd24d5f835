// Passes that read what calibration has gathered.
#ifndef QOPT_CALIBRATION_PASSES
#define QOPT_CALIBRATION_PASSES

include "mlir/Pass/PassBase.td"

def AnnotateStatisticsPass : Pass<"qopt-annotate-statistics", "::mlir::ModuleOp"> {
  let summary = "Enter the statistics of a file where passes read them";
  let description = [{
    Reads a file of `qopt calibrate`, chooses each tensor's range by the method, and sets the module attributes `qopt.ranges` and
    `qopt.channels`, and `qopt.inputs` where the file holds Gram matrices. Whose statistics they are is not checked: the driver does that.

    ```mlir
    module {}
    // becomes, with stats=model.stats
    module attributes {qopt.ranges = {x = array<f64: -1.0, 1.0>}, qopt.channels = {}} {}
    ```
  }];
  let options = [
    Option<"stats", "stats", "std::string", "\"\"", "The statistics file">,
    Option<"method", "method", "std::string", "\"minmax\"", "minmax, moving-average, percentile, mse or entropy">,
    Option<"percent", "percent", "double", "99.999", "For the method percentile: the share of values that the range covers">,
    Option<"averagingConstant", "averaging-constant", "double", "0.01", "For the method moving-average: the weight of the newest sample">
  ];
}

#endif
