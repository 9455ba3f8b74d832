"""The rivals of bench/retrieval.c on vectors of the same kind: unit vectors around 1383 class centres.

    python bench/retrieval.py RIVAL WORK-QUERIESxGALLERYxDIMxK THREADS

RIVAL: faiss, IndexFlatL2; numpy, the published k-reciprocal steps with N x N matrices; jaccard, the same steps with neighbours found by FAISS, as in
SpCL and fast-reid; torch, the published graph form; scipy, the published diffusion."""
import os
import sys
import time

import numpy as np

from turns import memory, row, turns

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden"))
rival, work, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
kind, shape = work.split("-")
queries, gallery, dim, k = map(int, shape.split("x"))
moment = kind == "search" and queries < 10


def vectors(count, seed):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).random((1383, dim), dtype=np.float32)
    x = centres[rng.integers(0, 1383, count)] + 1.3 * rng.random((count, dim), dtype=np.float32) - 1.15
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def faiss_jaccard(x, k1=20, k2=6):
    """The Jaccard distance of all pairs [n, n]: FAISS finds neighbours, float32 matrices hold encodings and distances. Returns the k best of each row."""
    import faiss

    n, half = len(x), int(np.around(k1 / 2))
    index = faiss.IndexFlatL2(dim)
    index.add(x)
    rank = index.search(x, k1)[1]
    mutual = lambda size: [rank[i, : size + 1][(rank[rank[i, : size + 1], : size + 1] == i).any(1)] for i in range(n)]
    base, close = mutual(k1), mutual(half)
    v = np.zeros((n, n), np.float32)
    for i in range(n):
        grown = base[i]
        for c in base[i]:
            if 3 * len(np.intersect1d(close[c], base[i])) > 2 * len(close[c]):
                grown = np.append(grown, close[c])
        grown = np.unique(grown)
        d = 2 - 2 * x[grown] @ x[i]
        weight = np.exp(-d)
        v[i, grown] = weight / weight.sum()
    v = np.stack([v[rank[i, :k2]].mean(0) for i in range(n)])
    holders = [np.flatnonzero(v[:, j]) for j in range(n)]
    distance = np.zeros((n, n), np.float32)
    for i in range(n):
        shared = np.zeros(n, np.float32)
        for j in np.flatnonzero(v[i]):
            shared[holders[j]] += np.minimum(v[i, j], v[holders[j], j])
        distance[i] = 1 - shared / (2 - shared)
    np.fill_diagonal(distance, 2)
    best = np.argpartition(distance, k, axis=1)[:, :k]
    return np.take_along_axis(best, np.argsort(np.take_along_axis(distance, best, 1), axis=1, kind="stable"), 1)


def prepare():
    """What the rival is called, and one turn of its work."""
    q, g = vectors(queries, 1), vectors(gallery, 2)
    if rival == "faiss":
        import faiss

        faiss.omp_set_num_threads(threads)
        index = faiss.IndexFlatL2(dim)
        index.add(g)
        return "FAISS " + faiss.__version__, lambda: index.search(q, k)
    if rival == "jaccard":
        import faiss

        faiss.omp_set_num_threads(threads)
        return "FAISS and NumPy", lambda: faiss_jaccard(g)
    if rival == "numpy":
        from k_reciprocal import rerank

        return "published in NumPy", lambda: np.argsort(rerank(q, g), axis=1)[:, :k]
    import neighbours

    if rival == "torch":
        return "published in PyTorch", lambda: neighbours.graph(q, g, 26, 7, 2)
    return "published in SciPy", lambda: neighbours.diffuse(q, g, 50, 10, 1000 if kind == "offline" else 0)


who, once = prepare()
for _ in turns():
    began = time.perf_counter()
    once()
    row(work, threads, "ms" if moment else "s", who, (time.perf_counter() - began) * (1000 if moment else 1))
memory(work, threads, who)
