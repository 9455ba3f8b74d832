#!/usr/bin/env python3
"""Descriptors in other programs: time to load, time a query, and recall@10 beside kin's exact search (docs/scale.md).

    build/neighbours/bin/python bench/neighbours.py OUT [--rows N] [--queries N] [--only WORD,WORD...]

Needs NumPy and, for each row, the program: a PostgreSQL with pgvector (tests/support/postgres.sh finds it), faiss-cpu, qdrant-client, pymilvus with
milvus-lite; what is not there is told and passed over. The descriptors are drawn: 128 numbers, unit length, clusters of about a hundred. Everything
runs on one thread; times are those of the processor (user and system, of kin or the client and of the server's process), which another tenant of the
machine disturbs less than the clock. OUT takes some 4 GB a million rows, and a line a row goes to OUT/rows.tsv as soon as it is known.
"""
import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KIN_THREADS"):
    os.environ[name] = "1"
os.environ["PGOPTIONS"] = "-c client_min_messages=warning"
import numpy as np

TOP, DIM = 10, 128
KIN = os.environ.get("KIN", "./kin")


def draw(out, rows, queries):
    """Clusters of about a hundred in a space that has some directions of more weight, as descriptors of a network have."""
    rng = np.random.default_rng(1)
    clusters = max(10, rows // 100)
    centre = rng.standard_normal((clusters, DIM), dtype=np.float32)
    basis = rng.standard_normal((16, DIM), dtype=np.float32) * .25

    def some(count):
        x = centre[rng.integers(0, clusters, count)] + rng.standard_normal((count, 16), dtype=np.float32) @ basis
        x += .3 * rng.standard_normal((count, DIM), dtype=np.float32)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    gallery = np.lib.format.open_memmap(out + "/gallery.npy", "w+", np.float32, (rows, DIM))
    for at in range(0, rows, 100000):
        gallery[at:at + 100000] = some(min(100000, rows - at))
    gallery.flush()
    np.save(out + "/query.npy", some(queries))


class Table:
    def __init__(self, path, rows, truth):
        self.path, self.rows, self.truth = path, rows, truth

    def add(self, what, load, ask, asked, found=None):
        recall = "-" if found is None else "%.4f" % np.mean([len(set(a) & set(b)) / TOP for a, b in zip(found, self.truth)])
        line = "%s\t%d\t%s\t%.2f\t%s" % (what, self.rows, "-" if load is None else "%.1f" % load, 1000 * ask / asked, recall)
        print(line, flush=True)
        with open(self.path, "a") as f:
            f.write(line + "\n")


def of_children():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def run(*words, **more):
    before = of_children()
    subprocess.run(words, check=True, **more)
    return of_children() - before


def search_by_kin(out, query, top=TOP):
    seconds = run(KIN, "search", "--query", query, "--gallery", out + "/gallery.npy", "--top", str(top), "--indices", out + "/i.npy", "--quiet", "--force")
    return seconds, np.load(out + "/i.npy")


class Postgres:
    """A server of one's own, and sessions whose process tells its own time."""

    def __init__(self, out):
        self.base = out + "/postgres"
        os.makedirs(self.base)
        settings = ["shared_buffers=1GB", "maintenance_work_mem=3GB", "max_parallel_workers_per_gather=0", "max_parallel_maintenance_workers=0", "wal_level=minimal",
                    "max_wal_senders=0", "max_wal_size=4GB", "autovacuum=off", "dynamic_shared_memory_type=mmap"]
        said = subprocess.run(["sh", "-c", '. tests/support/postgres.sh; postgres_find && postgres_start "$@" && echo "$postgres"', "sh", os.path.abspath(self.base), *settings],
                              capture_output=True, text=True)
        if said.returncode:
            raise ImportError("no PostgreSQL with pgvector: " + said.stderr.strip())
        self.home = said.stdout.strip().split("\n")[-1]

    def words(self):
        return [self.home + "/bin/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", os.path.abspath(self.base) + "/cluster", "-U", "kin", "-d", "postgres"]

    def ask(self, *statements):
        """The seconds that the server's process took, and what the last statement said."""
        cpu = "SELECT 'cpu', split_part(pg_read_file('/proc/self/stat'), ' ', 14)::float + split_part(pg_read_file('/proc/self/stat'), ' ', 15)::float"
        *before, last = statements
        text = subprocess.run(self.words() + sum((["-c", s] for s in [*before, cpu, last, cpu]), []), check=True, capture_output=True, text=True).stdout
        lines = [line.split("|") for line in text.strip().split("\n")]
        marks = [i for i, line in enumerate(lines) if line[0] == "cpu"]
        return (float(lines[marks[1]][1]) - float(lines[marks[0]][1])) / os.sysconf("SC_CLK_TCK"), lines[marks[0] + 1:marks[1]]

    def load(self, name, table):
        """kin's, psql's and the server's seconds: the first two are children, of the server's the session behind tells none, so the clock of a pipe is not it."""
        before = of_children()
        export = subprocess.Popen([KIN, "export", "--pgvector", name, "--table", table], stdout=subprocess.PIPE)
        cpu = b"\nCOPY (SELECT split_part(pg_read_file('/proc/self/stat'), ' ', 14)::float + split_part(pg_read_file('/proc/self/stat'), ' ', 15)::float) TO STDOUT;\n"
        psql = subprocess.Popen(self.words(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        while piece := export.stdout.read(1 << 20):
            psql.stdin.write(piece)
        said = psql.communicate(cpu)[0]
        if export.wait() or psql.returncode:
            raise SystemExit("the load failed")
        return of_children() - before + float(said.split()[-1]) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        subprocess.run(["sh", "-c", '. tests/support/postgres.sh; postgres=$1 database=$2; as=; [ "$(id -u)" -ne 0 ] || as="runuser -u nobody --"; postgres_stop', "sh", self.home,
                        os.path.abspath(self.base) + "/cluster"])


def lists(rows):
    found = {}
    for query, item in rows:
        found.setdefault(int(query), []).append(int(item))
    return [found[q] for q in sorted(found)]


def pgvector(out, query, table, only):
    server = Postgres(out)
    try:
        print("#", server.ask("CREATE EXTENSION vector", "SELECT version() || ', pgvector ' || extversion FROM pg_extension WHERE extname = 'vector'")[1][0][0], flush=True)
        load = server.load(out + "/gallery.npy", "gallery")
        server.load(out + "/query.npy", "query")
        count = len(query)

        def nearest(how_many, *settings):
            return server.ask(*settings, "SELECT q.id, n.id FROM (SELECT * FROM query ORDER BY id::int LIMIT %d) q CROSS JOIN LATERAL (SELECT g.id, g.embedding <=> q.embedding AS d FROM gallery g "
                              "ORDER BY g.embedding <=> q.embedding LIMIT %d) n ORDER BY q.id::int, n.d" % (how_many, TOP))

        few = min(10, count)
        seconds, rows = nearest(few)
        table.add("pgvector, exact", load, seconds, few, lists(rows))
        for kind, setting, values in (("ivfflat", "ivfflat.probes", (1, 10, 30)), ("hnsw", "hnsw.ef_search", (40, 100, 200))):
            if "pgvector-" + kind not in only:
                continue
            with_lists = " WITH (lists = %d)" % max(1, table.rows // 1000) if kind == "ivfflat" else ""
            built, _ = server.ask("CREATE INDEX near ON gallery USING %s (embedding vector_cosine_ops)%s" % (kind, with_lists))
            for value in values:
                seconds, rows = nearest(count, "SET enable_seqscan = off", "SET %s = %d" % (setting, value))
                table.add("pgvector, %s, %s %d" % (kind, setting.split(".")[1], value), load + built, seconds, count, lists(rows))
            server.ask("DROP INDEX near")
    finally:
        server.stop()


def by_faiss(out, query, table, only):
    import faiss
    faiss.omp_set_num_threads(1)
    print("# FAISS", faiss.__version__)
    gallery = np.load(out + "/gallery.npy")
    kin_seconds = run(KIN, "index", out + "/gallery.npy", "--faiss", out + "/flat.index", "--metric", "cosine", "--quiet", "--force")
    before = time.process_time()
    flat = faiss.read_index(out + "/flat.index")
    load = kin_seconds + time.process_time() - before
    kinds = [("exact", flat, [("", None)])]
    if "faiss-ivfpq" in only:
        kinds.append(("IVF-PQ of 64 bytes", faiss.index_factory(DIM, "IVF%d,PQ64x8" % max(16, int(table.rows ** .5)), faiss.METRIC_INNER_PRODUCT), [("nprobe", 8), ("nprobe", 32)]))
    if "faiss-hnsw" in only:
        kinds.append(("HNSW", faiss.IndexHNSWFlat(DIM, 16, faiss.METRIC_INNER_PRODUCT), [("efSearch", 40), ("efSearch", 100)]))
    for name, index, values in kinds:
        if index is not flat:
            before = time.process_time()
            if not index.is_trained:
                index.train(gallery[:min(len(gallery), 40 * index.nlist)])
            index.add(gallery)
            load = time.process_time() - before
        for setting, value in values:
            if setting == "efSearch":
                index.hnsw.efSearch = value
            elif setting:
                index.nprobe = value
            before = time.process_time()
            found = np.concatenate([index.search(query[i:i + 1], TOP)[1] for i in range(len(query))])
            table.add("FAISS, %s%s" % (name, ", %s %d" % (setting, value) if setting else ""), load, time.process_time() - before, len(query), found)
    os.remove(out + "/flat.index")


def qdrant(out, query, table, only):
    import importlib.metadata
    from qdrant_client import QdrantClient, models
    print("# qdrant-client", importlib.metadata.version("qdrant-client"))
    client = QdrantClient(":memory:")
    client.create_collection("gallery", vectors_config=models.VectorParams(size=DIM, distance=models.Distance.COSINE))
    gallery = np.load(out + "/gallery.npy", mmap_mode="r")
    before = time.process_time()
    client.upload_collection("gallery", vectors=gallery, ids=range(len(gallery)), batch_size=1000)
    load = time.process_time() - before
    count, before = min(20, len(query)), time.process_time()
    found = [[p.id for p in client.query_points("gallery", query=q.tolist(), limit=TOP).points] for q in query[:count]]
    table.add("Qdrant's local mode, exact", load, time.process_time() - before, count, found)


def milvus(out, query, table, only):
    import importlib.metadata
    from pymilvus import DataType, MilvusClient
    print("# milvus-lite", importlib.metadata.version("milvus-lite"), "pymilvus", importlib.metadata.version("pymilvus"))
    gallery = np.load(out + "/gallery.npy", mmap_mode="r")
    client = MilvusClient(out + "/milvus.db")
    for kind, params, values in (("FLAT", {}, [("", None)]), ("HNSW", {"M": 16, "efConstruction": 64}, [("ef", 40), ("ef", 100)])):
        if "milvus-" + kind.lower() not in only:
            continue
        schema = client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=DIM)
        index = client.prepare_index_params()
        index.add_index("embedding", index_type=kind, metric_type="COSINE", params=params)
        before = time.process_time() + of_children()
        client.create_collection("gallery", schema=schema, index_params=index)
        for at in range(0, len(gallery), 5000):
            client.insert("gallery", [{"id": at + i, "embedding": row} for i, row in enumerate(gallery[at:at + 5000])])
        client.flush("gallery")
        client.load_collection("gallery")
        client.search("gallery", data=[query[0].tolist()], limit=TOP)
        load = time.process_time() + of_children() - before
        for setting, value in values:
            count, before = min(50, len(query)), time.process_time()
            found = [[hit["id"] for hit in client.search("gallery", data=[q.tolist()], limit=TOP, search_params={"params": {setting: value} if setting else {}})[0]] for q in query[:count]]
            table.add("Milvus Lite, %s%s" % (kind, ", %s %d" % (setting, value) if setting else ""), load, time.process_time() - before, count, found)
        client.drop_collection("gallery")
    client.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", default="kin,pgvector,pgvector-ivfflat,pgvector-hnsw,faiss,faiss-ivfpq,faiss-hnsw,qdrant,milvus,milvus-flat,milvus-hnsw")
    o = parser.parse_args()
    only = o.only.split(",")
    os.makedirs(o.out)
    draw(o.out, o.rows, o.queries)
    query = np.load(o.out + "/query.npy")
    seconds, truth = search_by_kin(o.out, o.out + "/query.npy")
    table = Table(o.out + "/rows.tsv", o.rows, truth)
    np.save(o.out + "/one.npy", query[:1])
    alone = min(search_by_kin(o.out, o.out + "/one.npy")[0] for _ in range(3))
    table.add("kin search, %d queries at once" % len(query), None, seconds, len(query), truth)
    table.add("kin search, a query alone, from its start", None, alone, 1)
    for name, what in (("pgvector", pgvector), ("faiss", by_faiss), ("qdrant", qdrant), ("milvus", milvus)):
        if name in only:
            try:
                what(o.out, query, table, only)
            except ImportError as why:
                print("skip %s: %s" % (name, why), flush=True)


if __name__ == "__main__":
    main()
