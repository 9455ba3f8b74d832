"""PyTorch's values and gradients of the ops, for tests/both_golden.c: writes ops.txt.

    python tests/golden/make_ops.py

Every input is x_i = sin(0.9 i + 0.5 k) for input k in kin's memory order (NHWC, HWIO); a line holds the op's name,
sum of sin(0.7 i + 0.2) out_i, and for each input the sum of cos(0.3 i) grad_i of that sum, both in kin's order."""
import pathlib
import torch, torch.nn.functional as F

def made(shape, k): return torch.sin(0.9 * torch.arange(int(torch.tensor(shape).prod()), dtype=torch.float64) + 0.5 * k).reshape(shape)
def chw(x): return x.permute(0, 3, 1, 2)
def hwc(x): return x.permute(0, 2, 3, 1)
def oihw(w): return w.permute(3, 2, 0, 1)
def conv(x, w, b=None, **kw): return hwc(F.conv2d(chw(x), oihw(w), b, **kw))

cases = {
    "conv": ([(2, 7, 6, 3), (3, 3, 3, 5), (5,)], lambda x, w, b: conv(x, w, b, padding=1)),
    "conv-stride": ([(2, 7, 6, 3), (3, 3, 3, 5)], lambda x, w: conv(x, w, padding=1, stride=2)),
    "conv-dilated": ([(1, 9, 8, 2), (3, 3, 2, 3)], lambda x, w: conv(x, w, padding=2, dilation=2)),
    "conv-groups": ([(2, 5, 5, 6), (3, 3, 2, 9)], lambda x, w: conv(x, w, padding=1, groups=3)),
    "conv-depthwise": ([(2, 5, 6, 7), (3, 3, 1, 7)], lambda x, w: conv(x, w, padding=1, stride=2, groups=7)),
    "conv-same": ([(1, 6, 6, 3), (3, 3, 3, 4)], lambda x, w: hwc(F.conv2d(F.pad(chw(x), (0, 1, 0, 1)), oihw(w), stride=2))),
    "conv-1x1": ([(2, 5, 5, 4), (1, 1, 4, 3)], lambda x, w: conv(x, w, stride=2)),
    "max-pool": ([(2, 7, 6, 3)], lambda x: hwc(F.max_pool2d(chw(x), 3, 2, 1))),
    "avg-pool": ([(2, 7, 6, 3)], lambda x: hwc(F.avg_pool2d(chw(x), 3, 2, 1))),
    "avg-pool-inside": ([(2, 7, 6, 3)], lambda x: hwc(F.avg_pool2d(chw(x), 3, 2, 1, count_include_pad=False))),
    "global-avg": ([(2, 4, 5, 3)], lambda x: chw(x).mean((2, 3))),
    "adaptive-avg": ([(2, 7, 6, 3)], lambda x: hwc(F.adaptive_avg_pool2d(chw(x), (3, 4)))),
    "adaptive-avg-larger": ([(1, 2, 3, 2)], lambda x: hwc(F.adaptive_avg_pool2d(chw(x), (5, 3)))),
    "upsample": ([(2, 3, 4, 5)], lambda x: hwc(F.interpolate(chw(x), scale_factor=3, mode="nearest"))),
    "norm-train": ([(3, 4, 2, 5), (5,), (5,)], lambda x, g, b: hwc(F.batch_norm(chw(x), None, None, g, b, True))),
    "norm-relu-add": ([(3, 4, 2, 5), (5,), (5,), (3, 4, 2, 5)], lambda x, g, b, a: F.relu(hwc(F.batch_norm(chw(x), None, None, g, b, True)) + a)),
    "linear": ([(4, 7), (5, 7), (5,)], F.linear),
    "matmul": ([(3, 4, 7), (3, 7, 5)], torch.matmul),
    "flatten": ([(2, 3, 4, 5)], lambda x: chw(x).flatten(1)),
    "softmax": ([(4, 9)], lambda x: F.softmax(x, 1)),
    "log-softmax": ([(4, 9)], lambda x: F.log_softmax(x, 1)),
    "log-sum-exp": ([(4, 9)], lambda x: torch.logsumexp(x, 1, keepdim=True)),
    "cross-entropy": ([(6, 5)], lambda x: F.cross_entropy(x, torch.arange(6) % 5, label_smoothing=0.1).reshape(1)),
    "l2": ([(4, 9)], lambda x: F.normalize(x)),
    "distance": ([(5, 7), (4, 7)], lambda a, b: (((a[:, None] - b[None]) ** 2).sum(2)).clamp_min(1e-12).sqrt()),
    "relu6": ([(50,)], lambda x: F.relu6(x * 9)), "leaky": ([(50,)], lambda x: F.leaky_relu(x)), "sigmoid": ([(50,)], torch.sigmoid), "tanh": ([(50,)], torch.tanh),
    "softplus": ([(50,)], F.softplus), "silu": ([(50,)], F.silu), "gelu": ([(50,)], F.gelu),
    "broadcast": ([(2, 3, 4, 5), (2, 1, 1, 5)], lambda a, b: a * b),
    "mean": ([(2, 3, 4, 5)], lambda x: x.mean((1, 2), keepdim=True)),
}

lines = []
for name, (shapes, f) in cases.items():
    inputs = [made(s, k).requires_grad_() for k, s in enumerate(shapes)]
    out = f(*inputs).contiguous().flatten()
    total = (torch.sin(0.7 * torch.arange(len(out), dtype=torch.float64) + 0.2) * out).sum()
    total.backward()
    grads = [(torch.cos(0.3 * torch.arange(x.numel(), dtype=torch.float64)) * x.grad.flatten()).sum().item() for x in inputs]
    lines.append(" ".join([name, f"{len(grads)}", f"{total.item():.12g}"] + [f"{g:.12g}" for g in grads]))
(pathlib.Path(__file__).parent / "ops.txt").write_text("\n".join(lines) + "\n")
