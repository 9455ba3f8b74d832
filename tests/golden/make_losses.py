"""Losses of pytorch-metric-learning and PyTorch on formula embeddings, for tests/test_golden.c: writes losses.txt.

    python tests/golden/make_losses.py"""
import math, pathlib
import torch, torch.nn.functional as F
from pytorch_metric_learning import losses, miners, reducers, distances

e = torch.tensor([math.sin(1.3 * i) + 0.3 * math.cos(0.7 * (i // 10) * (i % 10)) for i in range(18 * 10)], dtype=torch.float64).reshape(18, 10)
labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5])
plain, unit = distances.LpDistance(normalize_embeddings=False), distances.LpDistance(normalize_embeddings=True)
mean = reducers.MeanReducer()

def gradient(loss_of):
    x = e.clone().requires_grad_()
    loss = loss_of(x)
    loss.backward()
    return loss.item(), x.grad.norm().item()

def hard(x): return losses.TripletMarginLoss(margin=0, smooth_loss=True, distance=plain, reducer=mean)(x, labels, miners.BatchHardMiner(distance=plain)(x, labels))
def hinge(x): return losses.TripletMarginLoss(margin=0.5, distance=plain, reducer=mean)(x, labels, miners.BatchHardMiner(distance=plain)(x, labels))
def everything(x): return losses.TripletMarginLoss(margin=0.2, distance=unit, reducer=reducers.AvgNonZeroReducer())(x, labels)
def semi(x): return losses.TripletMarginLoss(margin=0.2, distance=unit, reducer=mean)(x, labels, miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard", distance=unit)(x, labels))
def contrastive(x): return losses.ContrastiveLoss(pos_margin=0, neg_margin=1, distance=unit)(x, labels)
def cross(x): return F.cross_entropy(x, labels, label_smoothing=0.1)

lines = [f"{name} %.12g %.12g" % gradient(f) for name, f in
         [("triplet-hard", hard), ("triplet-hard-hinge", hinge), ("triplet-all", everything), ("triplet-semihard", semi), ("contrastive", contrastive), ("cross-entropy", cross)]]
(pathlib.Path(__file__).parent / "losses.txt").write_text("\n".join(lines) + "\n")
