"""kin_search from Python, with nothing but ctypes: search.py LIBKIN.SO"""
import ctypes as c
import sys


class Vectors(c.Structure):
    _fields_ = [("data", c.POINTER(c.c_float)), ("count", c.c_int64), ("dim", c.c_int64)]


class Progress(c.Structure):
    _fields_ = [("report", c.c_void_p), ("user", c.c_void_p)]


class SearchOpt(c.Structure):
    _fields_ = [("k", c.c_int64), ("metric", c.c_int), ("leave_one_out", c.c_bool), ("self", c.POINTER(c.c_int64)),
                ("float32_order", c.c_bool), ("progress", Progress)]


class Neighbours(c.Structure):
    _fields_ = [("queries", c.c_int64), ("k", c.c_int64), ("index", c.POINTER(c.c_int64)), ("value", c.POINTER(c.c_float))]


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("message", c.c_char * 1000)]


kin = c.CDLL(sys.argv[1])
kin.kin_version.restype = c.c_char_p
kin.kin_search.restype = c.c_bool
kin.kin_search.argtypes = [Vectors, Vectors, c.POINTER(SearchOpt), c.POINTER(Neighbours), c.POINTER(Error)]
kin.kin_neighbours_free.argtypes = [c.POINTER(Neighbours)]


def vectors(rows):
    flat = [x for row in rows for x in row]
    return Vectors((c.c_float * len(flat))(*flat), len(rows), len(rows[0]))


def search(query, gallery, k):
    found, err = Neighbours(), Error()
    if not kin.kin_search(vectors(query), vectors(gallery), SearchOpt(k=k), found, err):
        raise ValueError(err.message.decode())
    lists = [[(found.index[q * k + i], found.value[q * k + i]) for i in range(k)] for q in range(found.queries)]
    kin.kin_neighbours_free(found)
    return lists


gallery = [[float((7 * i + 3 * j * i) % 11) for j in range(5)] for i in range(40)]
query = [[x + .25 for x in gallery[i]] for i in (3, 17, 38)]
for q, found in zip(query, search(query, gallery, 4)):
    distance = [sum((a - b) ** 2 for a, b in zip(q, g)) for g in gallery]
    expected = sorted(range(len(gallery)), key=lambda i: (distance[i], i))[:4]
    assert [i for i, _ in found] == expected, (found, expected)
    assert all(abs(v - distance[i]) < 1e-4 for i, v in found), found
try:
    search(query, gallery, 41)
    sys.exit("41 of 40 neighbours were found")
except ValueError as refused:
    assert "40" in str(refused), refused
print(kin.kin_version().decode())
