"""webp.txt and gif.txt: small files of every kind, with the CRC-32 of what Pillow (libwebp) makes of them.
A line: name, width, height, channels, CRC-32, the file in hexadecimal digits. Needs Pillow and NumPy."""
import io
import random
import zlib

import numpy as np
from PIL import Image


def drawn(w, h, alpha=False, colours=0):
    y, x = np.mgrid[:h, :w]
    planes = [(x * 7 + y * 3) % 256, (x * y + 40) % 256, (x * x // 3 + y * 5) % 256]
    image = Image.fromarray(np.stack(planes, -1).astype("u1"))
    if colours:
        image = image.quantize(colours).convert("RGB")
    if alpha:
        image.putalpha(Image.fromarray(((x * 11 + y * 2) % 256).astype("u1")))
    return image


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(name, data):
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) & 1)


def riff(*chunks):
    data = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(data).to_bytes(4, "little") + data


def extended(flags, w, h):
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + (w - 1).to_bytes(3, "little") + (h - 1).to_bytes(3, "little"))


class Bits:
    """RFC 6386, section 7.3."""

    def __init__(self):
        self.out, self.range, self.bottom, self.count = bytearray(), 255, 0, 24

    def carry(self):
        i = len(self.out) - 1
        while self.out[i] == 255:
            self.out[i] = 0
            i -= 1
        self.out[i] += 1

    def bit(self, value, odds=128):
        split = 1 + (((self.range - 1) * odds) >> 8)
        if value:
            self.bottom += split
            self.range -= split
        else:
            self.range = split
        if self.bottom >> 32:
            self.bottom &= 0xFFFFFFFF
            self.carry()
        while self.range < 128:
            self.range <<= 1
            if self.bottom >> 31:
                self.carry()
            self.bottom = self.bottom << 1 & 0xFFFFFFFF
            self.count -= 1
            if not self.count:
                self.out.append(self.bottom >> 24)
                self.bottom &= 0xFFFFFF
                self.count = 8

    def number(self, value, bits):
        for i in reversed(range(bits)):
            self.bit(value >> i & 1)

    def change(self, value, bits):
        self.bit(value is not None)
        if value is not None:
            self.number(abs(value), bits)
            self.bit(value < 0)

    def done(self):
        self.number(0, 32)
        return bytes(self.out)


