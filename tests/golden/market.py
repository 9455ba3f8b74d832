"""Market-1501's evaluation on made-up vectors, written from the published rule and not from kin: for each query, gallery
pictures of its person and camera are dropped, distractors stay and never match, and queries without a match left are not counted.
Writes market/vectors.npy, market/vectors.csv and market/expected.txt.   python3 tests/golden/market.py"""
import csv
import os

import numpy as np

rng = np.random.default_rng(1501)
people, cameras, dim = 25, 6, 16
centres = rng.normal(size=(people, dim))
shift = rng.normal(size=(cameras, dim)) * 0.9  # pictures of one camera look alike: the rule matters
rows, vectors = [], []
for person in range(1, people + 1):
    seen = rng.choice(cameras, size=rng.integers(1, 5), replace=False)  # some are seen by one camera only
    for camera in seen:
        rows.append((f"query/{person:04d}_c{camera + 1}", f"{person:04d}", camera + 1, "query"))
        vectors.append(centres[person - 1] + shift[camera] + rng.normal(size=dim) * 1.1)
        for i in range(rng.integers(1, 5)):
            rows.append((f"gallery/{person:04d}_c{camera + 1}_{i}", f"{person:04d}", camera + 1, "gallery"))
            vectors.append(centres[person - 1] + shift[camera] + rng.normal(size=dim) * 1.1)
for i in range(40):
    camera = rng.integers(cameras)
    rows.append((f"gallery/0000_c{camera + 1}_{i}", "", int(camera) + 1, "gallery"))
    vectors.append(shift[camera] + rng.normal(size=dim) * 1.2)
order = rng.permutation(len(rows))
rows = [rows[i] for i in order]
vectors = np.array([vectors[i] for i in order], dtype=np.float32)

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "market")
os.makedirs(folder, exist_ok=True)
np.save(os.path.join(folder, "vectors.npy"), vectors)
with open(os.path.join(folder, "vectors.csv"), "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["id", "label", "path", "camera", "role"])
    w.writerows((i, label, "", camera, role) for i, label, camera, role in rows)

unit = vectors.astype(np.float64)
unit /= np.linalg.norm(unit, axis=1, keepdims=True)
query = [i for i, r in enumerate(rows) if r[3] == "query"]
gallery = [i for i, r in enumerate(rows) if r[3] == "gallery"]


def evaluate(rule):
    aps, old_aps, inps, cmc = [], [], [], np.zeros(len(gallery))
    for q in query:
        ranking = sorted(gallery, key=lambda g: -unit[q] @ unit[g])
        if rule:
            ranking = [g for g in ranking if not (rows[g][1] == rows[q][1] and rows[g][2] == rows[q][2])]
        good = np.array([rows[g][1] == rows[q][1] for g in ranking])
        if not good.any():
            continue
        cmc[np.flatnonzero(good)[0]:] += 1
        hits = np.flatnonzero(good)
        aps.append(np.mean([(n + 1) / (place + 1) for n, place in enumerate(hits)]))
        # the authors' compute_AP.m: trapezoids between the precisions before and at each hit
        old_recall, old_precision, ap = 0.0, 1.0, 0.0
        for n, place in enumerate(good):
            found = good[: n + 1].sum()
            recall, precision = found / good.sum(), found / (n + 1)
            ap += (recall - old_recall) * (old_precision + precision) / 2
            old_recall, old_precision = recall, precision
        old_aps.append(ap)
        inps.append(len(hits) / (hits[-1] + 1))
    n = len(aps)
    return n, len(query) - n, np.mean(aps), np.mean(old_aps), np.mean(inps), cmc[0] / n, cmc[4] / n, cmc[9] / n


with open(os.path.join(folder, "expected.txt"), "w") as f:
    for rule in (True, False):
        f.write(" ".join(f"{v:.15g}" for v in evaluate(rule)) + "\n")
