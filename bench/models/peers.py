"""What others' int8 takes for the same model: ONNX Runtime's own quantizer, and OpenVINO with NNCF where they are installed.

Each gives a function that runs once on inputs in memory. Quantized models stay in the folder that is kept.
"""
import numpy as np
import onnxruntime as ort

CALIBRATION_SAMPLES = 64


class Missing(Exception):
    """Why a peer is not measured."""


def samples(path, names, count=CALIBRATION_SAMPLES):
    with np.load(path) as data:
        arrays = {n: data[n][:count] for n in names}
    return [{n: np.ascontiguousarray(a[i:i + 1]) for n, a in arrays.items()} for i in range(len(next(iter(arrays.values()))))]


def ort_session(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def ort_int8(model, calibration, keep, threads, inputs):
    """Static u8s8, per channel, MinMax; of transformers the products only, as ONNX Runtime's own tool for them does."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
    out = keep / f"{model.stem}_ort_int8.onnx"
    if not out.exists():
        prepared, names = keep / f"{model.stem}_prepared.onnx", [i.name for i in ort_session(model, 1).get_inputs()]
        quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
        only = ["MatMul", "Gemm"] if "input_ids" in names else None
        quantize_static(str(prepared), str(out), Reader(samples(calibration, names)), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
                        op_types_to_quantize=only)
    session = ort_session(out, threads)
    return lambda: session.run(None, inputs)


class Reader:
    def __init__(self, data):
        self.left = iter(data)

    def get_next(self):
        return next(self.left, None)


def openvino_int8(model, calibration, keep, threads, inputs):
    """NNCF's mixed preset; transformers as its model type has it."""
    try:
        import nncf
        import openvino as ov
    except ImportError as error:
        raise Missing(f"{error.name} is not installed") from None
    path, core = keep / f"{model.stem}_nncf.xml", ov.Core()
    if not path.exists():
        names = list(inputs)
        kind = {"model_type": nncf.ModelType.TRANSFORMER} if "input_ids" in names else {}
        data = samples(calibration, names)
        quantized = nncf.quantize(core.read_model(str(model)), nncf.Dataset(data), preset=nncf.QuantizationPreset.MIXED,
                                  subset_size=len(data), **kind)
        ov.save_model(quantized, str(path))
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    read = core.read_model(str(path))
    read.reshape({name: array.shape for name, array in inputs.items()})
    request = core.compile_model(read, "CPU", settings).create_infer_request()
    tensors = {name: ov.Tensor(array) for name, array in inputs.items()}
    return lambda: request.infer(tensors, share_inputs=True)


PEERS = {"ort_int8": ort_int8, "openvino_int8": openvino_int8}
