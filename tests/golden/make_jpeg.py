"""Checksums of JPEGs as Pillow (libjpeg-turbo, its defaults) decodes them, upright, whole and at 1/2, 1/4, 1/8; lossless ones left out.

    python make_jpeg.py DATA > jpeg.txt

Lines: path below DATA, scale, width, height, channels, CRC-32 of the samples."""
import os
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

data = sys.argv[1]


def files():
    for folder, every in (("jpeg-reftest", 1), ("jpeg-exif-orientation", 4), ("fuzz-seeds/jpeg", 1), ("grocery", 60)):
        found = sorted(os.path.join(r, f) for r, _, names in os.walk(os.path.join(data, folder)) for f in names if f.endswith((".jpg", ".jpeg")))
        yield from (path for path in found[::every] if "lossless" not in path)


for path in files():
    for scale in (1, 2, 4, 8):
        try:
            image = Image.open(path)
            if image.format != "JPEG":
                break
            image.draft(image.mode, (max(1, image.width // scale), max(1, image.height // scale))) if scale > 1 else None
            image = ImageOps.exif_transpose(image)
            image.load()
        except (OSError, SyntaxError):
            break
        if image.mode == "CMYK":
            image = image.convert("RGB")
        samples = np.asarray(image)
        print(os.path.relpath(path, data), scale, image.width, image.height, 1 if samples.ndim == 2 else 3, zlib.crc32(samples.tobytes()))
