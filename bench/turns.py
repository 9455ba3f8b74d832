"""bench/turns.h for Python: one measurement, `work,threads,unit,who,value`, for each line of standard input, and the memory at the end. A rival is
started as `python bench/PROGRAM.py RIVAL WORK THREADS` (RIVAL: torch, channels_last, compile, onnx, openvino, faiss, ...), and kin as
`BUILD/bench/PROGRAM WORK THREADS`.

    for _ in turns():
        began = time.perf_counter()
        ... the work ...
        row(work, threads, "img/s", "PyTorch", pictures / (time.perf_counter() - began))
    memory(work, threads, "PyTorch")
"""
import os
import sys

SECONDS = 0.5 # that a turn of what takes less lasts, as in bench/turns.h


def turns():
    """Waits for each turn; by hand, at a terminal or with BENCH_TURNS=n, they come by themselves."""
    if "BENCH_TURNS" in os.environ or sys.stdin.isatty():
        yield from range(int(os.environ.get("BENCH_TURNS", 6)))
    else:
        yield from sys.stdin


def row(work, threads, unit, who, value):
    print(f"{work},{threads},{unit},{who},{value:.6g}", flush=True)


def memory(work, threads, who):
    """The largest memory that the process has had (VmHWM; Linux alone tells it), in 10^6 bytes."""
    try:
        with open("/proc/self/status") as status:
            kibibytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return
    row(work, threads, "MB", who, kibibytes * 1024e-6)
