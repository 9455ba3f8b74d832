#!/usr/bin/env python3
"""How kin's time and memory grow with the work, and with which power:

    make bench-growth [ROWS="batch side threads gallery training start"]
    bench/growth.py BUILD [WORD...]

Each point is a process of its own, the median of three turns after a rehearsal (bench/turns.h), or of three runs of the program. Prints a table, writes
bench/growth-SET.csv (what was not chosen stays) and bench/growth.svg: one picture for each kind of growth, time above and memory below, both axes
logarithmic. The power is the slope of the upper half of the points, where what does not grow no longer counts."""
import csv
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from chart import FAINT, INK, LINE, text
from machine import Machine

HERE = pathlib.Path(__file__).resolve().parent
HEADER = "growth,size,seconds,memory,date,processor".split(",")
CORES = len(os.sched_getaffinity(0))
MODEL = "resnet18"

# growth: its title, its sizes, and the unit of a size
GROWTHS = {
    "batch": (f"batch: {MODEL}, 224×224", [1, 2, 4, 8, 16, 32, 64, 128, 256], "pictures"),
    "side": (f"side: {MODEL}, 8 pictures", [32, 64, 128, 224, 320, 512], "pixels"),
    "threads": (f"threads: {MODEL}, 16 of 224×224", [n for n in (1, 2, 4, 8, 16) if n <= CORES], "threads"),
    "gallery": ("gallery: 1,000 queries, 512 numbers, top 100", [1000, 10_000, 100_000, 1_000_000], "items"),
    "training": ("training set: 20 steps of conv4, pictures of 32×32", [100, 1000, 10_000, 100_000], "pictures"),
    "start": ("indexed photographs: kin find, from start to end", [100, 1000, 10_000], "pictures"),
}


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


def power(points):
    """The slope of the upper half of log time over log size, by least squares."""
    upper = sorted(points)[(len(points) - 1) // 2:]
    x, y = ([math.log(p[i]) for p in upper] for i in (0, 1))
    mx, my = statistics.mean(x), statistics.mean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x) if len(upper) > 1 else math.nan


# The picture: three panels a row, time above memory.
PANEL, HIGH, LOW, LEFT, TOP, GAP, COLUMNS = 330, 130, 80, 62, 62, 62, 3
COLOURS = ["#2f6f4f", "#3b6ea5", "#7a5ba6"]


def short(x):
    for limit, sign in ((1e6, "M"), (1e3, "k")):
        if x >= limit:
            return f"{x / limit:g}{sign}"
    return f"{x:g}"


def decades(values):
    return range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)


def curves(x, y, high, series, form):
    """One panel: `series` are (colour, points) with a size and a value."""
    sizes, values = [p[0] for _, points in series for p in points], [p[1] for _, points in series for p in points]
    across = PANEL - 10
    span = math.log(max(sizes) / min(sizes)) or 1
    ticks = decades(values)
    at_x = lambda size: x + across * math.log(size / min(sizes)) / span
    at_y = lambda value: y + high - high * (math.log10(value) - ticks[0]) / max(ticks[-1] - ticks[0], 1)
    out = []
    for tick in ticks:
        out.append(f'<line x1="{x}" y1="{at_y(10 ** tick):.1f}" x2="{x + across}" y2="{at_y(10 ** tick):.1f}" stroke="{LINE}"/>')
        out.append(text(x - 6, at_y(10 ** tick) + 4, form(10 ** tick), "end", FAINT, 11))
    for colour, points in series:
        line = " ".join(f"{at_x(size):.1f},{at_y(value):.1f}" for size, value in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{at_x(size):.1f}" cy="{at_y(value):.1f}" r="3.5" fill="{colour}"/>' for size, value in points]
    return out, at_x, sorted(set(sizes))


def seconds(value):
    return f"{value:g} s" if value >= 1 else f"{value * 1e3:g} ms" if value >= 1e-3 else f"{value * 1e6:g} µs"


def panel(growth, x, y, tables):
    title, _, unit = GROWTHS[growth]
    points = [(COLOURS[i % len(COLOURS)], name, rows) for i, (name, rows) in enumerate(tables.items()) if rows]
    powers = ", ".join(f"{name} {power([(size, s) for size, s, _ in rows]):.2f}" for _, name, rows in points)
    upper, _, _ = curves(x, y, HIGH, [(c, [(size, s) for size, s, _ in rows]) for c, _, rows in points], seconds)
    below = y + HIGH + 22
    lower, at_x, sizes = curves(x, below, LOW, [(c, [(size, m) for size, _, m in rows]) for c, _, rows in points], lambda v: f"{short(v)} MB")
    out = [text(x, y - 24, title, size=13, more=' font-weight="600"'), text(x, y - 9, f"power: {powers}", colour=FAINT, size=12)] + upper + lower
    last = -100
    for size in sizes:
        if at_x(size) - last > 34:
            last = at_x(size)
            out.append(text(last, below + LOW + 16, short(size), "middle", FAINT, 11))
    return out + [text(x + PANEL - 10, below + LOW + 30, unit, "end", FAINT, 11)]


def draw(tables, picture):
    """`tables`: by set, by growth, the (size, seconds, memory)."""
    shown = [growth for growth in GROWTHS if any(table.get(growth) for table in tables.values())]
    tall = HIGH + LOW + 22 + 46 + GAP
    width, height = LEFT + COLUMNS * (PANEL + LEFT), TOP + 30 + tall * math.ceil(len(shown) / COLUMNS)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="system-ui, sans-serif">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           text(LEFT, 26, "How time and memory grow", size=16, colour=INK)]
    x = LEFT + 220
    for i, name in enumerate(tables):
        out += [f'<circle cx="{x}" cy="21" r="5" fill="{COLOURS[i % len(COLOURS)]}"/>', text(x + 10, 26, name, colour=FAINT)]
        x += 90
    for i, growth in enumerate(shown):
        left, top = LEFT + (PANEL + LEFT) * (i % COLUMNS), TOP + 30 + tall * (i // COLUMNS)
        out += panel(growth, left, top, {name: table.get(growth, []) for name, table in tables.items()})
    pathlib.Path(picture).write_text("\n".join(out + ["</svg>\n"]), encoding="utf-8")


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tables(folder):
    """What draw() takes, of all sets in the folder."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("growth-*.csv")):
        table = found.setdefault(path.stem[len("growth-"):], {})
        for line in read(path):
            table.setdefault(line["growth"], []).append((int(line["size"]), float(line["seconds"]), float(line["memory"])))
    return found


def write(path, lines):
    order = list(GROWTHS)
    beside = path.with_suffix(".csv.new")
    with open(beside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(lines, key=lambda line: (order.index(line["growth"]), int(line["size"]))))
    beside.replace(path)


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
        for size in GROWTHS[growth][1]:
            took, memory = measure(growth, size, build, kin)
            points.append((size, took))
            lines.append(dict(zip(HEADER, [growth, size, f"{took:.4g}", f"{memory:.4g}", time.strftime("%Y-%m-%d"), machine.processor])))
            print(f"{growth:10} {size:8} {took:10.4g} s {memory:8.4g} MB", flush=True)
        print(f"{growth:10} power {power(points):.2f}", flush=True)
        write(path, lines)
    draw(tables(folder), folder / "growth.svg")


if __name__ == "__main__":
    main()
