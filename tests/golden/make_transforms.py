"""Writes tests/golden/transforms.txt: what torchvision.transforms.functional makes of pseudo-random pictures (torchvision 0.29,
Pillow 13). A line: name, width, height, channels, lowest and highest sample, how many numbers, the numbers, width and height of
the result, its CRC-32; for the blur the samples in hexadecimal as well, since it may differ by a level.

    python tests/golden/make_transforms.py > tests/golden/transforms.txt"""
import random, zlib
import numpy as np
from PIL import Image
from torchvision.transforms import functional as F, InterpolationMode as I
from torchvision.transforms.autoaugment import _apply_op

M = (1 << 64) - 1
def mix(z):
    z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & M
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & M
    return z ^ (z >> 31)
def below(i, n): return mix((11 + (i + 1) * 0x9e3779b97f4a7c15) & M) % n   # kin_random_below(11, i, n)

def picture(w, h, channels, low, high):
    a = np.array([low + below(i, high - low + 1) for i in range(w * h * channels)], np.uint8)
    return Image.fromarray(a.reshape((h, w) if channels == 1 else (h, w, 3)))

filters = [I.NEAREST, I.BILINEAR]
modes = ["constant", "edge", "reflect", "symmetric"]
def fill_of(im, v): return [v] * len(im.getbands())

ops = {
    "crop": lambda im, left, top, w, h: F.crop(im, top, left, h, w),
    "centre": lambda im, w, h: F.center_crop(im, [h, w]),
    "pad": lambda im, l, t, r, b, mode, fill: F.pad(im, [l, t, r, b], fill, modes[mode]),
    "mirror": F.hflip, "upend": F.vflip,
    "rotate": lambda im, a, f, fill: F.rotate(im, a, filters[f], fill=fill_of(im, fill)),
    "affine": lambda im, a, tx, ty, s, sx, sy, f, fill: F.affine(im, a, [tx, ty], s, [sx, sy], filters[f], fill_of(im, fill)),
    "shearx": lambda im, m: _apply_op(im, "ShearX", m, I.NEAREST, None),
    "sheary": lambda im, m: _apply_op(im, "ShearY", m, I.NEAREST, None),
    "perspective": lambda im, a, b, c, d, e, f, g, h, filt, fill: F.perspective(
        im, [[0, 0], [im.width - 1, 0], [im.width - 1, im.height - 1], [0, im.height - 1]], [[a, b], [c, d], [e, f], [g, h]], filters[filt], fill_of(im, fill)),
    "brightness": F.adjust_brightness, "contrast": F.adjust_contrast, "saturation": F.adjust_saturation, "hue": F.adjust_hue,
    "grey": lambda im: F.to_grayscale(im, len(im.getbands())),
    "invert": F.invert, "posterize": F.posterize, "solarize": F.solarize, "autocontrast": F.autocontrast, "equalize": F.equalize,
    "sharpness": F.adjust_sharpness,
    "blur": lambda im, k, s: F.gaussian_blur(im, [k, k], [s, s]),
}

random.seed(7)
def number(low, high): return round(random.uniform(low, high), 4)
def case(name, *numbers, size=None, channels=None, low=0, high=255):
    w, h = size or (random.randint(3, 50), random.randint(3, 50))
    c = channels or random.choice([1, 3, 3])
    out = ops[name](picture(w, h, c, low, high), *numbers)
    data = np.asarray(out).tobytes()
    print(name, w, h, c, low, high, len(numbers), *numbers, *out.size, zlib.crc32(data), data.hex() if name == "blur" else "-")

for _ in range(25): case("crop", random.randint(-9, 20), random.randint(-9, 20), random.randint(1, 40), random.randint(1, 40))
for _ in range(25): case("centre", random.randint(1, 60), random.randint(1, 60))
for i in range(40):
    mode = i % 4
    case("pad", *(random.randint(0, 12) for _ in range(4)), mode, 0 if mode else random.randint(0, 255), size=(random.randint(2, 30), random.randint(2, 30)))
for name in ("mirror", "upend", "grey", "invert"):
    for c in (1, 3): case(name, channels=c)
    case(name)
    if name == "mirror":
        for w in (1, 2, 3, 4, 5, 1023, 1024, 1025, 2050, 2051): case(name, size=(w, 3), channels=3)
for i in range(40): case("rotate", number(-200, 200), i % 2, random.randint(0, 255))
for a in (0, 90, 180, 270, -90, 360, 450): 
    for size in ((20, 20), (21, 21), (20, 31)): case("rotate", a, a // 90 % 2, 7, size=size)
for i in range(60):
    case("affine", number(-180, 180), random.randint(-9, 9), random.randint(-9, 9), number(.5, 1.8), number(-30, 30) if i % 3 else 0, number(-30, 30) if i % 4 == 0 else 0, i % 2, random.randint(0, 255))
for i in range(20): case("affine", 0, random.randint(-9, 9), random.randint(-9, 9), number(.5, 1.8) if i % 4 > 1 else 1, 0, 0, i % 2, 0)
for name in ("shearx", "sheary"):
    for _ in range(8): case(name, number(-1, 1))
for i in range(30):
    w, h = random.randint(8, 60), random.randint(8, 60)
    dw, dh = w // 4, h // 4
    case("perspective", random.randint(0, dw), random.randint(0, dh), w - 1 - random.randint(0, dw), random.randint(0, dh), w - 1 - random.randint(0, dw), h - 1 - random.randint(0, dh),
         random.randint(0, dw), h - 1 - random.randint(0, dh), i % 2, random.randint(0, 255), size=(w, h))
for name in ("brightness", "contrast", "saturation", "sharpness"):
    for f in (0, 1, .5, 2): case(name, f)
    for _ in range(12): case(name, number(0, 2.5))
    case(name, .3, size=(2, 9)); case(name, 1.7, size=(9, 2)); case(name, .4, size=(1, 1))
for f in (-.5, .5, 0): case("hue", f, channels=3)
for _ in range(30): case("hue", number(-.5, .5), size=(60, 60), low=random.randint(0, 60), high=random.randint(60, 255), channels=3)
for f in (.1, -.3): case("hue", f, size=(700, 500), channels=3)
case("hue", .2, channels=1)
for bits in range(1, 9): case("posterize", bits)
for t in (0, 1, 128, 255, 256, 100.5): case("solarize", t)
for name in ("autocontrast", "equalize"):
    for i in range(16):
        low = random.randint(0, 150)
        case(name, low=low, high=random.randint(low, 255), size=None if i % 2 else (60, 45))
for i in range(24):
    k = random.choice([1, 3, 5, 9, 23])
    case("blur", k, number(.1, 4), size=(random.randint(k // 2 + 1, 26), random.randint(k // 2 + 1, 26)))

# RandAugment's and TrivialAugmentWide's operations: wide, operation, bin, bins, sign.
from torchvision.transforms import RandAugment, TrivialAugmentWide
def augment(im, wide, op, at, bins, sign):
    space = TrivialAugmentWide()._augmentation_space(bins) if wide else RandAugment()._augmentation_space(bins, (im.height, im.width))
    name = list(space)[op]
    magnitudes, signed = space[name]
    m = float(magnitudes[at].item()) if magnitudes.ndim > 0 else 0.0
    return _apply_op(im, name, -m if signed and sign else m, I.NEAREST, None)
ops["augment"] = augment
for wide in (0, 1):
    for op in range(14):
        for i in range(6):
            bins = random.choice([31, 31, 31, 10, 11])
            case("augment", wide, op, random.randrange(bins), bins, i % 2, channels=3 if i else 1)
