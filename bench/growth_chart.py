"""What bench/growth.py measures, the power by which it grows, and its picture: time above and memory below, both axes logarithmic."""
import csv
import math
import pathlib
import statistics

from chart import FAINT, INK, LINE, text

MODEL = "resnet18"

# growth: its title, its sizes, and the unit of a size
GROWTHS = {
    "batch": (f"batch: {MODEL}, 224×224", [1, 2, 4, 8, 16, 32, 64, 128, 256], "pictures"),
    "side": (f"side: {MODEL}, 8 pictures", [32, 64, 128, 224, 320, 512], "pixels"),
    "threads": (f"threads: {MODEL}, 16 of 224×224", [1, 2, 4, 8, 16], "threads"),
    "gallery": ("gallery: 1,000 queries, 512 numbers, top 100", [1000, 10_000, 100_000, 1_000_000], "items"),
    "training": ("training set: 20 steps of conv4, pictures of 32×32", [100, 1000, 10_000, 100_000], "pictures"),
    "start": ("indexed photographs: kin find, from start to end", [100, 1000, 10_000], "pictures"),
}


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


def megabytes(x):
    return f"{x / 1000:g} GB" if x >= 1000 else f"{x:g} MB"


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
    lower, at_x, sizes = curves(x, below, LOW, [(c, [(size, m) for size, _, m in rows]) for c, _, rows in points], megabytes)
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
    x = LEFT + 260
    for i, name in enumerate(tables):
        out += [f'<circle cx="{x}" cy="21" r="5" fill="{COLOURS[i % len(COLOURS)]}"/>', text(x + 10, 26, name, colour=FAINT)]
        x += 90
    for i, growth in enumerate(shown):
        left, top = LEFT + (PANEL + LEFT) * (i % COLUMNS), TOP + 30 + tall * (i // COLUMNS)
        out += panel(growth, left, top, {name: table.get(growth, []) for name, table in tables.items()})
    pathlib.Path(picture).write_text("\n".join(out + ["</svg>\n"]), encoding="utf-8")
