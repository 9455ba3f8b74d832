#!/bin/sh
# Installs what `make bench` compares kin with, into a virtual environment of its own, and prints the versions:
#
#   bench/rivals.sh [FOLDER]                 out/rivals unless said otherwise; about 2 GB
#   make bench PYTHON=out/rivals/bin/python
set -eu
folder=${1:-out/rivals}
${PYTHON:-python3} -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check \
    torch torchvision onnx onnxruntime openvino faiss-cpu numpy scipy scikit-learn pillow pytorch-metric-learning efficientnet-lite-pytorch
"$folder/bin/python" - <<'END'
from importlib.metadata import version
for package in "torch torchvision onnxruntime openvino faiss-cpu numpy scipy scikit-learn pillow pytorch-metric-learning efficientnet-lite-pytorch".split():
    print(f"{package} {version(package)}")
END
