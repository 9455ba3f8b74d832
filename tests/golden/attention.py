"""PyTorch's attention modules, pools and heads, for tests/both_attention.c: writes attention.txt.

    python tests/golden/attention.py

The input is x_i = sin(0.9 i) in kin's order (NHWC), parameter i of the file's order is b + 0.3 sin(0.9 i + the length of its name), b its
base (weights of norms 1, p 3, others 0). Lines: `case NAME value dx`, then `param NAME gradient` for each parameter and `buffer NAME sum`
for each buffer after the step; value is the sum of sin(0.7 i + 0.2) out_i in training mode, gradients are summed with cos(0.3 i);
`eval` is the value in evaluation mode afterwards."""
import math, pathlib
import torch, torch.nn as nn, torch.nn.functional as F
from torchvision.ops import SqueezeExcitation

torch.set_default_dtype(torch.float64)
def nhwc(x): return x.permute(0, 2, 3, 1)

class HardSigmoid(nn.Module): # nn.Hardsigmoid's gradient takes a sixth in single precision
    def forward(self, x): return F.relu6(x + 3) / 6

class ECA(nn.Module):
    def __init__(self, c):
        super().__init__()
        t = int(abs((math.log(c, 2) + 1) / 2))
        k = t if t % 2 else t + 1
        self.conv = nn.Conv1d(1, 1, k, padding=k // 2, bias=False)
    def forward(self, x):
        a = self.conv(x.mean((2, 3))[:, None])[:, 0]
        return x * a.sigmoid()[:, :, None, None]

class ChannelGate(nn.Module):
    def __init__(self, c, r):
        super().__init__()
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(c, c // r), nn.ReLU(), nn.Linear(c // r, c))
    def forward(self, x):
        return x * (self.mlp(F.adaptive_avg_pool2d(x, 1)) + self.mlp(F.adaptive_max_pool2d(x, 1))).sigmoid()[:, :, None, None]

class SpatialGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.spatial = nn.Module()
        self.spatial.conv, self.spatial.bn = nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1, momentum=0.01)
    def forward(self, x):
        a = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * self.spatial.bn(self.spatial.conv(a)).sigmoid()

class CBAM(nn.Module):
    def __init__(self, c, r):
        super().__init__()
        self.ChannelGate, self.SpatialGate = ChannelGate(c, r), SpatialGate()
    def forward(self, x): return self.SpatialGate(self.ChannelGate(x))

class SCA(nn.Module):
    def __init__(self, c, reduce=0, scale=1):
        super().__init__()
        self.gamma, self.scale = nn.Parameter(torch.zeros(1)), scale
        self.reduce = nn.Conv2d(c, reduce, 1, bias=False) if reduce else None
        self.expand = nn.Conv2d(reduce, c, 1, bias=False) if reduce else None
    def forward(self, x):
        z = self.reduce(x) if self.reduce else x
        flat = z.flatten(2)
        energy = flat @ flat.transpose(1, 2) * self.scale
        a = (energy.amax(-1, keepdim=True) - energy).softmax(-1)
        y = (a @ flat).view_as(z)
        return self.gamma * (self.expand(y) if self.expand else y) + x

class GeM(nn.Module):
    def __init__(self):
        super().__init__()
        self.p = nn.Parameter(torch.ones(1) * 3)
    def forward(self, x): return F.avg_pool2d(x.clamp(min=1e-6).pow(self.p), x.shape[2:]).pow(1 / self.p).flatten(1)

class Pools(GeM):
    def forward(self, x): return torch.cat([x.mean((2, 3)), x.amax((2, 3)), super().forward(x)], 1)

class Head(nn.Module):
    def __init__(self, c, d):
        super().__init__()
        self.pool, self.embedding, self.bnneck = GeM(), nn.Linear(c, d), nn.BatchNorm1d(d)
        self.bnneck.bias.requires_grad_(False)
    def forward(self, x):
        before = self.embedding(self.pool(x))
        return torch.cat([F.normalize(self.bnneck(before)), before, 2 * F.normalize(before)], 1)

cases = {
    "se": (SqueezeExcitation(32, 2), 32),
    "se-mobile": (SqueezeExcitation(12, 5, nn.SiLU, HardSigmoid), 12),
    "eca": (ECA(128), 128),
    "cbam": (CBAM(32, 16), 32),
    "sca": (SCA(7), 7),
    "sca-reduce": (SCA(9, 4, 0.25), 9),
    "pools": (Pools(), 6),
    "head": (Head(6, 5), 6),
}

def base(module, name):
    norm = any(n and name == n + ".weight" and isinstance(m, nn.modules.batchnorm._BatchNorm) for n, m in module.named_modules())
    return 1 if norm else 3 if name.split(".")[-1] == "p" else 0

lines = []
for case, (module, c) in cases.items():
    for name, p in module.named_parameters():
        if p.requires_grad: p.data = base(module, name) + (0.3 * torch.sin(0.9 * torch.arange(p.numel()) + len(name))).reshape(p.shape)
    x = torch.sin(0.9 * torch.arange(3 * 4 * 5 * c)).reshape(3, 4, 5, c).requires_grad_()
    def value():
        out = module(x.permute(0, 3, 1, 2))
        out = (nhwc(out) if out.ndim == 4 else out).flatten()
        return (torch.sin(0.7 * torch.arange(len(out)) + 0.2) * out).sum()
    def summed(t): return f"{(torch.cos(0.3 * torch.arange(t.numel())) * t.flatten()).sum().item():.12g}"
    v = value()
    v.backward()
    lines.append(f"case {case} {v.item():.12g} {summed(x.grad)}")
    lines += [f"param {n} {summed(p.grad)}" for n, p in module.named_parameters() if p.requires_grad]
    lines += [f"buffer {n} {summed(b)}" for n, b in module.named_buffers() if not n.endswith("tracked")]
    module.eval()
    lines.append(f"eval {case} {value().item():.12g}")
(pathlib.Path(__file__).parent / "attention.txt").write_text("\n".join(lines) + "\n")
