#!/usr/bin/env python3
"""How kin's time and memory grow with the work, and with which power:

    make bench-growth [ROWS="batch side threads gallery training start"]
    bench/growth.py BUILD [WORD...]

Each point is a process of its own, the median of three turns after a rehearsal (bench/turns.h), or of three runs of the program. Prints a table, writes
bench/growth-SET.csv (what was not chosen stays) and bench/growth.svg: one picture for each kind of growth, time above and memory below, both axes
logarithmic. The power is the slope of the upper half of the points, where what does not grow no longer counts."""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import growth_chart
from growth_chart import GROWTHS, MODEL, power, read
from machine import Machine
from table import write_csv

HERE = pathlib.Path(__file__).resolve().parent
HEADER = "growth,size,seconds,memory,date,processor".split(",")
CORES = len(os.sched_getaffinity(0))
ORDER = list(GROWTHS)


def by_turns(build, program, work, threads):
    """What a program of bench/ measures: the median of its turns, and its largest memory in MB."""
    ran = subprocess.run([build / "bench" / program, work, str(threads)], stdout=subprocess.PIPE, text=True, check=True, env=dict(os.environ, BENCH_TURNS="4"))
    fields = [line.split(",") for line in ran.stdout.splitlines()]
    values = [float(f[4]) for f in fields if f[2] != "MB"][1:]
    return statistics.median(values), float(next(f[4] for f in fields if f[2] == "MB"))


def network(build, batch, side, threads):
    """Seconds of a batch."""
    rate, memory = by_turns(build, "networks", f"{MODEL}-{batch}x{side}", threads)
    return batch / rate, memory


def timed(command):
    """Seconds and MB of a run of the program, the median of three."""
    runs = []
    for _ in range(3):
        began = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise subprocess.CalledProcessError(status, command, stderr=said.decode(errors="replace").strip())
        runs.append((time.monotonic() - began, usage.ru_maxrss * 1024e-6))
    return tuple(statistics.median(column) for column in zip(*runs))


def pictures(kin, folder, count):
    """Drawn ones, ten of a product."""
    subprocess.run([kin, "synth", folder, "--products", str(count // 10), "--views", "10", "--size", "32", "--quiet"], check=True)


def training(kin, count):
    with tempfile.TemporaryDirectory() as folder:
        pictures(kin, f"{folder}/set", count)
        return timed([kin, "train", f"{folder}/set", "--model", "conv4", "--size", "32", "--steps", "20", "--out", f"{folder}/run", "--force", "--quiet"])


def start(kin, count):
    with tempfile.TemporaryDirectory() as folder:
        pictures(kin, f"{folder}/set", count)
        subprocess.run([kin, "index", f"{folder}/set", "--model", "handmade", "--out", f"{folder}/index", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        picture = min(pathlib.Path(f"{folder}/set").rglob("*.png"))
        return timed([kin, "find", picture, "--index", f"{folder}/index", "--quiet"])


def measure(growth, size, build, kin):
    if growth == "batch":
        return network(build, size, 224, CORES)
    if growth == "side":
        return network(build, 8, size, CORES)
    if growth == "threads":
        return network(build, 16, 224, size)
    if growth == "gallery":
        return by_turns(build, "retrieval", f"search-1000x{size}x512x100", CORES)
    return {"training": training, "start": start}[growth](kin, size)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, words = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:] or list(GROWTHS)
    if unknown := [word for word in words if word not in GROWTHS]:
        sys.exit(f"there is no growth {unknown[0]}; there are {', '.join(GROWTHS)}")
    kin = str(build / "kin")
    machine = Machine(kin, sys.executable)
    folder = pathlib.Path(os.environ.get("RESULTS", HERE))
    path = folder / f"growth-{machine.set}.csv"
    lines = [line for line in (read(path) if path.exists() else []) if line["growth"] not in words]
    for growth in words:
        points = []
        for size in (n for n in GROWTHS[growth][1] if growth != "threads" or n <= CORES):
            took, memory = measure(growth, size, build, kin)
            points.append((size, took))
            lines.append(dict(zip(HEADER, [growth, size, f"{took:.4g}", f"{memory:.4g}", time.strftime("%Y-%m-%d"), machine.processor])))
            print(f"{growth:10} {size:8} {took:10.4g} s {memory:8.4g} MB", flush=True)
        print(f"{growth:10} power {power(points):.2f}", flush=True)
        write_csv(path, HEADER, sorted(lines, key=lambda line: (ORDER.index(line["growth"]), int(line["size"]))))
    growth_chart.draw(growth_chart.tables(folder), folder / "growth.svg")


if __name__ == "__main__":
    main()
