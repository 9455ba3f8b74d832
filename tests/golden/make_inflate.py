"""Writes tests/golden/inflate.txt: raw deflate streams by zlib, one a line: unpacked size, its CRC-32 and Adler-32, the stream in hex.

    python tests/golden/make_inflate.py > tests/golden/inflate.txt

The data calls for long codes (Fibonacci frequencies: every length to 15 bits), every short period, far and near matches,
stored blocks, fixed and dynamic codes, and flushed streams of several blocks."""
import random
import zlib

random.seed(3)


def fibonacci(n):
    counts = [1, 1]
    while len(counts) < n:
        counts.append(counts[-1] + counts[-2])
    data = [i * 11 % 256 for i, count in enumerate(counts) for _ in range(count)]
    random.shuffle(data)
    return bytes(data)


def periods():
    out = bytearray()
    for period in range(1, 41):
        out += bytes(random.randrange(256) for _ in range(period)) * (300 // period + 2)
    return bytes(out)


def far(count):
    seed = bytes(random.randrange(256) for _ in range(600))
    out = bytearray(seed)
    for _ in range(count):
        at = random.randrange(max(0, len(out) - 32000), len(out) - 20) if random.random() < 0.8 else len(out) - random.randrange(3, 300)
        out += out[at : at + random.randrange(3, 290)]
    return bytes(out)


words = [bytes(random.choice(b"etaoinshrdlu") for _ in range(random.randrange(1, 9))) for _ in range(60)]
text = b" ".join(random.choice(words) for _ in range(700))
cases = [
    (b"", 6, zlib.Z_DEFAULT_STRATEGY, False),
    (b"k", 6, zlib.Z_DEFAULT_STRATEGY, False),
    (bytes(40000), 9, zlib.Z_DEFAULT_STRATEGY, False),
    (bytes(random.randrange(256) for _ in range(700)), 0, zlib.Z_DEFAULT_STRATEGY, True),
    (fibonacci(17), 6, zlib.Z_HUFFMAN_ONLY, False),
    (fibonacci(16), 6, zlib.Z_HUFFMAN_ONLY, True),
    (periods(), 9, zlib.Z_DEFAULT_STRATEGY, False),
    (periods(), 6, zlib.Z_FIXED, False),
    (far(900), 9, zlib.Z_DEFAULT_STRATEGY, False),
    (far(300), 6, zlib.Z_FIXED, True),
    (text, 1, zlib.Z_DEFAULT_STRATEGY, True),
    (text, 9, zlib.Z_DEFAULT_STRATEGY, False),
]
for data, level, strategy, flush in cases:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    half = len(data) // 2
    packed = packer.compress(data[:half]) + (packer.flush(zlib.Z_FULL_FLUSH) if flush else b"") + packer.compress(data[half:]) + packer.flush()
    print(len(data), zlib.crc32(data), zlib.adler32(data), packed.hex())
