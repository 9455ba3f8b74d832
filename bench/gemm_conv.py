"""The works of bench/gemm_conv.c in PyTorch, whose matrix products are MKL's on x86-64.

    python bench/gemm_conv.py torch|channels_last WORK THREADS"""
import re
import sys
import time

import torch
from turns import SECONDS, row, turns

rival, work, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
layout = torch.channels_last if rival == "channels_last" else torch.contiguous_format


def gemm(m, n, k):
    a, b, c = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
    return 2 * m * n * k, lambda: torch.mm(a, b, out=c)


def conv(batch, side, i, o, k, s, part):
    x = torch.randn(batch, i, side, side).contiguous(memory_format=layout)
    w = torch.randn(o, i, k, k).contiguous(memory_format=layout)
    forward = lambda: torch.nn.functional.conv2d(x, w, stride=s, padding=k // 2)
    dy = torch.randn_like(forward())
    mask = (part == "input", part == "weight", False)
    backward = lambda: torch.ops.aten.convolution_backward(dy, x, w, None, (s, s), (k // 2, k // 2), (1, 1), False, (0, 0), 1, mask)
    return 2 * dy.numel() * k * k * i, forward if part == "forward" else backward


sizes = [int(n) for n in re.findall(r"\d+", work)]
with torch.no_grad():
    flops, run = gemm(*sizes) if work.startswith("gemm") else conv(*sizes, work.rsplit("-", 1)[1])
    who = "PyTorch channels_last" if rival == "channels_last" else "PyTorch (MKL)" if work.startswith("gemm") else "PyTorch"
    for _ in turns():
        began, times = time.perf_counter(), 0
        while times == 0 or time.perf_counter() - began < SECONDS:
            run()
            times += 1
        row(work, threads, "GFLOP/s", who, flops * times / (time.perf_counter() - began) * 1e-9)