def frame(w, h, seed, partitions, simple, level, sharpness, segments, deltas, odds, skip):
    """A key frame of this header, whose modes and coefficients are chance."""
    rng, b = random.Random(seed), Bits()
    b.number(0, 2)
    b.bit(bool(segments))
    if segments:
        b.bit(1)
        b.bit(1)
        b.bit(segments == "absolute")
        for _ in range(4):
            b.change(rng.randint(0, 20), 7)
        for _ in range(4):
            b.change(rng.randint(-20, 63) if segments != "absolute" else rng.randint(0, 63), 6)
        for _ in range(3):
            b.bit(1)
            b.number(rng.randint(60, 200), 8)
    b.bit(simple)
    b.number(level, 6)
    b.number(sharpness, 3)
    b.bit(deltas)
    if deltas:
        b.bit(1)
        for i in range(8):
            b.change(rng.randint(-10, 10) if i % 2 == 0 else None, 6)
    b.number(partitions, 2)
    b.number(rng.randint(2, 12), 7)
    for i in range(5):
        b.change(rng.randint(-3, 3) if odds else None, 4)
    b.bit(1)
    for p in update_odds():
        told = odds and rng.random() < 0.05
        b.bit(told, p)
        if told:
            b.number(rng.randint(100, 255), 8)
    b.bit(skip)
    if skip:
        b.number(100, 8)
    blocks = ((w + 15) // 16) * ((h + 15) // 16)
    for _ in range(blocks * 90):
        b.bit(rng.randint(0, 1))
    first = b.done()
    tokens = [b"\x40" + rng.randbytes(blocks * 300 >> partitions) for _ in range(1 << partitions)]
    tag = (2 if simple else 0) | 16 | len(first) << 5
    lengths = b"".join(len(t).to_bytes(3, "little") for t in tokens[:-1])
    return tag.to_bytes(3, "little") + b"\x9d\x01\x2a" + w.to_bytes(2, "little") + h.to_bytes(2, "little") + first + lengths + b"".join(tokens)


def update_odds():
    import re
    from pathlib import Path

    text = (Path(__file__).parent / "../../data/images/vp8_tables.c").read_text()
    start = text.index("kin_vp8_update_odds = ")
    return [int(n) for n in re.findall(r"\d+", text[start:text.index(";", start)])]


def webps():
    yield "lossy-dot", saved(drawn(1, 1), "WEBP", quality=60)
    yield "lossy-odd", saved(drawn(17, 9), "WEBP", quality=50)
    yield "lossy-fine", saved(drawn(33, 31), "WEBP", quality=95, method=6)
    yield "lossy-coarse", saved(drawn(70, 50), "WEBP", quality=1, method=4)
    yield "lossy-tall", saved(drawn(1, 40), "WEBP", quality=80)
    yield "lossy-alpha", saved(drawn(30, 20, alpha=True), "WEBP", quality=70)
    yield "lossy-alpha-coarse", saved(drawn(30, 20, alpha=True), "WEBP", quality=30, alpha_quality=20)
    for name, colours in (("two", 2), ("four", 4), ("sixteen", 16), ("many", 200)):
        yield f"lossless-{name}", saved(drawn(37, 11, colours=colours), "WEBP", lossless=True, method=4)
    yield "lossless-dot", saved(drawn(1, 1), "WEBP", lossless=True)
    yield "lossless-fast", saved(drawn(24, 18), "WEBP", lossless=True, quality=0, method=0)
    yield "lossless-slow", saved(drawn(40, 24), "WEBP", lossless=True, quality=100, method=6)
    yield "lossless-alpha", saved(drawn(19, 14, alpha=True), "WEBP", lossless=True, exact=True)
    exif = Image.Exif()
    exif[0x112] = 6
    yield "lossy-turned", saved(drawn(21, 13), "WEBP", exif=exif)
    yield "moving", saved(drawn(20, 12), "WEBP", save_all=True, append_images=[drawn(20, 12).rotate(180)])
    still = saved(drawn(10, 6, alpha=True), "WEBP", lossless=True, exact=True)[12:]
    place = (4 // 2).to_bytes(3, "little") + (6 // 2).to_bytes(3, "little") + b"\x09\0\0\x05\0\0" + b"\x64\0\0" + b"\0"
    yield "moving-placed", riff(extended(0x12, 20, 15), chunk(b"ANIM", b"\0\0\0\xff\0\0"), chunk(b"ANMF", place + still))
    yield "moving-placed-opaque", riff(extended(2, 20, 15), chunk(b"ANIM", b"\0\0\0\xff\0\0"), chunk(b"ANMF", place + still))
    alpha = bytes((x * 5 + y) % 256 for y in range(9) for x in range(17))
    lossy = saved(drawn(17, 9), "WEBP", quality=50)[12:]
    for kind in range(4):
        yield f"alpha-plain-{kind}", riff(extended(0x10, 17, 9), chunk(b"ALPH", bytes([kind << 2]) + alpha), lossy)
    for i, options in enumerate((
        dict(partitions=0, simple=True, level=30, sharpness=0, segments="", deltas=False, odds=False, skip=True),
        dict(partitions=1, simple=True, level=63, sharpness=5, segments="absolute", deltas=True, odds=True, skip=False),
        dict(partitions=2, simple=False, level=20, sharpness=3, segments="relative", deltas=True, odds=False, skip=True),
        dict(partitions=3, simple=False, level=60, sharpness=7, segments="", deltas=False, odds=True, skip=True),
        dict(partitions=0, simple=False, level=0, sharpness=0, segments="absolute", deltas=True, odds=True, skip=False),
    )):
        yield f"frame-{i}", riff(chunk(b"VP8 ", frame(21, 34, i, **options)))


def codes(samples, least):
    """LZW without much of a search: strings grow while they are known."""
    clear, bits, out, used = 1 << least, least + 1, 0, 0
    known, after, previous = {(i,): i for i in range(clear)}, clear + 2, None

    def put(code):
        nonlocal out, used
        out |= code << used
        used += bits

    put(clear)
    i = 0
    while i < len(samples):
        s = (samples[i],)
        while i + len(s) < len(samples) and known.get(s + (samples[i + len(s)],), 1 << 12) < 1 << bits:
            s += (samples[i + len(s)],)
        put(known[s])
        if previous and after < 4096:
            known.setdefault(previous + s[:1], after)
            after += 1
            if after == 1 << bits and bits < 12:
                bits += 1
        previous = s
        i += len(s)
    put(clear + 1)
    raw = out.to_bytes((used + 7) // 8, "little")
    return bytes([least]) + b"".join(bytes([len(raw[k:k + 255])]) + raw[k:k + 255] for k in range(0, len(raw), 255)) + b"\0"


def gif(screen, place, size, least, common=None, own=None, clear=None, interlaced=False):
    def palette(bits):
        return bytes((i * 37 + c * 91) % 256 for i in range(2 << bits) for c in range(3))

    def numbers(*values):
        return b"".join(v.to_bytes(2, "little") for v in values)

    out = b"GIF89a" + numbers(*screen) + bytes([0 if common is None else 0x80 | common, 1, 0])
    out += b"" if common is None else palette(common)
    out += b"!\xfe\x05hello\0" + (b"" if clear is None else b"!\xf9\x04\x09\0\0" + bytes([clear, 0]))
    out += b"," + numbers(*place, *size) + bytes([(0 if own is None else 0x80 | own) | (0x40 if interlaced else 0)])
    out += b"" if own is None else palette(own)
    top = min(1 << least, 256 if common is None and own is None else 2 << (common if own is None else own))
    return out + codes([(x * 3 + y * 5 + x * y // 4) % top for y in range(size[1]) for x in range(size[0])], least) + b";"


def gifs():
    for least in range(1, 9):
        yield f"codes-{least}", gif((12, 9), (0, 0), (12, 9), least, common=least - 1)
    for height in (1, 2, 3, 5, 8, 17):
        yield f"interlaced-{height}", gif((5, height), (0, 0), (5, height), 4, common=3, interlaced=True)
    yield "placed", gif((20, 15), (4, 3), (9, 7), 3, common=2)
    yield "placed-clear", gif((20, 15), (4, 3), (9, 7), 3, common=2, clear=5)
    yield "beyond", gif((6, 5), (4, 3), (9, 7), 3, common=2, clear=2, interlaced=True)
    yield "no-screen", gif((0, 0), (0, 0), (9, 7), 3, common=2)
    yield "own-palette", gif((9, 7), (0, 0), (9, 7), 5, common=2, own=4)
    yield "only-own-palette", gif((9, 7), (0, 0), (9, 7), 2, own=1)
    yield "pillow", saved(drawn(31, 22).quantize(100), "GIF")
    yield "pillow-clear", saved(drawn(31, 22).quantize(20), "GIF", transparency=3, interlace=0)


def main():
    for kind, files in (("webp", webps()), ("gif", gifs())):
        with open(f"tests/golden/{kind}.txt", "w") as out:
            for name, data in files:
                image = Image.open(io.BytesIO(data))
                image.load()
                if kind == "gif":
                    image = image.convert("RGBA" if "transparency" in image.info else "RGB")
                if name == "lossy-turned":
                    image = image.transpose(Image.Transpose.ROTATE_270)
                samples = np.asarray(image)
                h, w, channels = samples.shape
                print(name, w, h, channels, zlib.crc32(samples.tobytes()), data.hex(), file=out)


if __name__ == "__main__":
    main()
