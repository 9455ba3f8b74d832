"""Ten steps of training in PyTorch, for tests/test_golden.c: writes trajectory.safetensors (first weights) and trajectory.txt (losses
and one gradient's norm at each step).

    python tests/golden/make_trajectory.py"""
import math, pathlib
import torch, torch.nn as nn, torch.nn.functional as F
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
torch.set_num_threads(1)
torch.manual_seed(0)

class Block(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o)
    def forward(self, x): return F.relu(self.bn(self.conv(x)))

class Conv4(nn.Module):
    def __init__(self, width=8, embedding=16):
        super().__init__()
        self.features = nn.ModuleList([Block(1 if i == 0 else width, width) for i in range(4)])
        self.embedding = nn.Linear(width * 9, embedding)
    def forward(self, x):
        for i, block in enumerate(self.features):
            x = block(x)
            if i < 3: x = F.max_pool2d(x, 2)
        return self.embedding(x.flatten(1))

# Pictures by a formula that both sides can evaluate: [24, 1, 28, 28], six classes of four.
n = 24 * 28 * 28
x = torch.tensor([math.sin(0.37 * i + 0.011 * (i // 784 // 4) * (i % 784)) for i in range(n)], dtype=torch.float64).float().reshape(24, 1, 28, 28)
labels = torch.arange(6).repeat_interleave(4)
same, itself = labels[:, None] == labels[None], torch.eye(24, dtype=torch.bool)

def batch_hard(e):
    d = ((e[:, None] - e[None]) ** 2).sum(2).clamp_min(1e-12).sqrt()
    return F.softplus(d.masked_fill(~same | itself, -1).amax(1) - d.masked_fill(same, 1e9).amin(1)).mean()

def run(optimiser, loss_of, net, out, name):
    for step in range(10):
        loss = loss_of(net(x))
        optimiser.zero_grad()
        loss.backward()
        norm = net.features[1].conv.weight.grad.norm().item()
        optimiser.step()
        out.append(f"{name} {step} {loss.item():.9g} {norm:.9g}")

net = Conv4()
save_file({k: v for k, v in net.state_dict().items()}, here / "trajectory.safetensors", {"format": "pt"})
lines = []
run(torch.optim.Adam(net.parameters(), 1e-3), batch_hard, net, lines, "triplet-adam")
net.load_state_dict({k: v for k, v in Conv4().state_dict().items()})
from safetensors.torch import load_file
net.load_state_dict(load_file(here / "trajectory.safetensors"))
run(torch.optim.SGD(net.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=1e-3), lambda e: F.cross_entropy(e, labels, label_smoothing=0.1), net, lines, "softmax-sgd")
net.load_state_dict(load_file(here / "trajectory.safetensors"))
run(torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.05), batch_hard, net, lines, "triplet-adamw")
(here / "trajectory.txt").write_text("\n".join(lines) + "\n")
