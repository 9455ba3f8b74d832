"""What measures: the instruction set of kin's kernels, the processor, the versions of kin and of its rivals."""
import functools
import json
import subprocess

PACKAGES = {"PyTorch": "torch", "torch.compile": "torch", "ONNX Runtime": "onnxruntime", "OpenVINO": "openvino", "FAISS": "faiss-cpu",
            "published in NumPy": "numpy"}


class Machine:
    """`kin` is the program, `python` the interpreter that has the rivals. What cannot be found out is left empty."""

    def __init__(self, kin, python):
        self.python = python
        try:
            told = json.loads(subprocess.run([kin, "machine", "--unmeasured", "--json"], capture_output=True, text=True, check=True).stdout)
        except (OSError, subprocess.CalledProcessError, ValueError):
            told = {}
        self.set = told.get("instruction set", "generic")
        self.processor = told.get("processor", "").replace(",", "") + (f" {told['processors']} cores" if "processors" in told else "")
        self.kin = " ".join(filter(None, [told.get("version", "kin"), told.get("compiler", "")]))

    @functools.lru_cache(None)
    def version(self, package):
        ask = f"from importlib.metadata import version; print(version({package!r}))"
        try:
            return subprocess.run([self.python, "-c", ask], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return ""

    def versions(self, rival):
        """As `kin 0.1.0 gcc 12.2.0; torch 2.9.1`."""
        package = next((package for name, package in PACKAGES.items() if rival.startswith(name)), None)
        number = self.version(package) if package else ""
        return f"{self.kin}; {package} {number}" if number else self.kin
