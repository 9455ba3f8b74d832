"""BFE, ABE and the convolutional auto-encoder on torchvision's ResNet-50 with weights that are a function of name and index (zoo.py), one training step each, for
tests/double_heads.c: writes heads.txt.

    python tests/golden/heads.py

Of each case: the loss, a line a gradient (name, count, norm, six projections), and the first row of the descriptors that the network gives in
evaluation after a step of gradient descent, whose running statistics one batch has moved."""
import pathlib
import numpy as np
import torch, torchvision
from torch import nn
from torch.nn import functional as F
from zoo import fill, numbers, projections, key_text, mix, GOLDEN, U

SIZE, BATCH, PICTURES, RATE = 64, 8, 2, 1e-3
labels = torch.arange(BATCH) // PICTURES

def below(key, counter, n): return int(mix(key + (U(counter) + U(1)) * GOLDEN) % U(n))  # base/random.c, but for its rejections

def key(seed, a, b): return mix(mix(mix(seed + GOLDEN) + a * GOLDEN + U(1)) + b * GOLDEN + U(2))

def text_key(seed, text):
    h = U(0xcbf29ce484222325)
    for c in text.encode(): h = (h ^ U(c)) * U(0x100000001b3)
    return key(seed, h, U(0))

class Trunk(nn.Module):
    def __init__(self, last_stride=2):
        super().__init__()
        net = torchvision.models.resnet50(weights=None)
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"): setattr(self, name, getattr(net, name))
        if last_stride == 1: self.layer4[0].conv2.stride = self.layer4[0].downsample[0].stride = (1, 1)
    def until_layer3(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer3(self.layer2(self.layer1(x)))

class BFE(Trunk):
    def __init__(self, g=512, p=1024, classes=BATCH // PICTURES):
        super().__init__(1)
        self.global_reduction = nn.Sequential(nn.Linear(2048, g), nn.BatchNorm1d(g), nn.ReLU())
        self.res_part = torchvision.models.resnet.Bottleneck(2048, 512)
        self.reduction = nn.Sequential(nn.Linear(2048, p), nn.BatchNorm1d(p), nn.ReLU())
        self.classifier_global, self.classifier_part = nn.Linear(g, classes), nn.Linear(p, classes)
    def forward(self, x):
        x = self.layer4(self.until_layer3(x))
        g = self.global_reduction(x.mean((2, 3)))
        x = self.res_part(x)
        if self.training:
            h, w = x.shape[2:]
            rh, rw = round(.5 * h), round(.5 * w)
            k = text_key(text_key(key(U(0), U(0), U(0)), ""), "erase")
            top, left = below(k, 0, h - rh + 1), below(k, 1, w - rw + 1)
            mask = torch.ones_like(x)
            mask[:, :, top:top + rh, left:left + rw] = 0
            x = x * mask
        return g, self.reduction(x.amax((2, 3)))
    def loss(self, x):
        total = 0
        for vector, classifier in zip(self(x), (self.classifier_global, self.classifier_part)):
            total = total + F.cross_entropy(classifier(vector), labels, label_smoothing=.1)
            d = (vector[:, None] - vector[None]).pow(2).sum(-1).clamp_min(1e-12).sqrt()
            same = labels[:, None] == labels[None]
            hardest = (d - 1e9 * ~same).amax(1)
            nearest = (d + 1e9 * same).amin(1)
            total = total + F.softplus(hardest - nearest).mean()
        return total
    def descriptor(self, x): return torch.cat(self(x), 1)

class ABE(Trunk):
    def __init__(self, learners=2, dim=32):
        super().__init__()
        a = self.attention = nn.Module()
        a.conv1, a.bn1 = nn.Conv2d(1024, 512, 1, bias=False), nn.BatchNorm2d(512)
        a.conv2, a.bn2 = nn.Conv2d(512, 512, 3, padding=1, bias=False), nn.BatchNorm2d(512)
        a.mask = nn.ModuleList()
        for m in range(learners):
            own = nn.Module()
            own.conv = nn.Conv2d(512, 1024, 1)
            a.mask.append(own)
        self.embedding = nn.Linear(2048, dim // learners)
    def forward(self, x):
        x, a = self.until_layer3(x), self.attention
        stack = F.relu(a.bn2(a.conv2(F.relu(a.bn1(a.conv1(x))))))
        return [F.normalize(self.embedding(self.layer4(x * torch.sigmoid(m.conv(stack))).mean((2, 3)))) for m in a.mask]
    def loss(self, x):
        vectors, total = self(x), 0
        i, j = torch.triu_indices(BATCH, BATCH, 1)
        y = (labels[i] == labels[j]).to(x.dtype)
        for v in vectors:
            d2 = (v[i] - v[j]).pow(2).sum(1)
            total = total + (y * d2 + (1 - y) * F.relu(1 - d2)).mean()
        pairs = [F.relu(1 - (p - q).pow(2).sum(1)).mean() for k, p in enumerate(vectors) for q in vectors[k + 1:]]
        return total + sum(pairs) / len(pairs)
    def descriptor(self, x): return torch.cat(self(x), 1)

class Autoencoder(Trunk):
    def __init__(self, dim=32, width=32, side=16):
        super().__init__()
        self.code = nn.Linear(2048 * 2 * 2, dim)
        d = self.decoder = nn.Module()
        d.begin = nn.Linear(dim, 4 * 4 * width)
        d.step, self.width = nn.ModuleList([nn.Identity()]), width  # steps are counted from 1
        while 4 << len(d.step) <= side:
            step, narrower = nn.Module(), max(width // 2, 16)
            step.conv, step.bn = nn.Conv2d(width, narrower, 3, padding=1, bias=False), nn.BatchNorm2d(narrower)
            d.step.append(step)
            width = narrower
        d.end = nn.Conv2d(width, 3, 3, padding=1)
    def descriptor(self, x): return self.code(F.adaptive_avg_pool2d(self.layer4(self.until_layer3(x)), 2).flatten(1))
    def loss(self, x):
        d = self.decoder
        y = F.relu(d.begin(self.descriptor(x))).view(len(x), 4, 4, self.width).permute(0, 3, 1, 2)
        for s in d.step[1:]: y = F.relu(s.bn(s.conv(F.interpolate(y, scale_factor=2, mode="nearest"))))
        y = d.end(y)
        return .5 * F.mse_loss(y, F.adaptive_avg_pool2d(x, y.shape[2:]))

lines = []
for name, net in (("bfe", BFE()), ("abe", ABE()), ("autoencoder", Autoencoder())):
    net = fill(net).double().train()
    x = numbers("input", (BATCH, 3, SIZE, SIZE)).double()
    loss = net.loss(x)
    loss.backward()
    lines.append(f"= {name} input {loss.item():.15g}")
    for k, p in net.named_parameters():
        g = p.grad.numpy().ravel()
        lines.append(f"{k} {g.size} {np.linalg.norm(g):.12g} " + " ".join(f"{v:.12g}" for v in projections(k, g, 6)))
    with torch.no_grad():
        for p in net.parameters(): p -= RATE * p.grad
        row = net.eval().descriptor(x)[0].numpy()
    lines.append(f"* {row.size} " + " ".join(f"{v:.12g}" for v in row))
    print(name, loss.item(), row[:4], flush=True)
(pathlib.Path(__file__).parent / "heads.txt").write_text("\n".join(lines) + "\n")
