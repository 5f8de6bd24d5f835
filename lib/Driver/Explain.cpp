// `qopt explain`: reason codes of reports and remarks, in full.
#include "Commands.h"
#include "qopt/Analysis/Placement.h"
#include "qopt/TargetInfo/Forms.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace llvm;

namespace qopt {
namespace {

// The codes of passes; those of the placement table and of targets come from there.
constexpr ReasonCode passCodes[] = {
    {"AWQ-DONE", "AWQ searched the scales of the op's input channels; the record says which ratio was best and what it gains."},
    {"AWQ-NO-STATS", "Calibration has no Gram matrix of the linear's input, so AWQ left its channels alone. The op is quantized all the "
                     "same."},
    {"BIAS-FORM", "The mean error of weight rounding could not be taken out of the bias: the weight does not run over outputs first, "
                  "the bias is computed, or calibration has no channel statistics of the input. The op is quantized all the same."},
    {"BIAS-RANGE", "The bias stays in float32: as an int32 in the units of the accumulator (input scale * weight scale) it could overflow "
                   "together with the sum. The product itself is quantized all the same, but a runtime that needs an int32 bias to fuse it "
                   "computes it in float."},
    {"CALIB-WIDE", "Stages that choose codes by the op's input need its Gram matrix, which takes 16 bytes for each pair of columns, and as much again twice "
                   "while codes are chosen. The input is wider than the recipe's `calibration: {max_columns: N}`, so the weight is rounded to nearest."},
    {"DATA-NONE", "The recipe can do without calibration data and had none: stages that need it are left out, and those that choose codes "
                  "round to nearest. Give --calibration-data for better accuracy."},
    {"DISTILL-DONE", "The scales of quantized weights (and biases, where the recipe asks for it) were trained, codes fixed, until the quantized model "
                     "computed more nearly what the float model computes. The record says what the loss on samples that training did not see was before "
                     "and after."},
    {"DISTILL-KEPT", "Training did not make the quantized model better on the samples that it did not see, so all scales and biases are as the "
                     "stages before left them. More samples, or a lower learning_rate, may help."},
    {"DISTILL-NONE", "Distillation trains float32 scales under integer codes, and no weight of the ops it is for has any."},
    {"DISTILL-OUTPUT", "The output has no part in the loss that distillation brings down: it is no float32 tensor of one dim or more, or its type "
                       "in the quantized program is not what it is in the float program."},
    {"DISTILL-SKIPPED", "The weight's scales are codes themselves, or stand under codes of a float or table format: they are not trained."},
    {"EQUAL-DONE", "Cross-layer equalization made the op's input channels alike in range with the outputs of the ops that the record names. The "
                   "function is the same."},
    {"EQUAL-REFUSED", "The op's input channels were left as they are by cross-layer equalization: what stands before them does not pass factors "
                      "per channel on exactly (a clip with a bound, a sigmoid, a second reader, an input of the model). The op is quantized "
                      "all the same."},
    {"EXPORT-SUMS", "The convolution's result is not quantized by itself, so runtimes that load the exported model sum it in float. Float32 "
                    "holds all integers up to 2^24; the weights alone do not prove that no sum exceeds it. One that does may be rounded, "
                    "which our integer code does not do."},
    {"FOLD-DONE", "The factors that SmoothQuant or AWQ puts on the op's input went into the constants of what makes the input (a norm's scale, the "
                  "weight of the product before), so that they cost nothing at run time."},
    {"FOLD-MULTIPLY", "The factors that SmoothQuant or AWQ puts on the op's input are an explicit multiplication, because they could not be "
                      "folded exactly; the record says what is in the way."},
    {"GPTQ-DAMPENED", "The Hessian was not positive definite with the dampening that was asked for; ten times as much was tried, up to "
                      "five times. More samples help."},
    {"GPTQ-DEAD", "Some input channels were zero in every sample. Their weights say nothing on the output there and are rounded to "
                  "nearest; if they matter elsewhere, the samples are too few."},
    {"GPTQ-DONE", "GPTQ chose the weight's codes; the record says how large the error is on the calibration inputs, and the dampening."},
    {"GPTQ-FAILED", "No dampening made the Hessian positive definite, or the error feedback left the range of float: the weight was "
                    "rounded to nearest. More samples, or a greater dampening, help."},
    {"GPTQ-INPUTS", "The weight could not be bent to make up for errors of its inputs, as their Hessian is not positive definite: the op is "
                    "quantized as if its inputs were exact. More samples, or a greater dampening, help."},
    {"GPTQ-NO-STATS", "Calibration has no Gram matrix of the op's input (transposed convolutions, and windows whose padding depends on the "
                      "input's size, have none), so its weight was rounded to nearest."},
    {"GPTQ-RANK", "There were fewer rows of calibration than input channels, so the Hessian has not full rank and the dampening decides "
                  "what is left. Use more samples."},
    {"KERNEL-SHAPE", "No kernel takes the product or convolution as it is: its weights are computed, its shape or layout is one that kernels do "
                     "not have, or its elements are not float32 or 8-bit integers. It runs in generic loops, which is right but slow."},
    {"KERNEL-TARGET", "The target has no kernel for products of these formats, so the op runs in generic loops, which is right but slow. "
                      "`qopt targets` lists what each target has."},
    {"LEGAL-FORM", "The op's operands are quantized, but no integer kernel takes them: a scale changes along the sum, the int32 "
                   "accumulator could overflow for these weights, or an operand is transposed. It computes in float on "
                   "dequantized values. A scale per tensor or output channel, or a smaller reduction, makes it legal."},
    {"MIX-CHOSEN", "A mixed_precision stage chose the op's scheme; the record says which, and what rounding this op alone so, to nearest, was predicted to do "
                   "to the model's outputs under each of those offered: the outputs' signal over that noise in dB, or the divergence of their distributions in nats "
                   "(with MIX-LOCAL: the signal of the op's own result over the noise there)."},
    {"MIX-LOCAL", "The errors of each format could not be followed to the model's outputs: an op on the way has no gradient, or there are statistics and no samples. Mixed "
                  "precision goes by each op's noise over the signal at its own result instead, and adds these up; the record says why."},
    {"MIX-MISSED", "The recipe's bound on the outputs holds for what was predicted, to first order and for rounding to nearest, but not for what was measured on the "
                   "samples of --noise-samples. The record says what to ask for instead."},
    {"MIX-WHITE", "The noise of the op's formats was predicted as if its input channels were independent and alike: calibration has no Gram "
                  "matrix of its input (grouped convolutions have none)."},
    {"QUANT-COMPUTED", "Both factors of the product are computed (attention), so there is no weight. They are quantized as "
                       "activations only where that was asked for and ranges are known."},
    {"QUANT-IGNORED", "The request (ignore, or an override with scheme float) names the op to stay in float."},
    {"QUANT-LINEAR", "The op has a constant weight and was quantized as the scheme says."},
    {"QUANT-NO-RANGE", "Static activations need a range, but no calibration sample reached this tensor. Add samples that do, or "
                       "use a dynamic scheme."},
    {"QUANT-RANK", "The weight is a vector: there are no output channels to give scales to, and nothing to gain."},
    {"QUANT-TOKEN", "A scale per token is one for each row of input channels, which lie in the last dim of matrix products but not of "
                    "convolutions in ONNX's layout. Use a static scheme for convolutions."},
    {"QUANT-TYPE", "The op does not compute in float32, so the float rules for quantizing do not apply to it."},
    {"QUANT-WEIGHT", "The weight's values cannot be quantized (NaN or infinity among them); the report says which."},
    {"RECIPE-FOREIGN", "The recipe is one of llm-compressor and holds a key that says when or where that tool works, which means nothing here. "
                       "Nothing is missing from the result."},
    {"RECON-DONE", "The roundings of the block of weights that ends at this op, and their scales, were trained until the quantized block computed more nearly "
                   "what the float model has there. The record says how many codes moved, and what the block's error was before and after on samples "
                   "that training did not see: squared, relative to each row's mean square."},
    {"RECON-KEPT", "Training did not bring the error of this op's block down on the samples that it did not see, so its codes and scales are as the stages "
                   "before left them. More samples or steps may help."},
    {"RECON-NONE", "Reconstruction trains integer codes under constant float32 scales, and no weight of the ops it is for has any."},
    {"RECON-SKIPPED", "The weight's codes are of a float or table format, its scales are codes themselves, or other ops read it too: it is not trained."},
    {"ROTATE-DONE", "The residual stream that the norm reads was turned by an orthogonal matrix, merged into all weights that read and write it. The "
                    "function is the same; outliers are spread over the channels."},
    {"ROTATE-NONE", "The model has no residual stream that RMS norms read, so there is nothing that a rotation could be merged into."},
    {"ROTATE-REFUSED", "The residual stream that the norm reads stays as it is: something reads or writes it that no rotation can be merged "
                       "into, or the recipe's targets leave out a product that does. The record says which."},
    {"ROUND-DONE", "Coordinate descent moved codes from the nearest ones; the record says how many, and what it gains."},
    {"ROUND-FORM", "The weight cannot have the scales that the scheme asks for (groups need a matrix), or it is no float32 constant."},
    {"ROUND-NO-STATS", "Calibration has no Gram matrix of the op's input, so its weight was rounded to nearest."},
    {"SMOOTH-DONE", "Outliers of the op's input channels were moved into its weight; the record names the strength and the channels that stand "
                    "out."},
    {"SMOOTH-NO-STATS", "The linear's input channels were not seen in calibration, so its outliers could not be moved into the weight. "
                        "The op is quantized all the same."},
    {"WORK-RESUMED", "The run went on with what an earlier one, which did not come to its end, had left in the folder of --work-dir. The output "
                     "is the same as that of a run from the beginning."},
};

/// Every code and its explanation, in order.
std::map<std::string, std::string> allCodes() {
  std::map<std::string, std::string> codes;
  std::map<std::string, std::vector<StringRef>> opsOf;
  for (const PlacementRow &row : placementTable()) {
    codes[row.code.str()] = row.reason.str();
    opsOf[row.code.str()].push_back(row.op);
  }
  for (auto &[code, ops] : opsOf)
    codes[code] = "Placement of quantize/dequantize: " + codes[code] + ". Ops: " + join(ops, ", ") + ".";
  codes["PLACE-NONE"] = "Placement of quantize/dequantize: the op has no integer form, so its operands stay in float.";
  for (const FormRow &row : formRows())
    codes[row.code.str()] = "Form of a product (" + formKindName(row.kind).str() + "): " + row.summary.str() +
                            (row.feature.empty() ? "." : ". Needs " + row.feature.str() + ".");
  for (const ReasonCode &row : refusalCodes())
    codes[row.code.str()] = row.explanation.str();
  for (const ReasonCode &row : passCodes)
    codes[row.code.str()] = row.explanation.str();
  return codes;
}

Expected<int> run(const Arguments &arguments, Session &session) {
  std::map<std::string, std::string> codes = allCodes();
  if (arguments.positional().empty()) {
    for (const auto &[code, text] : codes)
      session.out << left_justify(code, 28) << StringRef(text).split('.').first << ".\n";
    return Done;
  }
  for (const std::string &word : arguments.positional()) {
    auto found = codes.find(StringRef(word).upper());
    if (found == codes.end())
      return makeError("there is no reason code '" + word + "'; `qopt explain` lists them");
    session.out << found->first << ": " << found->second << '\n';
  }
  return Done;
}

} // namespace

const Command &explainCommand() {
  static const Command command = {"explain",
                                  "[CODE …]",
                                  "Explain reason codes of reports; without one, list them",
                                  {},
                                  "  qopt explain QUANT-NO-RANGE\n",
                                  run};
  return command;
}

} // namespace qopt
