"""The work of bench/pictures.c beside what people would use instead, in turn, one thread each, CPU time.

    python bench/pictures_peers.py BUILD [ROUNDS]

Resizing beside Pillow and torchvision (antialias, uint8, pixels planar and interleaved), unpacking beside zlib, PNG beside
Pillow, JPEG + resizing beside Pillow and torchvision. Real pictures are taken from $KIN_TEST_DATA (else ../shared/data),
Fashion-MNIST from the Debian package dataset-fashion-mnist; what is absent is left out aloud. Each figure is the least of
ROUNDS alternating rounds.
"""
import glob
import io
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import resize

torch.set_num_threads(1)
DATA = os.environ.get("KIN_TEST_DATA", "../shared/data")
FASHION = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"


class Kin:
    """The C program, asked one line at a time."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer or answer.startswith("error"):
            raise RuntimeError(answer[6:] or "bench/pictures ended")
        return float(answer)


def once(work, runs):
    least = 1e9
    for _ in range(runs):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return least


def row(what, kin, request, rivals, rounds, runs=3):
    """Prints one line for each of `rivals` (name: function)."""
    ours, theirs = 1e9, {name: 1e9 for name in rivals}
    try:
        for _ in range(rounds):
            ours = min(ours, kin(request))
            for name, work in rivals.items():
                theirs[name] = min(theirs[name], once(work, runs))
    except RuntimeError as why:
        print(f"{what}: left out, kin refuses: {why}")
        return
    for name, seconds in theirs.items():
        print(f"{what:44} {ours * 1e3:9.3f} ms   {name:24} {seconds * 1e3:9.3f} ms   {seconds / ours:5.2f} x", flush=True)


def resizing(kin, rounds):
    rng = np.random.default_rng(1)
    for width, height, new_width, new_height in ((348, 348, 224, 224), (1200, 1600, 224, 224), (224, 224, 600, 600)):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        picture, planar, interleaved = Image.fromarray(pixels), torch.from_numpy(pixels.transpose(2, 0, 1).copy()), torch.from_numpy(pixels).permute(2, 0, 1)
        for name in ("bilinear", "bicubic"):
            mode, pillow = InterpolationMode[name.upper()], Image.Resampling[name.upper()]
            rivals = {
                "Pillow": lambda: picture.resize((new_width, new_height), pillow),
                "torchvision, planar": lambda: resize(planar, [new_height, new_width], mode, antialias=True),
                "torchvision, interleaved": lambda: resize(interleaved, [new_height, new_width], mode, antialias=True),
            }
            row(f"resize {width}x{height}x3 to {new_width}x{new_height} {name}", kin, f"resize {width} {height} 3 {new_width} {new_height} {name}", rivals, rounds)


def png_stream(data):
    at, stream = 8, b""
    while at < len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        if data[at + 4 : at + 8] == b"IDAT":
            stream += data[at + 8 : at + 8 + size]
        at += size + 12
    return stream


def unpacking(what, kin, path, packed, gzip, rounds):
    wbits = 31 if gzip else 15
    size = len(zlib.decompress(packed, wbits))
    with open(path, "wb") as file:
        file.write(packed)
    row(what, kin, f"{'gzip' if gzip else 'zlib'} {path}", {f"zlib {zlib.ZLIB_RUNTIME_VERSION}": lambda: zlib.decompress(packed, wbits, size)}, rounds)


def write_list(path, names):
    with open(path, "w") as file:
        file.write("\n".join(names) + "\n")
    return path


def load_all(names):
    loaded = []
    for name in names:
        with open(name, "rb") as file:
            loaded.append(file.read())
    return loaded


def photographs(kin, folder, rounds):
    jpegs = sorted(glob.glob(os.path.join(DATA, "grocery", "**", "*.jpg"), recursive=True))[:300]
    if not jpegs:
        print(f"no photographs in {DATA}/grocery: PNG and JPEG are left out")
        return
    pngs = []
    for i, name in enumerate(jpegs[:40]):
        pngs.append(os.path.join(folder, f"{i}.png"))
        Image.open(name).convert("RGB").save(pngs[-1])
    png_bytes, jpeg_bytes = load_all(pngs), load_all(jpegs)
    unpacking("unpack a photograph's PNG", kin, os.path.join(folder, "png.z"), png_stream(png_bytes[0]), False, rounds)
    row(f"decode {len(pngs)} photographs as PNG", kin, "decode " + write_list(os.path.join(folder, "pngs"), pngs),
        {"Pillow": lambda: [Image.open(io.BytesIO(b)).load() for b in png_bytes]}, rounds, 1)
    tensors = [torch.from_numpy(np.frombuffer(b, np.uint8).copy()) for b in jpeg_bytes]
    rivals = {
        "Pillow": lambda: [Image.open(io.BytesIO(b)).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR) for b in jpeg_bytes],
        "torchvision": lambda: [resize(decode_jpeg(t, ImageReadMode.RGB), [224, 224], InterpolationMode.BILINEAR, antialias=True) for t in tensors],
    }
    request = "prepare " + write_list(os.path.join(folder, "jpegs"), jpegs) + " 224"
    row(f"decode {len(jpegs)} JPEG photographs, resize to 224", kin, request, rivals, min(rounds, 3), 1)


def main():
    kin, rounds = Kin(os.path.join(sys.argv[1], "bench", "pictures")), int(sys.argv[2]) if len(sys.argv) > 2 else 7
    print(f"{'one thread, CPU time':44} {'kin':>12}   {'rival':24} {'':>12}   rival / kin")
    resizing(kin, rounds)
    with tempfile.TemporaryDirectory() as folder:
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
        text = b"".join(load_all(sorted(glob.glob(os.path.join(here, "*", "*.c")))))
        unpacking("unpack text, level 6", kin, os.path.join(folder, "text.z"), zlib.compress(text), False, rounds)
        if os.path.exists(FASHION):
            unpacking("unpack Fashion-MNIST's .gz", kin, os.path.join(folder, "fashion.gz"), load_all([FASHION])[0], True, min(rounds, 3))
        else:
            print("no Fashion-MNIST here: left out")
        photographs(kin, folder, rounds)


if __name__ == "__main__":
    main()
