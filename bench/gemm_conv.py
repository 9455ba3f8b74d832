"""The shapes of gemm_conv.c in PyTorch, in the same form of line.

    python bench/gemm_conv.py [REPEATS [cpu]]
"""
import sys
import time

import torch

repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 10
clock = time.perf_counter
if len(sys.argv) > 2:
    clock = time.process_time
    torch.set_num_threads(1)


def report(what, shape, operations, run):
    best = 1e30
    for _ in range(repeats + 1):
        start = clock()
        run()
        best = min(best, clock() - start)
    print(f"{what:<8} {shape:<24} {best * 1e3:9.3f} ms {operations / best * 1e-9:8.1f} GFLOP/s", flush=True)


def gemm(m, n, k):
    a, b, c = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
    report("gemm", f"{m}x{n}x{k}", 2 * m * n * k, lambda: torch.mm(a, b, out=c))


def conv(n, side, i, o, k, s, p, g, layout):
    x = torch.randn(n, i, side, side).contiguous(memory_format=layout)
    w = torch.randn(o, i // g, k, k).contiguous(memory_format=layout)
    run = lambda: torch.nn.functional.conv2d(x, w, stride=s, padding=p, groups=g)
    dy = torch.randn_like(run())
    operations = 2 * dy.numel() * k * k * i // g
    shape = f"{n}x{side}x{side}x{i}-{o}k{k}s{s}g{g}"
    report("forward", shape, operations, run)
    for what, mask in (("input", (True, False, False)), ("weight", (False, True, False))):
        report(what, shape, operations, lambda: torch.ops.aten.convolution_backward(dy, x, w, None, (s, s), (p, p), (1, 1), False, (0, 0), g, mask))


shapes = [(128, 28, 1, 64, 3, 1, 1, 1), (128, 28, 64, 64, 3, 1, 1, 1), (128, 14, 64, 64, 3, 1, 1, 1), (128, 7, 64, 64, 3, 1, 1, 1),
          (128, 3, 64, 64, 3, 1, 1, 1), (16, 56, 64, 64, 1, 1, 0, 1), (16, 28, 128, 256, 3, 2, 1, 1), (16, 7, 512, 512, 3, 1, 1, 1),
          (8, 112, 3, 64, 7, 2, 3, 1), (16, 28, 128, 128, 3, 1, 1, 128), (16, 28, 128, 128, 3, 1, 1, 32)]
with torch.no_grad():
    print(f"# PyTorch {torch.__version__}, {torch.get_num_threads()} threads, best of {repeats}")
    for shape in ((2048, 2048, 2048), (128, 128, 576), (64, 64, 64), (1, 1000, 2048)):
        gemm(*shape)
    for name, layout in (("NCHW", torch.contiguous_format), ("channels last", torch.channels_last)):
        print(f"# {name}")
        for shape in shapes:
            conv(*shape, layout)
