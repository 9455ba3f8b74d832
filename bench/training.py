"""The training steps of bench/training.c in PyTorch, eager:

    python bench/training.py torch|channels_last WORK THREADS

Needs torchvision; train-efficientnet_lite0 also the package efficientnet-lite-pytorch."""
import sys, time
import torch
from torch import nn
from torch.nn import functional as F
from turns import memory, row, turns

rival, work, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
model, batch, side, channels, steps = {
    "train-resnet18": ("resnet18", 64, 64, 3, 1), "train-resnet50": ("resnet50", 32, 64, 3, 1), "train-densenet121": ("densenet121", 16, 64, 3, 1),
    "train-efficientnet_lite0": ("efficientnet-lite0", 64, 160, 3, 1), "train-conv4": ("conv4", 128, 28, 1, 10)}[work]
torch.set_num_threads(threads)
torch.manual_seed(1)
who = {"torch": "PyTorch", "channels_last": "PyTorch channels_last"}[rival]


def conv4():
    def block(i): return [nn.Conv2d(i, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*block(1), nn.MaxPool2d(2), *block(64), nn.MaxPool2d(2), *block(64), nn.MaxPool2d(2), *block(64), nn.Flatten(), nn.Linear(576, 128))


def network():
    if model == "conv4": return conv4()
    if model.startswith("efficientnet"):
        from efficientnet_lite_pytorch import EfficientNet
        return EfficientNet.from_name(model)
    import torchvision
    return getattr(torchvision.models, model)(weights=None)


def batch_hard(e):
    d2 = (e * e).sum(1)[:, None] + (e * e).sum(1)[None] - 2 * e @ e.T
    d = d2.clamp_min(1e-12).sqrt()
    return F.softplus(d.masked_fill(~same | itself, -1).amax(1) - d.masked_fill(same, 1e9).amin(1)).mean()


net = network().train()
x = torch.from_numpy(((torch.arange(batch * channels * side * side) * 7919 % 9973) / 9973 - 0.5).numpy().reshape(batch, channels, side, side))
if rival == "channels_last": net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
if model == "conv4":
    labels = torch.arange(batch) // 4
    same, itself = labels[:, None] == labels[None], torch.eye(batch, dtype=torch.bool)
    loss, optimiser = batch_hard, torch.optim.Adam(net.parameters(), 1e-3)
else:
    labels = torch.arange(batch) * 7 % 1000
    loss, optimiser = lambda y: F.cross_entropy(y, labels), torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9)


def one_step():
    value = loss(net(x))
    optimiser.zero_grad()
    value.backward()
    optimiser.step()


for _ in turns():
    began = time.perf_counter()
    for _ in range(steps): one_step()
    row(work, threads, "img/s", who, batch * steps / (time.perf_counter() - began))
memory(work, threads, who)
