"""The published k-reciprocal steps (Zhong et al., CVPR 2017) with whole matrices, in NumPy; see METHODS in retrieval/rerank/rerank.c."""
import numpy as np


def squared_distances(x):
    x = x.astype(np.float64)
    norms = (x * x).sum(1)
    d = np.maximum(norms[:, None] + norms[None, :] - 2 * x @ x.T, 0)
    np.fill_diagonal(d, 0)
    return d


def mutual(rank, i, k):
    ahead = rank[i, : k + 1]
    return ahead[(rank[ahead, : k + 1] == i).any(1)]


def encode(scaled, rank, k1):
    n, half = len(scaled), int(np.around(k1 / 2))
    close = [mutual(rank, i, half) for i in range(n)]
    v = np.zeros_like(scaled)
    for i in range(n):
        base = mutual(rank, i, k1)
        grown = [base]
        for c in base:
            if 3 * np.isin(close[c], base).sum() > 2 * len(close[c]):
                grown.append(close[c])
        members = np.unique(np.concatenate(grown))
        weight = np.exp(-scaled[i, members])
        v[i, members] = weight / weight.sum()
    return v


def rerank(query, gallery, k1=20, k2=6, lam=0.3, squared_input=False):
    """Final distances [queries, gallery]. The published code squares the distance it is given: d, or d² with `squared_input`."""
    n_query = len(query)
    d = squared_distances(np.concatenate([query, gallery]))
    if squared_input:
        d = d * d
    scaled = d / d.max(1, keepdims=True)
    rank = np.argsort(scaled, axis=1, kind="stable")
    v = encode(scaled, rank, k1)
    if k2 != 1:
        v = np.stack([v[rank[i, :k2]].mean(0) for i in range(len(v))])
    holders = [np.flatnonzero(v[:, j]) for j in range(v.shape[1])]
    jaccard = np.empty((n_query, len(v)))
    for i in range(n_query):
        shared = np.zeros(len(v))
        for j in np.flatnonzero(v[i]):
            shared[holders[j]] += np.minimum(v[i, j], v[holders[j], j])
        jaccard[i] = 1 - shared / (2 - shared)
    return ((1 - lam) * jaccard + lam * scaled[:n_query])[:, n_query:]
