"""Numbers for an untrained network under which its output depends on its input, so that comparing outputs means something:

    python tests/support/onnx_numbers.py MODEL.safetensors

Written in place. With first values the statistics of the batch norms (mean 0, variance 1) are not those of what arrives, and the signal of a deep
network without shortcuts is gone before the end: what comes out is a bias. Here convolutions keep the variance of their input [He et al. 2015], statistics,
weights and biases of the norms are random about their first values, and self channel attention takes part."""
import json, struct, sys
import numpy

random = numpy.random.default_rng(7)
with open(sys.argv[1], "r+b") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    entries = {name: e for name, e in json.loads(file.read(size)).items() if name != "__metadata__"}
    for name, e in sorted(entries.items()):
        shape, (scope, _, last) = e["shape"], name.rpartition(".")
        norm = scope + ".running_mean" in entries
        if len(shape) == 4: numbers = random.standard_normal(shape) * (1.5 / numpy.prod(shape[1:])) ** 0.5
        elif last == "gamma": numbers = numpy.full(shape, 0.1)
        elif norm and last in ("weight", "running_var"): numbers = random.uniform(0.7, 1.3, shape)
        elif norm and last in ("bias", "running_mean"): numbers = random.standard_normal(shape) * 0.1
        else: continue
        assert e["dtype"] == "F32", name
        file.seek(8 + size + e["data_offsets"][0])
        file.write(numbers.astype("<f4").tobytes())
