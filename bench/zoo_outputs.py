"""Outputs of the zoo beside torchvision's (and efficientnet-lite-pytorch's), with the same random weights and batch norms whose statistics are
random too; the largest difference of pooled features and logits relative to the largest number, and PyTorch's own from its float64.

    python bench/zoo_outputs.py KIN [MODEL...]

The weights go through a .pth file, the pictures through .npy: what is compared is what a person would get from kin forward."""
import pathlib, subprocess, sys, tempfile, time
import numpy as np
import torch, torchvision

kin = sys.argv[1]
TORCHVISION = """resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2
    densenet121 densenet161 densenet169 densenet201 mobilenet_v2""".split()
LITE = "efficientnet_lite0 efficientnet_lite1 efficientnet_lite2".split()
SIZES = ((224, 224), (193, 161))


def make(name, size):
    if name in LITE: # its padding is fixed when it is made, for square pictures
        from efficientnet_lite_pytorch import EfficientNet
        return EfficientNet.from_name(name.replace("_", "-"), image_size=size)
    return torchvision.models.get_model(name, weights=None)


def scatter(net, seed):
    torch.manual_seed(seed)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(m.weight, .5, 1.5), torch.nn.init.normal_(m.bias, 0, .1)
            m.running_mean.normal_(0, .1), m.running_var.uniform_(.5, 1.5)
    return net.eval()


def through(net, x):
    kept = {}
    last = [m for m in net.modules() if isinstance(m, torch.nn.Linear)][-1]
    handle = last.register_forward_hook(lambda m, i, o: kept.update(pooled=i[0], output=o))
    with torch.no_grad(): net(x)
    handle.remove()
    return {k: v.double().numpy() for k, v in kept.items()}


def far(a, b): return np.abs(a - b).max() / np.abs(b).max()


print(f"{'network':20}{'input':>10}  {'features':>9}{'logits':>9}   PyTorch float32 from float64: features, logits; kin from float64")
worst = 0
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for name in sys.argv[2:] or TORCHVISION + LITE:
        state = None
        for height, width in SIZES if name not in LITE else ((224, 224), (193, 193)):
            torch.manual_seed(1)
            net = scatter(make(name, (height, width)), 2)
            if state is not None: net.load_state_dict(state)
            state = net.state_dict()
            torch.save(state, folder / "w.pth")
            x = torch.randn(2, 3, height, width)
            np.save(folder / "x.npy", x.numpy())
            want, exact = through(net, x), through(net.double(), x.double())
            off = {}
            for part, words in (("output", []), ("pooled", ["--tap", "pooled"])):
                subprocess.run([kin, "forward", "--quiet", "--model", name, "--weights", folder / "w.pth", "--classes", "1000", "--input", folder / "x.npy",
                                "--out", folder / "y.npy", *words], check=True)
                y = np.load(folder / "y.npy").astype(np.float64)
                off[part] = far(y, want[part]), far(want[part], exact[part]), far(y, exact[part])
            (f, ft, fk), (l, lt, lk) = off["pooled"], off["output"]
            worst = max(worst, f, l)
            print(f"{name:20}{f'{height}x{width}':>10}  {f:9.1e}{l:9.1e}   {ft:9.1e}{lt:9.1e}  {fk:9.1e}{lk:9.1e}", flush=True)
            net.float()
print(f"worst {worst:.1e}, {'within' if worst <= 1e-4 else 'BEYOND'} 1e-4")
