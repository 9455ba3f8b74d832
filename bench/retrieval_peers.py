"""The peers of bench/retrieval.c, on the vectors it wrote: FAISS, and the published k-reciprocal steps in NumPy.

    python bench/retrieval_peers.py faiss PREFIX K      IndexFlatL2, 2 threads
    python bench/retrieval_peers.py rerank PREFIX       k1 20, k2 6, lambda .3; N x N matrices, as published
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
    else:
        from k_reciprocal import rerank

        began = time.perf_counter()
        rerank(query, gallery)
    print(f"{work} {len(query)} x {len(gallery)} x {gallery.shape[1]}: {time.perf_counter() - began:.3f} s, peak {peak():.0f} MiB")


if __name__ == "__main__":
    main()
