#!/usr/bin/env python3
"""Draws the roofline of a network's products and convolutions [Williams, Waterman and Patterson 2009] from a profile:

    kin forward --model resnet50 --profile-csv layers.csv
    bench/roofline.py layers.csv PICTURE.svg [TITLE]

Each disc is a layer: to the right the more operations there are for each byte of memory, upwards the faster; its area is its share of the time.
The roof is what the machine can do: its memory on the left, its arithmetic on the right."""
import csv
import math
import pathlib
import sys
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 520, 78, 30, 64, 64
INK, FAINT, LINE = "#24292f", "#6e7781", "#d8dee4"
KINDS = {"1x1": ("#2f6f9f", "1×1"), "3x3": ("#2f6f4f", "3×3"), "other": ("#b5651d", "others")}


def kind(name):
    """A bottleneck's middle convolution is its 3×3; the ResNets call its norm bn2."""
    last = name.rsplit(".", 1)[-1]
    if "." not in name:
        return "other"
    return "3x3" if last in ("bn2", "conv2") else "1x1"


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for key in row:
            if key not in ("layer", "op", "output"):
                row[key] = float(row[key])
        row["seconds"] = (row["forward_ms"] + row["backward_ms"]) * 1e-3
    return rows


def limits(rows):
    """GFLOP/s and GB/s of the machine: a row's share of its limit is that of the one it is nearer to, so the largest quotients are the limits."""
    flops = max(row["gflops"] / row["of_limit"] for row in rows if row["of_limit"] > 0)
    memory = max(row["mb"] * 1e-3 / row["seconds"] / row["of_limit"] for row in rows if row["of_limit"] > 0)
    return flops, memory


class Axis:
    """A logarithmic axis."""

    def __init__(self, low, high, begin, end):
        self.low, self.high, self.begin, self.end = low, high, begin, end

    def __call__(self, value):
        return self.begin + (self.end - self.begin) * math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self):
        decade = 10 ** math.floor(math.log10(self.low))
        while decade <= self.high:
            yield from (decade * k for k in (1, 2, 5) if self.low <= decade * k <= self.high)
            decade *= 10


def text(x, y, words, anchor="start", colour=INK, size=13, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"{more}>{escape(words)}</text>'


def grid(x, y):
    out = []
    for tick in x.ticks():
        out.append(f'<line x1="{x(tick):.1f}" y1="{TOP}" x2="{x(tick):.1f}" y2="{HEIGHT - BOTTOM}" stroke="{LINE}"/>')
        out.append(text(x(tick), HEIGHT - BOTTOM + 18, f"{tick:g}", "middle", FAINT, 12))
    for tick in y.ticks():
        out.append(f'<line x1="{LEFT}" y1="{y(tick):.1f}" x2="{WIDTH - RIGHT}" y2="{y(tick):.1f}" stroke="{LINE}"/>')
        out.append(text(LEFT - 8, y(tick) + 4, f"{tick:g}", "end", FAINT, 12))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, "operations for each byte of memory", "middle", FAINT))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(text(20, middle, "GFLOP/s", "middle", FAINT, more=f' transform="rotate(-90 20 {middle:.0f})"'))
    return out


def roof(x, y, flops, memory):
    ridge = flops / memory
    corner, start = x(max(ridge, x.low)), max(x.low, y.low / memory)
    label = f"memory: {memory:.0f} GB/s"
    slope = math.degrees(math.atan2(y(memory * x.low * 2) - y(memory * x.low), x(x.low * 2) - x(x.low)))
    at = math.sqrt(start * ridge)
    out = [f'<polyline points="{x(start):.1f},{y(start * memory):.1f} {corner:.1f},{y(flops):.1f} {WIDTH - RIGHT},{y(flops):.1f}" fill="none" stroke="{INK}" stroke-width="2"/>',
           text(WIDTH - RIGHT - 4, y(flops) - 8, f"arithmetic: {flops:.0f} GFLOP/s", "end")]
    if ridge > start * 1.5:
        out.append(text(x(at), y(at * memory) - 8, label, "middle", more=f' transform="rotate({slope:.1f} {x(at):.1f} {y(at * memory):.1f})"'))
    return out


def draw(rows, picture, title):
    flops, memory = limits(rows)
    layers = [dict(row, depth=row["gflop"] * 1e3 / row["mb"]) for row in rows if row["gflop"] > 0]
    x = Axis(min(min(l["depth"] for l in layers), flops / memory) / 2, max(l["depth"] for l in layers) * 1.6, LEFT, WIDTH - RIGHT)
    y = Axis(min(l["gflops"] for l in layers) / 1.6, max(flops, max(l["gflops"] for l in layers)) * 1.35, HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="system-ui, sans-serif">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', text(LEFT, 26, title, size=16)]
    at = LEFT
    for colour, words in KINDS.values():
        out.append(f'<circle cx="{at + 6}" cy="44" r="6" fill="{colour}" fill-opacity="0.6"/>' + text(at + 18, 48.5, words, colour=FAINT))
        at += 34 + 8 * len(words)
    out.append(text(at + 6, 48.5, "area: share of the time", colour=FAINT))
    out += grid(x, y) + roof(x, y, flops, memory)
    largest = max(l["share"] for l in layers)
    for l in sorted(layers, key=lambda l: -l["share"]):
        colour = KINDS[kind(l["layer"])][0]
        tip = f'{l["layer"]} {l["output"]}: {l["gflops"]:.0f} GFLOP/s, {100 * l["of_limit"]:.0f} % of the limit, {100 * l["share"]:.1f} % of the time'
        out.append(f'<circle cx="{x(l["depth"]):.1f}" cy="{y(l["gflops"]):.1f}" r="{3 + 11 * math.sqrt(l["share"] / largest):.1f}" fill="{colour}" fill-opacity="0.5" '
                   f'stroke="{colour}"><title>{escape(tip)}</title></circle>')
    out.append("</svg>\n")
    pathlib.Path(picture).write_text("\n".join(out), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    draw(read(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "layers")
