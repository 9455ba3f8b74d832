"""Writes tests/golden/resize.txt: checksums of Pillow's resizing of pseudo-random pictures (Pillow 13).

    python tests/golden/make_resize.py > tests/golden/resize.txt"""
import random, zlib
import numpy as np
from PIL import Image

M = (1 << 64) - 1
def mix(z):
    z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & M
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & M
    return z ^ (z >> 31)
def byte(i): return mix((11 + (i + 1) * 0x9e3779b97f4a7c15) & M) % 256   # kin_random_below(11, i, 256)

random.seed(5)
filters = [Image.BOX, Image.BILINEAR, Image.BICUBIC, Image.LANCZOS]
for case in range(120):
    w, h, nw, nh = (random.randint(1, 60) for _ in range(4))
    if case % 10 == 0: nw = w
    if case % 15 == 0: nh = h
    channels, f = random.choice([1, 3]), case % 4
    a = np.array([byte(i) for i in range(w * h * channels)], np.uint8).reshape((h, w) if channels == 1 else (h, w, 3))
    out = np.asarray(Image.fromarray(a).resize((nw, nh), filters[f]))
    print(w, h, channels, f, nw, nh, zlib.crc32(out.tobytes()))
