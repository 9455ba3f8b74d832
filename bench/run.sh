#!/bin/sh
# Times kin and, where PyTorch is installed, PyTorch on the same shapes, in turn:   bench/run.sh BUILD [THREADS]
# PYTHON names an interpreter that has torch and numpy (faiss for retrieval; torchvision and Pillow for pictures).
set -u
build=$1
threads=${2:-$(nproc)}
python=${PYTHON:-python3}
KIN_THREADS=$threads "$build/bench/gemm_conv" "$threads"
if "$python" -c "import torch" 2>/dev/null; then OMP_NUM_THREADS=$threads "$python" bench/gemm_conv.py 7; else echo "no PyTorch here (PYTHON=$python): no rival beside these"; fi
if "$python" -c "import torch, torchvision, PIL" 2>/dev/null; then "$python" bench/pictures_peers.py "$build"; else "$build/bench/pictures" && echo "no torchvision or Pillow here (PYTHON=$python): no rival beside these"; fi
