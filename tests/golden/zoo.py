"""The networks of torchvision (and of efficientnet-lite-pytorch) with weights that are a function of name and index, for tests/test_zoo.c and
tests/*_zoo_gradients.c: writes zoo.txt and zoo.npy (outputs), zoo_gradients.txt, zoo_gradients_float.npy, zoo_smooth.npy and
zoo_shifts.npy, zoo_lite.npy and zoo_cifar.txt.

    python tests/golden/zoo.py DATA [outputs] [gradients] [float] [smooth] [lite] [cifar]

DATA is the folder of real data; the last two need its weights, `lite` also the package efficientnet-lite-pytorch."""
import pathlib, sys
import numpy as np
import torch, torchvision

here = pathlib.Path(__file__).parent
torch.set_num_threads(2)
U = np.uint64
GOLDEN = U(0x9e3779b97f4a7c15)
np.seterr(over="ignore")  # words wrap

# ---- base/random.c ----
def mix(z):
    z = (z ^ (z >> U(30))) * U(0xbf58476d1ce4e5b9)
    z = (z ^ (z >> U(27))) * U(0x94d049bb133111eb)
    return z ^ (z >> U(31))

def key_text(seed, text):
    h = U(0xcbf29ce484222325)
    for c in text.encode(): h = (h ^ U(c)) * U(0x100000001b3)
    return mix(mix(mix(U(seed) + GOLDEN) + h * GOLDEN + U(1)) + U(2))

def uniform(seed, name, count):
    return (mix(key_text(seed, name) + (np.arange(count, dtype=np.uint64) + U(1)) * GOLDEN) >> U(11)).astype(np.float64) * 2.0 ** -53

def numbers(name, shape):  # in [-1, 1)
    return torch.from_numpy((2 * uniform(1, name, int(np.prod(shape))) - 1).astype(np.float32).reshape(shape))

