"""What Qdrant's local mode and Milvus Lite find in descriptors that kin wrote: FOLDER/METRIC/lists.csv and pairs.csv, as neighbours.py compares them.

    databases.py has qdrant|milvus                      exit status 0 where the packages are
    databases.py qdrant|milvus FOLDER METRIC...         Qdrant from gallery.npy and .csv, Milvus from gallery.jsonl
"""
import csv
import json
import sys

TOP = 20


def names(name):
    with open(name, newline="", encoding="utf-8") as f:
        return [row[0] for row in csv.reader(f)][1:]


def from_qdrant(folder, metric, query):
    import numpy as np
    from qdrant_client import QdrantClient, models
    distance = {"cosine": models.Distance.COSINE, "euclid": models.Distance.EUCLID, "inner": models.Distance.DOT}[metric]
    gallery = np.load(folder + "/gallery.npy")
    client = QdrantClient(":memory:")
    client.create_collection("gallery", vectors_config=models.VectorParams(size=gallery.shape[1], distance=distance))
    # Qdrant's own ids are numbers: the row; kin's goes with it
    client.upload_collection("gallery", vectors=gallery, ids=range(len(gallery)), payload=[{"id": text} for text in names(folder + "/gallery.csv")])
    for q in query:
        yield [(p.payload["id"], p.score) for p in client.query_points("gallery", query=q.tolist(), limit=TOP, with_payload=True).points]


def from_milvus(folder, metric, query):
    from pymilvus import DataType, MilvusClient
    with open(folder + "/gallery.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    client = MilvusClient(folder + "/milvus-%s.db" % metric)
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, max_length=512, is_primary=True)
    schema.add_field("label", DataType.VARCHAR, max_length=512, nullable=True)
    schema.add_field("path", DataType.VARCHAR, max_length=512, nullable=True)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=len(rows[0]["embedding"]))
    index = client.prepare_index_params()
    index.add_index("embedding", index_type="FLAT", metric_type={"cosine": "COSINE", "euclid": "L2", "inner": "IP"}[metric])
    client.create_collection("gallery", schema=schema, index_params=index)
    client.insert("gallery", rows)
    for hits in client.search("gallery", data=query.tolist(), limit=TOP):
        yield [(hit["id"], max(hit["distance"], 0) ** .5 if metric == "euclid" else hit["distance"]) for hit in hits]
    client.close()


def told(metric, score):
    return 1 - score if metric == "cosine" else -score if metric == "inner" else score


def all_pairs(metric, query, gallery):
    import numpy as np
    q, g = query.astype(np.float64), gallery.astype(np.float64)
    if metric == "euclid":
        return np.sqrt(((q[:, None] - g[None]) ** 2).sum(2))
    if metric == "inner":
        return -q @ g.T
    return 1 - (q @ g.T) / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(g, axis=1)


def write(name, rows):
    with open(name, "w", newline="", encoding="utf-8") as f:
        csv.writer(f, quoting=csv.QUOTE_ALL).writerows(rows)


def main(database, folder, *metrics):
    import numpy as np
    query, gallery = np.load(folder + "/query.npy"), np.load(folder + "/gallery.npy")
    of_query, of_gallery = names(folder + "/query.csv"), names(folder + "/gallery.csv")
    for metric in metrics:
        found = {"qdrant": from_qdrant, "milvus": from_milvus}[database](folder, metric, query)
        to = folder + "/" + metric
        write(to + "/lists.csv", [(q, g, repr(float(told(metric, score)))) for q, one in zip(of_query, found) for g, score in one])
        write(to + "/pairs.csv", [(q, g, repr(float(d))) for q, row in zip(of_query, all_pairs(metric, query, gallery)) for g, d in zip(of_gallery, row)])


if __name__ == "__main__":
    if sys.argv[1] == "has":
        __import__("numpy")
        __import__({"qdrant": "qdrant_client", "milvus": "pymilvus"}[sys.argv[2]])
        if sys.argv[2] == "milvus":
            __import__("milvus_lite")
    else:
        main(*sys.argv[1:])
