"""Golden values of diffusion, graph re-ranking and learned whitening for tests/test_retrieval_golden.c, on the vectors that retrieval.py made:
python tests/golden/neighbours.py writes diffusion_*.npy, graph_*.npy and learned_*.npy into tests/golden/retrieval/. Needs numpy, scipy and torch.

Diffusion follows the published off-line code step by step (float32 sparse matrices, SciPy's conjugate gradients, 20 iterations to 1e-6);
the graph form is the published CUDA kernels' sums as dense PyTorch products.
"""
import os

import numpy as np
import torch
from scipy import sparse
from scipy.sparse import linalg

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "retrieval")
DIFFUSION = [(50, 10, 0), (12, 4, 0), (50, 10, 60), (12, 4, 40)]
GRAPH = [(26, 7, 2), (8, 3, 1)]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def nearest(a, b, k):
    s = a @ b.T
    ids = np.argsort(-s, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(s, ids, 1), ids


def laplacian(x, kd, gamma, alpha):
    s, ids = nearest(x, x, kd)
    n = len(x)
    a = sparse.lil_matrix((n, n), dtype=np.float32)
    for i in range(n):
        for w, j in zip(s[i], ids[i]):
            if j != i and i in ids[j] and w > 0:
                a[i, j] = w**gamma
    a = a.tocsr()
    d = sparse.diags((np.asarray(a.sum(1)).ravel() + 1e-12) ** -0.5)
    return (sparse.eye(n) - alpha * (d @ a @ d)).tocsr()


def solve(m, b):
    return linalg.cg(m, b, rtol=1e-6, atol=0, maxiter=20)[0]


def diffuse(query, gallery, kd, kq, truncation, gamma=3, alpha=0.99):
    q, g = unit(query.astype(np.float64)), unit(gallery.astype(np.float64))
    lap, n = laplacian(g, kd, gamma, alpha), len(g)
    s, ids = nearest(q, g, kq)
    y = np.zeros((len(q), n))
    np.put_along_axis(y, ids, np.maximum(s, 0) ** gamma, 1)
    if not truncation:
        return np.stack([solve(lap, row) for row in y])
    offline = np.zeros((n, n))
    first = np.eye(truncation)[0]
    for i, members in enumerate(nearest(g, g, truncation)[1]):
        offline[i, members] = solve(lap[members][:, members], first)
    return y @ offline


def graph(query, gallery, k1, k2, layers):
    x = torch.nn.functional.normalize(torch.from_numpy(np.concatenate([query, gallery])).double())
    s, rank = (x @ x.T).topk(k1, dim=1)
    a = torch.zeros(len(x), len(x), dtype=torch.double).scatter_(1, rank, 1)
    w = torch.zeros_like(a).scatter_(1, rank[:, :k2], s[:, :k2] ** 2)
    for _ in range(layers):
        a = torch.nn.functional.normalize(w @ (a + a.T))
    return (a[: len(query)] @ a[len(query) :].T).numpy()


def learned_whitening(x, first, second, shrinkage, dims):
    """The published steps (Cholesky root, then eigenvectors); P and m. Shrinkage is kin's own addition."""
    m = x[first].mean(0)
    df = x[first] - x[second]
    s = df.T @ df / len(df)
    s = (1 - shrinkage) * s + shrinkage * np.trace(s) / len(s) * np.eye(len(s))
    p = np.linalg.inv(np.linalg.cholesky(s))
    y = (x - m) @ p.T
    values, vectors = np.linalg.eigh(y.T @ y)
    return (vectors[:, np.argsort(-values)].T @ p)[:dims], m


def pairs(labels, each):
    first, second = [], []
    for label in sorted(set(labels)):
        rows = [i for i, x in enumerate(labels) if x == label]
        for i, row in enumerate(rows):
            for step in range(1, min(each, len(rows) - 1) + 1):
                first.append(row)
                second.append(rows[(i + step) % len(rows)])
    return np.array(first), np.array(second)


def whitened_cosines(query, gallery, labels, shrinkage, dims):
    p, m = learned_whitening(gallery.astype(np.float64), *pairs(labels, 3), shrinkage, dims)
    return unit((query - m) @ p.T) @ unit((gallery - m) @ p.T).T


def main():
    query, gallery = np.load(f"{OUT}/query.npy"), np.load(f"{OUT}/gallery.npy")
    with open(f"{OUT}/gallery.csv") as f:
        labels = [line.split(",")[1] for line in f.read().splitlines()[1:]]
    for i, (shrinkage, dims) in enumerate([(0, 24), (0.2, 8)]):
        np.save(f"{OUT}/learned_{i}.npy", whitened_cosines(query, gallery, labels, shrinkage, dims).astype(np.float32))
    for i, setting in enumerate(DIFFUSION):
        np.save(f"{OUT}/diffusion_{i}.npy", diffuse(query, gallery, *setting).astype(np.float32))
    for i, setting in enumerate(GRAPH):
        np.save(f"{OUT}/graph_{i}.npy", graph(query, gallery, *setting).astype(np.float32))


if __name__ == "__main__":
    main()
