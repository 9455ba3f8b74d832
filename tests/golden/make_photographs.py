"""What PyTorch and Pillow make of some photographs: EfficientNet-Lite0's pooled features of unit length.

    python make_photographs.py DATA      (DATA holds grocery/ and weights/; needs efficientnet-lite-pytorch, safetensors)

writes photographs.npy [n, 1280] and photographs.txt, the paths below DATA."""
import os
import sys

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import load_file
from torchvision import transforms

data, here = sys.argv[1], os.path.dirname(os.path.abspath(__file__))
net = EfficientNet.from_name("efficientnet-lite0").eval()
net.load_state_dict(load_file(os.path.join(data, "weights", "efficientnet_lite0-imagenet.safetensors")))
prepare = transforms.Compose([transforms.Resize(256, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224)])
paths = sorted(os.path.relpath(os.path.join(r, f), data) for r, _, names in os.walk(os.path.join(data, "grocery")) for f in names if f.endswith(".jpg"))[::200]
rows = []
with torch.no_grad():
    for path in paths:
        pixels = np.asarray(prepare(Image.open(os.path.join(data, path)).convert("RGB")), np.float32)
        x = torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)[None]
        features = net.extract_features(x).mean((2, 3))[0]
        rows.append((features / features.norm()).numpy())
np.save(os.path.join(here, "photographs.npy"), np.stack(rows))
with open(os.path.join(here, "photographs.txt"), "w") as f:
    f.writelines(path + "\n" for path in paths)
