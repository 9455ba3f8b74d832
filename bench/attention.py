"""PyTorch beside bench/attention.c: the modules of tests/golden/attention.py in float32, forward and backward in training.

    OMP_NUM_THREADS=2 python bench/attention.py"""
import os, pathlib, time
import torch, torch.nn as nn

path = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "attention.py"
source = path.read_text().split("cases = {")[0] # the modules alone
golden = {}
exec(compile(source, str(path), "exec"), golden)
torch.set_default_dtype(torch.float32)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))

class Pool(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, x): return self.f(x)

makers = {
    "se": lambda c: golden["SqueezeExcitation"](c, c // 16), "eca": golden["ECA"], "cbam": lambda c: golden["CBAM"](c, 16), "sca": golden["SCA"],
    "gap": lambda c: Pool(lambda x: x.mean((2, 3))), "gmp": lambda c: Pool(lambda x: x.amax((2, 3))), "gem": lambda c: golden["GeM"](),
}
print("PyTorch", torch.__version__, torch.get_num_threads(), "threads")
for kind, make in makers.items():
    for n, h, w, c in ((32, 8, 8, 512), (16, 28, 28, 128)):
        module = make(c).float().train()
        best = {}
        for name, layout in (("channels first", torch.contiguous_format), ("channels last", torch.channels_last)):
            x = (torch.arange(n * h * w * c) * 7919 % 9973 / 9973 - 0.3).reshape(n, c, h, w).contiguous(memory_format=layout).requires_grad_()
            seconds = []
            for i in range(-2, 15):
                start = time.perf_counter()
                module(x).sum().backward()
                if i >= 0: seconds.append(time.perf_counter() - start)
                x.grad = None
            best[name] = sorted(seconds)[7]
        name = min(best, key=best.get)
        print(f"{kind:6s} {n}x{h}x{w}x{c} {best[name] * 1e3:9.3f} ms ({name})")