def fill(net):
    for name, t in net.state_dict().items():
        if name.endswith("num_batches_tracked"): continue
        u = uniform(1, name, t.numel())
        if name.endswith("running_var") or (t.ndim == 1 and name.endswith("weight")): v = 0.5 + u
        elif t.ndim == 1: v = 0.4 * u - 0.2
        else: v = (2 * u - 1) * np.sqrt(6 / (t.numel() // t.shape[0]))
        t.copy_(torch.from_numpy(v.astype(np.float32).reshape(t.shape)))
    return net

NAMES = "resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2 densenet121 densenet161 densenet169 densenet201 mobilenet_v2".split()
LITE = "efficientnet_lite0 efficientnet_lite1 efficientnet_lite2".split()

def make(name, classes, size=224):
    if name in LITE:
        import efficientnet_lite_pytorch as package
        from efficientnet_lite_pytorch import EfficientNet
        return EfficientNet.from_name(name.replace("_", "-"), num_classes=classes, image_size=size)
    return torchvision.models.get_model(name, weights=None, num_classes=classes)

def last_linear(net): return [m for m in net.modules() if isinstance(m, torch.nn.Linear)][-1]

# ---- values: one line a case, "network height width batch parameters first count row", numbers in zoo.npy ----
def outputs():
    lines, parts, at = [], [], 0
    for name in NAMES + LITE:
        sizes = [(64, 64, 2), (75, 91 if name not in LITE else 75, 1)]
        if name in ("resnet50", "densenet121", "mobilenet_v2", "efficientnet_lite0"): sizes.append((224, 224, 1))
        net = None
        for h, w, n in sizes:
            if net is None or name in LITE: net = fill(make(name, 1000, (h, w))).eval()
            kept = {}
            last_linear(net).register_forward_hook(lambda m, i, o: kept.update(pooled=i[0], logits=o))
            with torch.no_grad(): net(numbers("input", (n, 3, h, w)))
            values = torch.cat([kept["pooled"][-1], kept["logits"][-1, :100]]).numpy()
            parameters = sum(p.numel() for p in net.parameters())
            lines.append(f"{name} {h} {w} {n} {parameters} {at} {kept['pooled'].shape[1]} 100")
            print(lines[-1], np.abs(values).max(), flush=True)
            parts.append(values); at += len(values)
    (here / "zoo.txt").write_text("\n".join(lines) + "\n")
    np.save(here / "zoo.npy", np.concatenate(parts).astype(np.float32))

# ---- gradients in training mode of Σ logits·c ----
# zoo_gradients.txt, for float64: "= network input loss", then "name count norm" and six projections for each tensor.
# zoo_gradients_float.npy, for float32, one row after another for each network and input: the loss, then for each tensor in the
# text's order its norm, the error of PyTorch's own float32 and five projections.
NETWORKS = ("resnet18", "resnet50", "densenet121")

def gradient(name, given, n, size, kind, shifts={}):
    net = shifted(fill(make(name, 10)), shifts).to(kind).train()
    loss = (net(numbers(given, (n, 3, size, size)).to(kind)) * numbers("loss", (n, 10)).to(kind)).sum()
    loss.backward()
    return loss.item(), {k: p.grad.double().numpy().ravel() for k, p in net.named_parameters()}

def projections(k, g, count): return [g @ (2 * uniform(100 + i, k, g.size) - 1) for i in range(count)]

def gradients(path):
    with open(path, "w") as f:
        for name in NETWORKS:
            loss, exact = gradient(name, "input", 2, 64, torch.float64)
            f.write(f"= {name} input {loss:.15g}\n")
            for k, g in exact.items():
                f.write(f"{k} {g.size} {np.linalg.norm(g):.12g} " + " ".join(f"{v:.12g}" for v in projections(k, g, 6)) + "\n")

def gradients_float(path):
    rows = []
    for name in NETWORKS:
        for i in range(9):
            loss, exact = gradient(name, f"input{i}", 4, 96, torch.float64)
            rough = gradient(name, f"input{i}", 4, 96, torch.float32)[1]
            rows.append([loss] + [0] * 6)
            rows += [[np.linalg.norm(g), np.linalg.norm(rough[k] - g)] + projections(k, g, 5) for k, g in exact.items()]
            print(name, i, len(exact), flush=True)
    np.save(path, np.array(rows))

# ---- the same where the gradient is smooth ----
# A unit within rounding of its ReLU's kink makes the exact gradient itself a jump: which side float32 falls on is chance. Here every norm's
# bias is moved, by channel, so that no unit of any ReLU is near 0: the middle of the largest gap between units, among 127 steps of 1/256.
# zoo_shifts.npy: those steps, one row of bytes after another. zoo_smooth.npy: rows as in zoo_gradients_float.npy, with eight projections; the
# first of each input holds the loss and the input's number.
SMOOTH, STEP = 2, 256

def widest_gap(z):
    gaps = torch.stack([(z + k / STEP).abs().amin((0, 2, 3)) for k in range(-63, 64)])
    margin, k = gaps.max(0)
    return margin, k - 63

def ahead_of_relus(net, visit):
    """visit(name of the norm that ends ahead of a ReLU, what the ReLU reads) → what it is to read, for every ReLU in turn."""
    handles = []
    if isinstance(net, torchvision.models.DenseNet):
        for name, m in net.named_modules():
            if isinstance(m, torch.nn.BatchNorm2d): handles.append(m.register_forward_hook(lambda m, i, o, name=name: visit(name, o)))
        return handles
    def watch(block, norms):
        turn = []
        handles.append(block.register_forward_pre_hook(lambda m, i: turn.clear()))
        def reads(m, i):
            turn.append(1)
            return (visit(norms[len(turn) - 1], i[0]),)
        handles.append(block.relu.register_forward_pre_hook(reads))
    watch(net, ["bn1"])
    for name, m in net.named_modules():
        if name and hasattr(m, "relu"): watch(m, [f"{name}.{k}" for k in ("bn1", "bn2", "bn3") if hasattr(m, k)])
    return handles

def shifted(net, shifts):
    with torch.no_grad():
        for k, p in net.named_parameters():
            if k in shifts: p.add_(shifts[k].to(p.dtype) / STEP)
    return net

def find_shifts(name, given, n, size):
    net, shifts, margins = fill(make(name, 10)).double().train(), {}, []
    def visit(norm, z):
        margin, k = widest_gap(z)
        shifts[norm + ".bias"] = k
        margins.append((margin.min() / z.std()).item())
        return z + (k / STEP)[:, None, None]
    ahead_of_relus(net, visit)
    tie = []
    pool = [m for m in net.modules() if isinstance(m, torch.nn.MaxPool2d)][0]
    def two_largest(m, i):
        windows = torch.nn.functional.unfold(torch.nn.functional.pad(i[0], (1, 1, 1, 1)).reshape(-1, 1, size // 2 + 2, size // 2 + 2), 3, stride=2).topk(2, 1).values
        gap = windows[:, 0] - windows[:, 1]
        tie.append(gap[windows[:, 0] > 0].min().item())
        if tie[0] < 3e-6: raise ArithmeticError
    pool.register_forward_pre_hook(two_largest)
    with torch.no_grad(): net(numbers(given, (n, 3, size, size)).double())
    return shifts, min(margins), tie[0]

def gradients_smooth():
    rows, steps, (n, size) = [], [], (4, 96)
    for name in NETWORKS:
        i = found = 0
        while found < SMOOTH:
            given = f"smooth{i}"
            i += 1
            try: shifts, margin, tie = find_shifts(name, given, n, size)
            except ArithmeticError: continue # two of a maximum's window are all but equal
            found += 1
            loss, exact = gradient(name, given, n, size, torch.float64, shifts)
            rough = gradient(name, given, n, size, torch.float32, shifts)[1]
            steps += [shifts[k].to(torch.int8).numpy() for k in exact if k in shifts]
            rows.append([loss, i - 1] + [0] * 8)
            rows += [[np.linalg.norm(g), np.linalg.norm(rough[k] - g)] + projections(k, g, 8) for k, g in exact.items()]
            relative = [np.linalg.norm(rough[k] - g) / np.linalg.norm(g) for k, g in exact.items()]
            print(f"{name} {given}: no unit within {margin:.1e} deviations of 0, no maximum's rival within {tie:.1e}; PyTorch's float32 is off by "
                  f"{min(relative):.1e} to {max(relative):.1e}", flush=True)
    np.save(here / "zoo_smooth.npy", np.array(rows))
    np.save(here / "zoo_shifts.npy", np.concatenate(steps))

# ---- trained weights ----
def lite(data):
    from safetensors.torch import load_file
    net = make("efficientnet_lite0", 1000, (224, 224))
    net.load_state_dict(load_file(data / "weights/efficientnet_lite0-imagenet.safetensors"))
    kept = {}
    net._fc.register_forward_hook(lambda m, i, o: kept.update(pooled=i[0], logits=o))
    with torch.no_grad(): net.eval()(numbers("input", (1, 3, 224, 224)))
    np.save(here / "zoo_lite.npy", torch.cat([kept["pooled"][0], kept["logits"][0]]).numpy())

class Option(torch.nn.Module):  # akamaster/pytorch_resnet_cifar10's network, written anew
    def __init__(self, blocks):
        super().__init__()
        nn = torch.nn
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        c = 16
        for stage, width in enumerate((16, 32, 64)):
            layers = []
            for i in range(blocks):
                b = nn.Module()
                b.stride = 2 if stage and not i else 1
                b.conv1, b.bn1 = nn.Conv2d(c, width, 3, b.stride, 1, bias=False), nn.BatchNorm2d(width)
                b.conv2, b.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
                layers.append(b); c = width
            setattr(self, f"layer{stage + 1}", nn.ModuleList(layers))
        self.linear = nn.Linear(64, 10)
    def forward(self, x):
        F = torch.nn.functional
        x = F.relu(self.bn1(self.conv1(x)))
        for layer in (self.layer1, self.layer2, self.layer3):
            for b in layer:
                y = b.bn2(b.conv2(F.relu(b.bn1(b.conv1(x)))))
                missing = y.shape[1] - x.shape[1]
                skip = x if not missing else F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, missing // 2, missing - missing // 2))
                x = F.relu(y + skip)
        return self.linear(x.mean((2, 3)))

def cifar(data):
    from safetensors.torch import load_file
    raw = np.concatenate([np.fromfile(f, np.uint8).reshape(-1, 3073) for f in sorted((data / "cifar10").glob("*.bin"))])
    x = torch.from_numpy(raw[:, 1:].reshape(-1, 3, 32, 32).astype(np.float64) / 255)
    x = ((x - torch.tensor([.485, .456, .406])[:, None, None]) / torch.tensor([.229, .224, .225])[:, None, None]).float()
    with torch.no_grad():
        for name, blocks in (("resnet20", 3), ("resnet56", 9)):
            net = Option(blocks)
            net.load_state_dict(load_file(data / f"weights/{name}-cifar10.safetensors"), strict=False)
            y = torch.cat([net.eval()(x[i:i + 200]) for i in range(0, len(x), 200)])
            top = y.topk(2).values
            print(name, (y.argmax(1).numpy() == raw[:, 0]).sum(), "right; closest call", (top[:, 0] - top[:, 1]).min().item())
            with open(here / "zoo_cifar.txt", "w" if name == "resnet20" else "a") as f:
                f.write(f"{name} " + "".join(map(str, y.argmax(1).tolist())) + "\n")

if __name__ == "__main__":
    data = pathlib.Path(sys.argv[1])
    wanted = sys.argv[2:] or ["outputs", "gradients", "float", "smooth", "lite", "cifar"]
    if "outputs" in wanted: outputs()
    if "gradients" in wanted: gradients(here / "zoo_gradients.txt")
    if "float" in wanted: gradients_float(here / "zoo_gradients_float.npy")
    if "smooth" in wanted: gradients_smooth()
    if "lite" in wanted: lite(data)
    if "cifar" in wanted: cifar(data)
