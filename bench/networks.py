"""A network of bench/networks.c in PyTorch (eager, channels last) or in ONNX Runtime, in the same form of line.

    python bench/networks.py torch|onnx MODEL [THREADS [ROUNDS [BATCH]]]

ONNX Runtime needs the network as a file, which is written to $KIN_ONNX (a folder, default /tmp) the first time; that takes the package onnx."""
import os, pathlib, resource, sys, time

rival, model = sys.argv[1], sys.argv[2]
threads, rounds, batch = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((3, 1), (4, 5), (5, 16)))
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
    import torch
    torch.onnx.export(network(), (torch.zeros(batch, 3, 224, 224),), str(file), dynamo=False)


if rival == "onnx" and not file.exists():
    if os.fork() == 0: # a process of its own, so that the memory measured is ONNX Runtime's
        export()
        os._exit(0)
    os.wait()
import numpy
pixels = (numpy.arange(batch * 3 * 224 * 224) * 7919 % 9973 / 9973 - 0.5).astype(numpy.float32).reshape(batch, 3, 224, 224)
if rival == "onnx":
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    run = lambda: session.run(None, {name: pixels})
else:
    import torch
    torch.set_num_threads(threads)
    net, x = network().to(memory_format=torch.channels_last), torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
    def run():
        with torch.inference_mode(): net(x)
least_user = least = 1e30
for i in range(-1, rounds):
    user, wall = resource.getrusage(resource.RUSAGE_SELF).ru_utime, time.perf_counter()
    run()
    user, wall = resource.getrusage(resource.RUSAGE_SELF).ru_utime - user, time.perf_counter() - wall
    if i >= 0: least_user, least = min(least_user, user), min(least, wall)
print(f"{model} {rival} {threads} {least_user * 1e3:.1f} {least * 1e3:.1f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.1f}")
