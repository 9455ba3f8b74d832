"""Fine-tuning with PyTorch's parameter groups, for tests/both_tuning.c: writes tuning.txt.

    python tests/golden/tuning.py

A small network, all numbers by formulas; 0.bias is frozen, 0.weight has a tenth of the learning rate, 3.weight is not decayed, and the
batch norm stays in evaluation mode. Lines: the optimiser's name and, for each step, the loss; then for each parameter the sum of
cos(0.3 i) w_i."""
import pathlib
import torch, torch.nn as nn

torch.set_default_dtype(torch.float64)
def wave(n, k): return torch.sin(0.9 * torch.arange(n) + k)

def network():
    net = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
    for name, p in net.named_parameters(): p.data = (1 if name == "1.weight" else 0) + 0.5 * wave(p.numel(), len(name)).reshape(p.shape)
    net[1].running_mean.copy_(0.2 * wave(6, 1))
    net[1].running_var.copy_(1 + 0.5 * wave(6, 2))
    net.train()
    net[1].eval()
    return net

def groups(net, lr):
    p = dict(net.named_parameters())
    p["0.bias"].requires_grad_(False)
    return [{"params": [p["0.weight"]], "lr": lr * 0.1}, {"params": [p["3.weight"]], "weight_decay": 0}, {"params": [p["1.weight"], p["1.bias"], p["3.bias"]]}]

optimisers = {
    "sgd": lambda net: torch.optim.SGD(groups(net, 0.05), 0.05, momentum=0.9, weight_decay=0.1),
    "adam": lambda net: torch.optim.Adam(groups(net, 0.02), 0.02, weight_decay=0.1),
    "adamw": lambda net: torch.optim.AdamW(groups(net, 0.02), 0.02, weight_decay=0.1),
}
x, target = wave(40, 0.3).reshape(8, 5), wave(24, 0.7).reshape(8, 3)
lines = []
for name, make in optimisers.items():
    net = network()
    optimiser, losses = make(net), []
    for step in range(6):
        loss = ((net(x) - target) ** 2).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(f"{loss.item():.12g}")
    sums = [f"{(torch.cos(0.3 * torch.arange(p.numel())) * p.detach().flatten()).sum().item():.12g}" for p in net.parameters()]
    lines.append(" ".join([name] + losses + sums))
(pathlib.Path(__file__).parent / "tuning.txt").write_text("\n".join(lines) + "\n")
