"""Small BMPs of every kind that is read, and what Pillow makes of them: bmp/NAME.bmp, and bmp/expected.txt with width, height and RGB(A) in hex."""
import io, os, struct
import numpy as np
from PIL import Image

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bmp")
os.makedirs(here, exist_ok=True)
rng = np.random.default_rng(4)
files = {}


def saved(name, image):
    b = io.BytesIO()
    image.save(b, "BMP")
    files[name] = b.getvalue()


def built(name, w, h, bits, compression, pixels, palette=b"", masks=b"", colours=0, old=False):
    info = struct.pack("<IHHHH", 12, w, h, 1, bits) if old else struct.pack("<IiiHHIIiiII", 40, w, h, 1, bits, compression, len(pixels), 2835, 2835, colours, 0)
    offset = 14 + len(info) + len(masks) + len(palette)
    files[name] = b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + info + masks + palette + pixels


rgb = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
saved("rgb24", Image.fromarray(rgb))
saved("grey8", Image.fromarray(rgb[..., 0]))
saved("bilevel", Image.fromarray(rgb[..., 0]).convert("1"))
saved("rgba32", Image.fromarray(rng.integers(0, 256, (4, 3, 4), dtype=np.uint8)))
pal = b"".join(bytes(rng.integers(0, 256, 3, dtype=np.uint8)) + b"\0" for _ in range(16))
built("pal4", 5, 3, 4, 0, bytes(rng.integers(0, 256, 12, dtype=np.uint8)), pal, colours=16)
built("pal8topdown", 5, -3, 8, 0, bytes(rng.integers(0, 16, 24, dtype=np.uint8)), pal, colours=16)
built("os2", 5, 3, 4, 0, bytes(rng.integers(0, 256, 12, dtype=np.uint8)), bytes(rng.integers(0, 256, 48, dtype=np.uint8)), old=True)
built("rgb555", 3, 2, 16, 0, bytes(rng.integers(0, 256, 16, dtype=np.uint8)))
built("rgb565", 3, 2, 16, 3, bytes(rng.integers(0, 256, 16, dtype=np.uint8)), masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
built("rgb32fields", 3, 2, 32, 3, bytes(rng.integers(0, 256, 24, dtype=np.uint8)), masks=struct.pack("<III", 0xFF0000, 0xFF00, 0xFF))
built("rgb32", 3, 2, 32, 0, bytes(rng.integers(0, 256, 24, dtype=np.uint8)))
built("rle8", 6, 4, 8, 1, bytes([3, 5, 3, 2, 0, 0, 0, 4, 1, 2, 3, 4, 2, 7, 0, 0, 6, 9, 0, 0, 0, 3, 1, 2, 3, 0, 3, 4, 0, 1]), pal, colours=16)
built("rle4", 6, 3, 4, 2, bytes([6, 0x12, 0, 0, 0, 4, 0x12, 0x34, 2, 0x56, 0, 0, 3, 0x70, 3, 0x89, 0, 1]), pal, colours=16)
with open(os.path.join(here, "expected.txt"), "w") as out:
    for name, data in files.items():
        open(os.path.join(here, name + ".bmp"), "wb").write(data)
        image = Image.open(io.BytesIO(data))
        image = image.convert("RGBA" if image.mode == "RGBA" else "RGB")
        print(name, image.width, image.height, len(image.getbands()), image.tobytes().hex(), file=out)
