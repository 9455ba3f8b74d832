"""Golden values for tests/test_retrieval_golden.c: python tests/golden/retrieval.py writes tests/golden/retrieval/.

Needs numpy, scikit-learn, torch, pytorch-metric-learning and faiss-cpu; the tests need none of them.
"""
import os

import faiss
import numpy as np
import torch
from k_reciprocal import rerank
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from sklearn.metrics import average_precision_score, ndcg_score

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "retrieval")
SETTINGS = [(20, 6, 0.3, False), (20, 6, 0.3, True), (7, 3, 0.85, False), (5, 1, 0.0, False)]


def market_ap(good_positions):
    """The evaluation rule of Market-1501 and Oxford5k: the area under the interpolated curve."""
    total, count = 0.0, len(good_positions)
    for hit, position in enumerate(good_positions):
        before = hit / position if position else 1.0
        total += (before + (hit + 1) / (position + 1)) / 2 / count
    return total


def by_definition(query, gallery, query_label, gallery_label, k):
    rows = []
    for q, label in zip(query.astype(np.float64), query_label):
        d = ((gallery.astype(np.float64) - q) ** 2).sum(1)
        order = np.argsort(d, kind="stable")
        relevant = gallery_label[order] == label
        hits = np.flatnonzero(relevant)
        rows.append([
            average_precision_score(gallery_label == label, -d),
            ndcg_score([(gallery_label == label).astype(float)], [-d], k=k),
            market_ap(list(hits)),
            len(hits) / (hits[-1] + 1),
            float(relevant[:1].any()), float(relevant[:5].any()), float(relevant[:10].any()),
        ])
    return np.mean(rows, 0)


def main():
    os.makedirs(OUT, exist_ok=True)
    rng = np.random.default_rng(20180701)
    classes, dim = 12, 24
    centres = rng.normal(size=(classes, dim))
    query_label = rng.integers(0, classes, 36)
    gallery_label = rng.integers(0, classes, 100)
    query = (centres[query_label] + 0.95 * rng.normal(size=(36, dim))).astype(np.float32)
    gallery = (centres[gallery_label] + 0.95 * rng.normal(size=(100, dim))).astype(np.float32)
    for name, x, labels in [("query", query, query_label), ("gallery", gallery, gallery_label)]:
        np.save(f"{OUT}/{name}.npy", x)
        with open(f"{OUT}/{name}.csv", "w") as f:
            f.write("id,label,path\n")
            f.writelines(f"{name[0]}{i},class {label},\n" for i, label in enumerate(labels))

    index = faiss.IndexFlatL2(dim)
    index.add(gallery)
    distance, found = index.search(query, 100)
    np.save(f"{OUT}/faiss_index.npy", found.astype(np.int32))
    np.save(f"{OUT}/faiss_distance.npy", distance)

    for s, (k1, k2, lam, squared) in enumerate(SETTINGS):
        np.save(f"{OUT}/rerank_{s}.npy", rerank(query, gallery, k1, k2, lam, squared))

    wanted = ("precision_at_1", "r_precision", "mean_average_precision_at_r", "mean_average_precision", "mean_reciprocal_rank")
    calculator = AccuracyCalculator(include=wanted, k=100, device=torch.device("cpu"))
    t = lambda x: torch.from_numpy(np.ascontiguousarray(x))
    a = calculator.get_accuracy(t(query), t(query_label), t(gallery), t(gallery_label))
    own = AccuracyCalculator(include=wanted, k=99, device=torch.device("cpu"))
    b = own.get_accuracy(t(gallery), t(gallery_label), t(gallery), t(gallery_label), ref_includes_query=True)
    np.save(f"{OUT}/pml.npy", np.array([[r[w] for w in wanted] for r in (a, b)]))
    np.save(f"{OUT}/metrics.npy", by_definition(query, gallery, query_label, gallery_label, 10)[None, :])
    print(a, b, by_definition(query, gallery, query_label, gallery_label, 10), sep="\n")


if __name__ == "__main__":
    main()
