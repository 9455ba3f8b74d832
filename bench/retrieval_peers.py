"""The peers of bench/retrieval.c, on the vectors it wrote: FAISS, and the published re-ranking methods in NumPy, SciPy and PyTorch.

    python bench/retrieval_peers.py faiss PREFIX K      IndexFlatL2, 2 threads
    python bench/retrieval_peers.py rerank PREFIX       k1 20, k2 6, lambda .3; N x N matrices, as published
    python bench/retrieval_peers.py graph PREFIX        k1 26, k2 7; N x N matrices in PyTorch
    python bench/retrieval_peers.py diffusion|offline PREFIX   kd 50, kq 10; SciPy, on the whole graph or on 1000 neighbours
"""
import os
import resource
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden"))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    work, prefix = sys.argv[1:3]
    query, gallery = np.load(prefix + "-q.npy"), np.load(prefix + "-g.npy")
    if work == "faiss":
        import faiss

        faiss.omp_set_num_threads(2)
        index = faiss.IndexFlatL2(gallery.shape[1])
        index.add(gallery)
        index.search(query[: len(query) // 10 + 1], int(sys.argv[3]))
        began = time.perf_counter()
        index.search(query, int(sys.argv[3]))
    elif work in ("graph", "diffusion", "offline"):
        import neighbours

        began = time.perf_counter()
        if work == "graph":
            neighbours.graph(query, gallery, 26, 7, 2)
        else:
            neighbours.diffuse(query, gallery, 50, 10, 1000 if work == "offline" else 0)
    else:
        from k_reciprocal import rerank

        began = time.perf_counter()
        rerank(query, gallery)
    print(f"{work} {len(query)} x {len(gallery)} x {gallery.shape[1]}: {time.perf_counter() - began:.3f} s, peak {peak():.0f} MiB")


if __name__ == "__main__":
    main()
