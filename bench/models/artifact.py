"""A compiled model through its C functions (what the generated header declares), on numpy arrays."""
import ctypes

import numpy as np

DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16,
          11: np.float64, 12: np.uint32, 13: np.uint64}
CODES = {np.dtype(t): code for code, t in DTYPES.items()}


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32), ("shape", ctypes.c_int64 * 16)]

    @classmethod
    def of(cls, array):
        return cls(array.ctypes.data, CODES[array.dtype], array.ndim, (ctypes.c_int64 * 16)(*array.shape))

    def array(self):
        shape = tuple(self.shape[:self.rank])
        size = int(np.prod(shape)) * np.dtype(DTYPES[self.dtype]).itemsize
        return np.frombuffer(ctypes.string_at(self.data, size), DTYPES[self.dtype]).reshape(shape)


class Artifact:
    def __init__(self, library, name, threads):
        self.library, self.name = ctypes.CDLL(str(library)), name
        load, error = self.function("load", ctypes.c_void_p), ctypes.create_string_buffer(1000)
        self.handle = load(threads, error, ctypes.c_size_t(1000))
        if not self.handle:
            raise RuntimeError(error.value.decode())
        self.shape, dtype, dims = self.function("shape"), ctypes.c_int32(), (ctypes.c_int64 * 16)()
        self.num_outputs = 0
        while self.shape(1, self.num_outputs, ctypes.byref(dtype), dims) >= 0:
            self.num_outputs += 1

    def function(self, name, result=ctypes.c_int32):
        function = getattr(self.library, f"{self.name}_{name}")
        function.restype = result
        return function

    def bind(self, arrays, keep=False):
        """A function that runs the model on these inputs and, if asked to keep them, returns its outputs."""
        run, release = self.function("run"), self.function("release", None)
        inputs = (Tensor * len(arrays))(*map(Tensor.of, arrays))
        outputs = (Tensor * self.num_outputs)()
        handle = ctypes.c_void_p(self.handle)

        def call(arrays=arrays):
            if run(handle, inputs, outputs):
                raise RuntimeError(self.function("error", ctypes.c_char_p)(handle).decode())
            results = [t.array() for t in outputs] if keep else None
            for tensor in outputs:
                release(ctypes.c_void_p(tensor.data))
            return results
        return call
