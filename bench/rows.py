"""What `make bench` measures: a table, one row a work. `bench/run.py` reads it."""
from collections import namedtuple

# work:    what the program is asked for, and how the row is chosen by name
# title:   how the tables, results-SET.csv, and the picture call it; without a comma
# program: bench/PROGRAM.c, or .sh, is kin's, bench/PROGRAM.py the rivals'
# rivals:  what bench/PROGRAM.py is asked for; a '+' ahead: printed beside, but kin's bar is against the others
# bar:     how many times kin is to be better than the best of them, or one for each instruction set; None: no aim
# memory:  the same for the largest memory, measured in the same processes; None: not looked at
# limit:   the share of this machine's limit of arithmetic that kin is to reach
# once:    a whole training, measured once, and only when it is named
# check:   one of the short rows of `make bench-check`
Row = namedtuple("Row", "work title program rivals bar memory limit once check", defaults=(None, None, None, False, False))

def bar_of(row, instructions):
    """The aim of a row where kin's kernels are of this instruction set."""
    return row.bar.get(instructions) if isinstance(row.bar, dict) else row.bar


networks = "torch channels_last onnx openvino +compile"
training = "torch channels_last"

ROWS = [
    Row("gemm-2048x2048x2048", "GEMM 2048×2048×2048", "gemm_conv", "torch", 1.0, limit=0.9, check=True),
    Row("gemm-50176x64x256", "GEMM 50176×64×256", "gemm_conv", "torch", {"avx2": 1.3, "avx512": 1.2}),
    Row("gemm-12544x128x512", "GEMM 12544×128×512", "gemm_conv", "torch", {"avx2": 1.3, "avx512": 1.15}),
    Row("gemm-784x2048x512", "GEMM 784×2048×512", "gemm_conv", "torch", {"avx2": 1.3, "avx512": 1.05}),
    Row("resnet18", "ResNet-18 16×224²", "networks", networks, {"avx2": 1.5, "avx512": 1.8}, check=True),
    Row("resnet50", "ResNet-50 16×224²", "networks", networks, {"avx2": 1.2, "avx512": 1.35}),
    Row("resnet50-1", "ResNet-50 1×224²", "networks", networks, {"avx2": 1.2, "avx512": 1.15}, check=True),
    Row("densenet161", "DenseNet-161 16×224²", "networks", networks, {"avx2": 1.4, "avx512": 1.5}),
    Row("efficientnet_lite0", "EfficientNet-Lite0 16×224²", "networks", networks, 1.3, check=True),
    Row("train-resnet18", "training ResNet-18 64×64²", "training", training, {"avx2": 2.3, "avx512": 2.5}, 2.0, check=True),
    Row("train-resnet50", "training ResNet-50 32×64²", "training", training, {"avx2": 1.7, "avx512": 1.8}, 2.0),
    Row("train-densenet121", "training DenseNet-121 16×64²", "training", training, {"avx2": 2.0, "avx512": 2.2}, 2.0),
    Row("train-efficientnet_lite0", "training EfficientNet-Lite0 64×160²", "training", training, {"avx2": 3.0, "avx512": 4.0}, 2.0),
    Row("train-conv4", "training conv4 128×28² batch-hard", "training", training, {"avx2": 2.5, "avx512": 3.3}, 2.0, check=True),
    Row("omniglot", "training conv4 on Omniglot 3000 steps", "omniglot", "torch", 2.5, once=True),
    Row("search-18027x36748x512x1000", "search 18027×36748×512 top 1000", "retrieval", "faiss", {"avx2": 1.8, "avx512": 5.0}),
    Row("search-18027x36748x1536x1000", "search 18027×36748×1536 top 1000", "retrieval", "faiss", 1.35),
    Row("search-18027x36748x512x100", "search 18027×36748×512 top 100", "retrieval", "faiss", 1.3),
    Row("search-1x36748x512x100", "search 1×36748×512 top 100", "retrieval", "faiss", 1.5, check=True),
    Row("search-7000x36748x512x1000", "search 7000×36748×512 top 1000", "retrieval", "faiss"),
    Row("find-10000", "kin find among 10000 photographs", "find", "torch", 5),
    Row("rerank-2000x4000x256x100", "k-reciprocal N = 6000", "retrieval", "numpy", 30, 20),
    Row("rerank-5000x11000x256x100", "k-reciprocal N = 16000", "retrieval", "numpy", 50, once=True),
    Row("jaccard-1x6000x256x100", "Jaccard N = 6000", "retrieval", "jaccard", 5),
    Row("rerank-7000x36748x1536x1000", "k-reciprocal 7000 + 36748", "retrieval", "", once=True),
    Row("rerank-18027x36748x1536x1000", "k-reciprocal 18027 + 36748", "retrieval", "", once=True),
    Row("chain-18027x36748x1536x1000", "DBA αQE k-reciprocal 18027 + 36748", "retrieval", "", once=True),
]
