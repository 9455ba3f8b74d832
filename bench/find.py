"""What a search by PyTorch begins with, before it has looked at a picture: the start of Python and `import torch`, and nothing else. Programs such as rclip
do this, then load a network of 350 MB, and only then the index.

    python bench/find.py torch find-10000 THREADS"""
import subprocess, sys, time
from turns import row, turns

work, threads = sys.argv[2], int(sys.argv[3])
for _ in turns():
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import torch; torch.set_num_threads({threads})"], check=True)
    row(work, threads, "s", "PyTorch's start alone", time.perf_counter() - began)
