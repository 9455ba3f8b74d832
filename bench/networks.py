"""A network of bench/networks.c in what people would use instead.

    python bench/networks.py torch|channels_last|compile|onnx|openvino MODEL[-BATCH] THREADS

ONNX Runtime and OpenVINO need the network as a file, which is written to $KIN_ONNX (a folder, default /tmp) the first time; that takes PyTorch and
the package onnx. The EfficientNet-Lites come from the package efficientnet-lite-pytorch, the others from torchvision; all have first values."""
import os
import pathlib
import sys
import time

from turns import SECONDS, memory, row, turns

rival, work, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
model, _, batch = work.partition("-")
batch = int(batch or 16)
os.environ["OMP_NUM_THREADS"] = str(threads)
file = pathlib.Path(os.environ.get("KIN_ONNX", "/tmp")) / f"{model}-{batch}.onnx"


def network():
    import torch
    torch.manual_seed(1)
    if model.startswith("efficientnet_lite"):
        from efficientnet_lite_pytorch import EfficientNet
        return EfficientNet.from_name(model.replace("_", "-")).eval()
    import torchvision
    return getattr(torchvision.models, model)(weights=None).eval()


def export():
    """In a process of its own, so that the memory measured is the rival's alone."""
    if file.exists():
        return
    if os.fork() == 0:
        import torch
        beside = file.with_suffix(f".{os.getpid()}")
        torch.onnx.export(network(), (torch.zeros(batch, 3, 224, 224),), str(beside), dynamo=False)
        beside.replace(file)
        os._exit(0)
    os.wait()


def onnx_runtime():
    export()
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # between turns its threads leave the cores to the others
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return "ONNX Runtime", lambda x: session.run(None, {name: x})


def openvino():
    export()
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(str(file)), "CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    return "OpenVINO", lambda x: request.infer({0: x}, share_inputs=True)


def pytorch():
    import torch
    torch.set_num_threads(threads)
    layout = torch.contiguous_format if rival == "torch" else torch.channels_last
    net = network().to(memory_format=layout)
    if rival == "compile":
        net = torch.compile(net)

    def run(x):
        with torch.inference_mode():
            net(torch.from_numpy(x).contiguous(memory_format=layout))
    return {"torch": "PyTorch", "channels_last": "PyTorch channels_last", "compile": "torch.compile"}[rival], run


def main():
    who, run = {"onnx": onnx_runtime, "openvino": openvino}.get(rival, pytorch)()
    import numpy
    pixels = (numpy.arange(batch * 3 * 224 * 224) * 7919 % 9973 / 9973 - 0.5).astype(numpy.float32).reshape(batch, 3, 224, 224)
    for _ in turns():
        began, times = time.perf_counter(), 0
        while times == 0 or time.perf_counter() - began < SECONDS:
            run(pixels)
            times += 1
        row(work, threads, "img/s", who, batch * times / (time.perf_counter() - began))
    memory(work, threads, who)


main()
