"""The Omniglot recipe of docs/results.md in PyTorch: the same network, batches, loss and schedule; once, with a seed of 0 or SEED.

    python bench/omniglot.py torch omniglot THREADS

The drawings come from omniglot-background.tar.gz in $KIN_TEST_DATA (else ../shared/data). STEPS takes fewer steps than 3,000, LOSS another
loss than triplet-hard, as kin writes it, "proxy-anchor(rate=10)": pytorch-metric-learning's, with the defaults that both have. Tells the
seconds of training, reading the drawings left out, and the mAP on the held-out characters."""
import os, pathlib, re, sys, tarfile, tempfile, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from PIL import Image
from turns import memory, row, turns

work, threads = sys.argv[2], int(sys.argv[3])
seed, steps = int(os.environ.get("SEED", 0)), int(os.environ.get("STEPS", 3000))
name, rate = re.fullmatch(r"([a-z-]+)(?:\(rate=([0-9.]+)\))?", os.environ.get("LOSS", "triplet-hard")).groups()
torch.set_num_threads(threads)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

folder = tempfile.TemporaryDirectory()
root = pathlib.Path(folder.name)
with tarfile.open(pathlib.Path(os.environ.get("KIN_TEST_DATA", "../shared/data")) / "omniglot-background.tar.gz") as archive:
    archive.extractall(root, filter="data")
classes = sorted({p.parent.relative_to(root).as_posix() for p in root.rglob("*.png")})
def load(name):
    return [1 - np.asarray(Image.open(p).convert("L").resize((28, 28), Image.LANCZOS), np.float32) / 255 for p in sorted((root / name).glob("*.png"))]
data = torch.tensor(np.array([load(c) for c in classes]))[:, :, None]      # [964, 20, 1, 28, 28]
train, held = data[:700], data[700:]

def block(i): return [nn.Conv2d(i, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
net = nn.Sequential(*block(1), nn.MaxPool2d(2), *block(64), nn.MaxPool2d(2), *block(64), nn.MaxPool2d(2), *block(64), nn.Flatten(), nn.Linear(576, 128))


def batch_hard(e):
    """Soft-margin batch-hard triplets on the embeddings as they are."""
    d2 = (e * e).sum(1)[:, None] + (e * e).sum(1)[None] - 2 * e @ e.T
    d = d2.clamp_min(1e-12).sqrt()
    d_ap = d.masked_fill(~same | itself, -1).amax(1)
    d_an = d.masked_fill(same, 1e9).amin(1)
    return F.softplus(d_ap - d_an).mean()


def chosen_loss():
    """The loss of (embeddings, classes), and its own parameters."""
    if name == "triplet-hard":
        return lambda e, y: batch_hard(e), []
    from pytorch_metric_learning import losses
    loss = {
        "multi-similarity": lambda: losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5),
        "proxy-anchor": lambda: losses.ProxyAnchorLoss(700, 128, margin=0.1, alpha=32),
        "arcface": lambda: losses.ArcFaceLoss(700, 128, margin=28.64788975654116, scale=64),
        "supcon": lambda: losses.SupConLoss(temperature=0.1),
    }[name]()
    return loss, list(loss.parameters())


loss_of, own = chosen_loss()
groups = [{"params": net.parameters()}] + ([{"params": own, "lr": 1e-3 * float(rate or 1)}] if own else [])
optimiser = torch.optim.Adam(groups, 1e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)


def batches():
    """Classes of each batch, as kin takes them: all of them before any comes again (data/sampler.c); the rest of a pass is left out."""
    while True:
        order = rng.permutation(700)
        yield from order[:700 // 32 * 32].reshape(-1, 32)


labels = torch.arange(32).repeat_interleave(4)
same = labels[:, None] == labels[None]
itself = torch.eye(128, dtype=torch.bool)
batch = batches()
next(iter(turns()))
started = time.time()
for step in range(steps):
    c = torch.tensor(next(batch))
    k = torch.tensor(np.array([rng.choice(20, 4, replace=False) for _ in range(32)]))
    e = net(train[c[:, None], k].reshape(128, 1, 28, 28))
    loss = loss_of(e, c.repeat_interleave(4))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()
    loss.item()
seconds = time.time() - started

net.eval()
with torch.no_grad(): u = F.normalize(torch.cat([net(x) for x in held.reshape(-1, 1, 28, 28).split(256)]))
y = torch.arange(len(held)).repeat_interleave(20)
s = u @ u.T
s.fill_diagonal_(-9)
order = s.argsort(1, descending=True)[:, :-1]
hits = (y[order] == y[:, None]).double()
precision = hits.cumsum(1) / torch.arange(1, hits.shape[1] + 1)
row(work, threads, "s", "PyTorch", seconds)
row(work, threads, "mAP", "PyTorch", ((precision * hits).sum(1) / hits.sum(1)).mean().item())
memory(work, threads, "PyTorch")
