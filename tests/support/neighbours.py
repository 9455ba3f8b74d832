"""Lists of other programs beside kin's: the same distances rank by rank, where equal ones may change places. Python alone, without NumPy.

    neighbours.py make FOLDER                           a gallery and queries, with ids that are hard on whatever reads them
    neighbours.py compare FOLDER METRIC                 kin's FOLDER/METRIC/i.npy and d.npy against the distances of all pairs and the lists, there too
    neighbours.py recall FOLDER METRIC                  the share of kin's neighbours that the lists have
"""
import array
import csv
import math
import random
import struct
import sys

ODD = ["'; DROP TABLE gallery; --", "\\! touch pwned", "\\.", "\\N", "NULL", "a\nb", "a\tb", "a\r\nb", " blank ", 'say "kin"', "caf\u00e9 \u732b \U0001f431", "back\\",
       "{1,2}", "[1,2]", "a,b", "%s%n", "$1", "$$", "--", "/* */", "; ROLLBACK; CREATE TABLE pwned (); --", "\u202eabc", "-1"]


def write_npy(name, rows):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (len(rows), len(rows[0]))
    with open(name, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n")
        for row in rows:
            array.array("f", row).tofile(f)


def read_npy(name, kind):
    with open(name, "rb") as f:
        head = f.read(10)
        text = f.read(struct.unpack("<H", head[8:10])[0]).decode()
        rows, columns = (int(n) for n in text.split("(")[1].split(")")[0].split(","))
        numbers = array.array(kind, f.read())
    return [numbers[r * columns:(r + 1) * columns] for r in range(rows)]


def write_names(name, ids):
    with open(name, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, quoting=csv.QUOTE_ALL, lineterminator="\n")
        out.writerow(["id", "label", "path"])
        for i, text in enumerate(ids):
            out.writerow([text, ids[i // 3] if i % 5 else "", "x/%d'.png" % i if i % 2 else ""])


def read_names(name):
    with open(name, newline="", encoding="utf-8") as f:
        return [row[0] for row in csv.reader(f)][1:]


def make(folder):
    draw = random.Random(1)
    centre = [[draw.gauss(0, 1) for _ in range(24)] for _ in range(20)]
    near = lambda: [c + draw.gauss(0, .3) for c in draw.choice(centre)]
    gallery = [near() for _ in range(400)]
    for i in range(10):
        gallery[100 + i] = gallery[i]  # equal distances
    write_npy(folder + "/gallery.npy", gallery)
    write_npy(folder + "/query.npy", [near() for _ in range(38)] + gallery[5:7])
    write_names(folder + "/gallery.csv", ODD + ["g%d" % i for i in range(400 - len(ODD))])
    write_names(folder + "/query.csv", ["q%d" % i for i in range(38)] + ODD[:2])


def read_lists(name):
    lists = {}
    with open(name, newline="", encoding="utf-8") as f:
        for query, found, distance in csv.reader(f):
            lists.setdefault(query, []).append((found, float(distance)))
    return lists


# kin's distance as the other program tells it: pgvector's <-> is the root, <#> is minus the product, as kin's
AS_TOLD = {"cosine": lambda d: d, "euclid": lambda d: math.sqrt(max(d, 0)), "inner": lambda d: d}


def compare(folder, metric):
    gallery, query = read_names(folder + "/gallery.csv"), read_names(folder + "/query.csv")
    here = folder + "/" + metric
    rows, distances = read_npy(here + "/i.npy", "q"), read_npy(here + "/d.npy", "f")
    pairs = {(q, g): d for q, found in read_lists(here + "/pairs.csv").items() for g, d in found}
    lists = read_lists(here + "/lists.csv")
    if len(lists) != len(query) or len(pairs) != len(query) * len(gallery):
        sys.exit("%d lists and %d pairs of %d queries" % (len(lists), len(pairs), len(query)))
    same = total = 0
    for q, mine, how_far in zip(query, rows, distances):
        theirs = lists[q]
        if len(theirs) != len(mine):
            sys.exit("query %r: %d found, %d by kin" % (q, len(theirs), len(mine)))
        for rank, (row, d, (found, told)) in enumerate(zip(mine, how_far, theirs)):
            exact, mine_told = pairs[q, gallery[row]], AS_TOLD[metric](d)
            near = 4e-6 * max(1, abs(told)) if metric != "euclid" else 2e-3 if told < 1e-2 else 4e-6 * max(1, told)
            if abs(exact - told) > near or abs(mine_told - told) > near:
                sys.exit("query %r, rank %d: kin's %r is at %.9g (%.9g there), theirs %r at %.9g" % (q, rank + 1, gallery[row], mine_told, exact, found, told))
            same += gallery[row] == found
            total += 1
    print("%d of %d places have the same id, the others one as near" % (same, total))
    if same < .9 * total:
        sys.exit("too few")


def recall(folder, metric):
    gallery, query = read_names(folder + "/gallery.csv"), read_names(folder + "/query.csv")
    lists = read_lists(folder + "/" + metric + "/lists.csv")
    hits = total = 0
    for q, mine in zip(query, read_npy(folder + "/" + metric + "/i.npy", "q")):
        found = {g for g, _ in lists.get(q, [])}
        hits += sum(gallery[row] in found for row in mine)
        total += len(mine)
    print("%.4f" % (hits / total))


if __name__ == "__main__":
    csv.field_size_limit(1 << 30)
    {"make": make, "compare": compare, "recall": recall}[sys.argv[1]](*sys.argv[2:])
