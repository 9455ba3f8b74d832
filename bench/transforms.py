"""The same as bench/transforms.c with torchvision on Pillow pictures, one thread:   python bench/transforms.py"""
import time
import numpy as np, torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import functional as F

torch.set_num_threads(1)
rng = np.random.default_rng(1)
def photo(w, h):
    y, x, c = np.mgrid[0:h, 0:w, 0:3]
    return Image.fromarray((120 + 90 * np.sin(x * .013 * (1 + c) + y * .021) + rng.integers(0, 24, (h, w, 3))).clip(0, 255).astype(np.uint8))

def bench(name, transform, image):
    def once(n):
        start = time.process_time()
        for _ in range(n): transform(image.copy())
        return (time.process_time() - start) / n
    n = 1 + int(.05 / (once(1) + 1e-6))
    print("torchvision  %-44s %9.1f us" % (name, sorted(once(n) for _ in range(5))[2] * 1e6))

large, small = photo(500, 375), photo(224, 224)
bench("imagenet-train", T.Compose([T.RandomResizedCrop(224), T.RandomHorizontalFlip()]), large)
bench("imagenet-train-2 (no erasing)", T.Compose([T.RandomResizedCrop(176), T.RandomHorizontalFlip(), T.TrivialAugmentWide()]), large)
bench("imagenet-eval", T.Compose([T.Resize(256), T.CenterCrop(224)]), large)
bench("simclr", T.Compose([T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.RandomApply([T.ColorJitter(.8, .8, .8, .2)], .8), T.RandomGrayscale(.2), T.RandomApply([T.GaussianBlur(23)], .5)]), large)
for name, t in {
    "flip(1)": F.hflip, "crop(224,28)": T.RandomCrop(224, 28), "rotate(30)": T.RandomRotation(30), "rotate(30,bilinear)": T.RandomRotation(30, F.InterpolationMode.BILINEAR),
    "perspective(.5,1)": T.RandomPerspective(.5, 1), "jitter(.4)": T.ColorJitter(.4), "jitter(0,.4)": T.ColorJitter(0, .4), "jitter(0,0,.4)": T.ColorJitter(0, 0, .4), "jitter(hue=.1)": T.ColorJitter(hue=.1),
    "jitter(.4,.4,.4,.1)": T.ColorJitter(.4, .4, .4, .1), "grey(1)": T.Grayscale(3), "blur(23,.1-2)": T.GaussianBlur(23), "blur(23,2)": T.GaussianBlur(23, 2), "sharpness(2,1)": T.RandomAdjustSharpness(2, 1),
    "equalize(1)": F.equalize, "autocontrast(1)": F.autocontrast, "solarize(128,1)": lambda im: F.solarize(im, 128), "posterize(4,1)": lambda im: F.posterize(im, 4), "invert(1)": F.invert,
    "randaugment": T.RandAugment(), "trivial": T.TrivialAugmentWide()}.items(): bench(name, t, small)
