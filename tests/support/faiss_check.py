"""faiss_check.py INDEX METRIC QUERY.npy LABELS.npy DISTANCES.npy: does FAISS, reading the index that kin wrote, find what kin found?"""
import sys

import faiss
import numpy as np

path, metric, query, labels, distances = sys.argv[1:]
index = faiss.read_index(path)
query, labels, distances = np.load(query), np.load(labels), np.load(distances)
if metric == "cosine":
    query = query / np.linalg.norm(query, axis=1, keepdims=True)
assert type(index).__name__ == ("IndexFlatL2" if metric == "euclid" else "IndexFlatIP"), type(index)
assert labels.dtype == np.int64 and distances.dtype == np.float32
found_distances, found = index.search(np.ascontiguousarray(query, np.float32), labels.shape[1])
assert found.dtype == labels.dtype and found.shape == labels.shape and found_distances.dtype == distances.dtype
assert np.abs(found_distances - distances).max() < 1e-4, "distances differ"
swapped = found != labels  # neighbours closer than float32 products tell may change places
assert swapped.mean() < 0.02, f"{swapped.sum()} of {swapped.size} neighbours differ"
index.add(np.ascontiguousarray(query, np.float32))  # what was read can be added to
faiss.write_index(index, path + ".again")
