"""Writes tests/golden/picks.txt: means and quantiles of the parameters that torchvision's get_params() draws (0.29), 100,000 draws
each. A line: name, then for each number its mean, standard deviation, least and largest.

    python tests/golden/make_picks.py > tests/golden/picks.txt"""
import math
import numpy as np, torch
from torchvision import transforms as T

torch.manual_seed(1)
N = 100000
def row(name, draws):
    a = np.array(draws, float)
    print(name, *("%.8g" % v for v in np.stack([a.mean(0), a.std(0), a.min(0), a.max(0)], 1).reshape(-1)))

image = torch.zeros(3, 120, 200)
def rrc(scale, ratio, size=(120, 200)):
    im = torch.zeros(1, *size)
    return [(j, i, w, h) for i, j, h, w in (T.RandomResizedCrop.get_params(im, scale, ratio) for _ in range(N))]
row("rrc", rrc([.08, 1.], [3 / 4, 4 / 3]))
row("rrc-narrow", rrc([.5, 1.], [.9, 1.1], (40, 200)))
row("crop", [(j, i) for i, j, h, w in (T.RandomCrop.get_params(image, (96, 100)) for _ in range(N))])
def erase():
    out = []
    while len(out) < N:
        i, j, h, w, v = T.RandomErasing.get_params(image, (.02, .33), (.3, 3.3), [0.])
        if (h, w) != (120, 200): out.append((j, i, w, h))
    return out
row("erase", erase())
row("affine", [(a, t[0], t[1], s, *sh) for a, t, s, sh in (T.RandomAffine.get_params([-30, 40], [.1, .2], [.8, 1.5], [-5, 15, -20, 10], [200, 120]) for _ in range(N))])
row("perspective", [sum(e, []) for _, e in (T.RandomPerspective.get_params(200, 121, .5) for _ in range(N))])
row("order", [T.ColorJitter.get_params(None, None, None, None)[0].tolist() for _ in range(N)])
