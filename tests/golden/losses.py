"""Every loss of kin beside pytorch-metric-learning's, values and gradients in double, on random and on degenerate batches:
writes losses_all.txt, which tests/both_losses.c reads. Where the library has no such loss, or another form of it, the
paper's formula stands here in PyTorch.

    python tests/golden/losses.py"""
import math, pathlib
import torch
import torch.nn.functional as F
from pytorch_metric_learning import distances, losses, miners, reducers

torch.set_default_dtype(torch.float64)
D, CLASSES = 6, 5
plain, unit, cosine = distances.LpDistance(normalize_embeddings=False), distances.LpDistance(), distances.CosineSimilarity()
mean, nonzero = reducers.MeanReducer(), reducers.AvgNonZeroReducer()

def numbers(n, d, step, shift):
    return torch.tensor([math.sin(step * i + shift) + 0.4 * math.cos(0.7 * (i // d) * (i % d)) for i in range(n * d)]).reshape(n, d)

def batch(name):
    """Embeddings and labels; tests/both_losses.c makes the same."""
    n = 16
    x = numbers(n, D, 1.3, 0.2)
    labels = [i // 4 for i in range(n)]
    if name == "uneven": labels = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 0, 1, 4, 2]
    if name == "one-class": labels = [2] * n
    if name == "equal": x = x[:1].repeat(n, 1)
    if name == "no-positive": x, labels = x[:5], [0, 1, 2, 3, 4]
    if name == "duplicates": x = x[[0, 0, 2, 3, 4, 5, 4, 5, 8, 0, 10, 11, 12, 13, 14, 2]]
    if name == "one-item": x, labels = x[:1], [1]
    return x, torch.tensor(labels)

def weights(): return numbers(CLASSES, D, 0.9, 0.6)

def ours(module, name):
    """A loss with parameters, whose are set to the formula's."""
    w = weights().requires_grad_()
    def value(x, labels):
        p = getattr(module, name)
        p.data = w.data.t().clone() if name == "W" else w.data.clone()
        value = module(x, labels)
        p.grad = None
        return value, lambda: p.grad.t() if name == "W" else p.grad
    return value

def with_miner(loss, miner):
    return lambda x, labels: loss(x, labels, miner(x, labels))

def n_pair(l2, unit_rows):
    def value(x, labels):
        loss = losses.NPairsLoss(distance=distances.DotProductSimilarity(normalize_embeddings=unit_rows))(x, labels)
        firsts = [(torch.where(labels == c)[0][:2]) for c in labels.unique() if (labels == c).sum() > 1]
        if not firsts: return loss
        a, p = x[[int(f[0]) for f in firsts]], x[[int(f[1]) for f in firsts]]
        if unit_rows: a, p = F.normalize(a), F.normalize(p)
        return loss + l2 / 4 * (a.square().sum(1).mean() + p.square().sum(1).mean())
    return value

def smooth_ap(x, labels, tau=0.01):
    u = F.normalize(x)
    s = u @ u.t()
    ap = []
    for i in range(len(x)):
        own = torch.where(labels == labels[i])[0]
        rank = [(1 + sum(torch.sigmoid((s[i, j] - s[i, p]) / tau) for j in own if j != p),
                 1 + sum(torch.sigmoid((s[i, j] - s[i, p]) / tau) for j in range(len(x)) if j != p)) for p in own]
        ap.append(sum(a / b for a, b in rank) / len(own))
    return 1 - sum(ap) / len(ap)

def proxy_nca_paper(x, labels):
    w = weights().requires_grad_()
    d = torch.cdist(F.normalize(x), F.normalize(w)) ** 2
    others = -d + torch.where(F.one_hot(labels, CLASSES) > 0, -math.inf, 0.0)
    return (torch.logsumexp(others, 1) + d[range(len(x)), labels]).mean(), lambda: w.grad

def center(x, labels):
    w = weights().requires_grad_()
    return (x - w[labels]).square().sum(1).mean() / 2, lambda: w.grad

def beta(x, labels):
    loss = losses.MarginLoss(learn_beta=True)
    return loss(x, labels), lambda: loss.beta.grad

ms = miners.MultiSimilarityMiner(epsilon=0.1)
CASES = {
    "contrastive": losses.ContrastiveLoss(),
    "contrastive(margin=.7,positive=.1,unit=0)": losses.ContrastiveLoss(pos_margin=0.1, neg_margin=0.7, distance=plain),
    "contrastive(miner=ms)": with_miner(losses.ContrastiveLoss(), ms),
    "triplet-hard": with_miner(losses.TripletMarginLoss(margin=0, smooth_loss=True, distance=plain, reducer=mean), miners.BatchHardMiner(distance=plain)),
    "triplet-hard(margin=.3,unit=1)": with_miner(losses.TripletMarginLoss(margin=0.3, distance=unit, reducer=mean), miners.BatchHardMiner(distance=unit)),
    "triplet-semihard": with_miner(losses.TripletMarginLoss(margin=0.2, distance=unit, reducer=mean), miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard", distance=unit)),
    "triplet-all": losses.TripletMarginLoss(margin=0.2, distance=unit, reducer=nonzero),
    "triplet-all(margin=0)": losses.TripletMarginLoss(margin=0, smooth_loss=True, distance=unit, reducer=mean),
    "n-pair(l2=0,unit=1)": n_pair(0, True),
    "n-pair(l2=.02)": n_pair(0.02, False),
    "lifted": losses.LiftedStructureLoss(),
    "lifted(margin=.6,positive=.1,unit=0)": losses.LiftedStructureLoss(neg_margin=0.6, pos_margin=0.1, distance=plain),
    "margin(miner=all)": losses.MarginLoss(),
    "margin(miner=all,learn=1)": beta,
    "multi-similarity": losses.MultiSimilarityLoss(),
    "multi-similarity(miner=ms)": with_miner(losses.MultiSimilarityLoss(), ms),
    "multi-similarity(alpha=1,beta=10,base=.3)": losses.MultiSimilarityLoss(1, 10, 0.3),
    "circle": losses.CircleLoss(),
    "circle(margin=.25,gamma=16)": losses.CircleLoss(0.25, 16),
    "supcon": losses.SupConLoss(),
    "supcon(temperature=.5,miner=ms)": with_miner(losses.SupConLoss(0.5), ms),
    "smooth-ap": smooth_ap,
    "smooth-ap(temperature=.1)": lambda x, labels: smooth_ap(x, labels, 0.1),
    "norm-softmax": ours(losses.NormalizedSoftmaxLoss(CLASSES, D), "W"),
    "arcface": ours(losses.ArcFaceLoss(CLASSES, D, margin=math.degrees(0.5)), "W"),
    "arcface(margin=1.4,scale=8)": ours(losses.ArcFaceLoss(CLASSES, D, margin=math.degrees(1.4), scale=8), "W"),
    "cosface": ours(losses.CosFaceLoss(CLASSES, D), "W"),
    "proxy-nca": ours(losses.ProxyNCALoss(CLASSES, D), "proxies"),
    "proxy-nca(scale=3)": ours(losses.ProxyNCALoss(CLASSES, D, softmax_scale=3), "proxies"),
    "proxy-nca(form=paper)": proxy_nca_paper,
    "proxy-anchor": ours(losses.ProxyAnchorLoss(CLASSES, D), "proxies"),
    "center": center,
    "contrastive(margin=.7) * .5 + 2 * supcon": lambda x, labels: 0.5 * losses.ContrastiveLoss(neg_margin=0.7)(x, labels) + 2 * losses.SupConLoss()(x, labels),
}
BATCHES = ["random", "uneven", "one-class", "equal", "no-positive", "duplicates", "one-item"]

def projections(g):
    g = g.reshape(-1)
    at = torch.arange(len(g), dtype=g.dtype)
    return [g.norm().item(), (g * torch.cos(0.3 * at)).sum().item(), (g * torch.sin(0.11 * at + 1)).sum().item()]

def line(name, f, which):
    x, labels = batch(which)
    x = x.clone().requires_grad_()
    value = f(x, labels)
    value, parameter = value if isinstance(value, tuple) else (value, None)
    value = torch.as_tensor(value)
    if value.requires_grad: value.backward()
    gx = x.grad if x.grad is not None else torch.zeros_like(x)
    gw = parameter() if parameter and value.requires_grad else None
    numbers = [value.item()] + projections(gx) + (projections(gw) if gw is not None else [0, 0, 0])
    return "\t".join([name, which] + ["%.12g" % v for v in numbers])

def memory():
    """Cross-batch memory of 10 places: the values of four batches of 4, one after the other."""
    out = []
    for name, loss in [("contrastive(xbm=10)", losses.ContrastiveLoss()), ("multi-similarity(xbm=10)", losses.MultiSimilarityLoss()),
                       ("triplet-all(xbm=10)", losses.TripletMarginLoss(margin=0.2, distance=unit, reducer=nonzero, triplets_per_anchor="all")),
                       ("supcon(xbm=10)", losses.SupConLoss())]:
        xbm = losses.CrossBatchMemory(loss, D, memory_size=10)
        all_x, labels = batch("random")[0], torch.tensor([i % 3 for i in range(16)])
        for step in range(4):
            x = all_x[4 * step: 4 * step + 4].clone().requires_grad_()
            value = xbm(x, labels[4 * step: 4 * step + 4])
            value = torch.as_tensor(value)
            if value.requires_grad: value.backward()
            out.append("\t".join([name, "step-%d" % step] + ["%.12g" % v for v in [value.item()] + projections(x.grad if x.grad is not None else torch.zeros_like(x)) + [0, 0, 0]]))
    return out

if __name__ == "__main__":
    # pytorch-metric-learning groups a batch for Smooth-AP by the number of classes, not by pictures a class: where both are equal it must agree.
    x, labels = batch("random")
    assert abs(losses.SmoothAPLoss()(x, labels).item() - smooth_ap(x, labels).item()) < 1e-9
    lines = [line(name, f, which) for name, f in CASES.items() for which in BATCHES] + memory()
    (pathlib.Path(__file__).parent / "losses_all.txt").write_text("\n".join(lines) + "\n")
