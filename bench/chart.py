#!/usr/bin/env python3
"""Draws bench/results-SET.csv, all sets in one picture: for each work how many times better kin is than the best of its rivals, with a mark where it
is to be. Speed first, memory below it; what has a figure of another kind (mAP) is not drawn.

    bench/chart.py [FOLDER [PICTURE.svg]]"""
import collections
import csv
import math
import pathlib
import sys
from html import escape

BAR, GAP, HEAD, LEFT, RIGHT, TOP, BOTTOM, WIDTH = 15, 9, 40, 330, 350, 66, 20, 1130
INK, FAINT, LINE = "#24292f", "#6e7781", "#d0d7de"
COLOURS = [("#2f6f4f", "#c98a4b"), ("#3b6ea5", "#d9a066"), ("#7a5ba6", "#e0b98a")]  # a set's bars where the aim is reached, and where not
TICKS, APART = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128), 30
LABELLED = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)
TILE = "the register tile alone"


def read(path):
    """The lines of each work and number of threads, the best rival's first. Memory only where there is an aim."""
    lines = {}
    with open(path, newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            aimless = line["work"].endswith(" memory") and not line["bar"]
            if line["ratio"] and line["unit"] not in ("mAP", "x") and not (aimless and (line["work"], int(line["threads"])) not in lines):
                lines.setdefault((line["work"], int(line["threads"])), []).append(line)
    return lines


def tables(folder):
    """By instruction set, in the order of their names."""
    return {path.stem[len("results-"):]: read(path) for path in sorted(pathlib.Path(folder).glob("results-*.csv"))}


def scale(lines):
    """Ratios are drawn by their logarithm: twice as good is as far to the right as half as good to the left."""
    values = [float(line[key]) for line in lines for key in ("ratio", "bar") if line[key]]
    low, high = min(values + [0.8]) / 1.1, max(values + [2.0]) * 1.1
    across = WIDTH - LEFT - RIGHT
    return (lambda ratio: LEFT + across * math.log(ratio / low) / math.log(high / low)), low, high


def text(x, y, words, anchor="start", colour=INK, size=13, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"{more}>{escape(words)}</text>'


def axis(at, low, high, top, bottom):
    """A label that would touch another is left out, never that of 1."""
    out, last = [], -APART
    for tick in (t for t in TICKS if low <= t <= high):
        out.append(f'<line x1="{at(tick):.1f}" y1="{top}" x2="{at(tick):.1f}" y2="{bottom}" stroke="{INK if tick == 1 else LINE}"/>')
        near_one = tick < 1 and at(1) - at(tick) < APART
        if tick in LABELLED and at(tick) - last >= APART and not near_one:
            out.append(text(at(tick), top - 5, f"{tick:g}×", "middle", FAINT, 12))
            last = at(tick)
    return out


def reached(lines):
    """Its aim, or its share of what the register tile alone gives (bench/run.py) where the aim is beyond that."""
    aims = [line for line in lines if line["bar"] and (line is lines[0] or line["rival_name"] == TILE)]
    return not aims or any(float(line["ratio"]) >= float(line["bar"]) for line in aims)


def bar(at, y, lines, one, colours):
    line = lines[0]
    ratio, colour = float(line["ratio"]), colours[0 if reached(lines) else 1]
    left, right = sorted((at(1), at(ratio)))
    out = [f'<rect x="{left:.1f}" y="{y:.1f}" width="{max(right - left, 1):.1f}" height="{BAR - 3}" rx="2" fill="{colour}"/>']
    if line["bar"]:
        x = at(float(line["bar"]))
        out.append(f'<line x1="{x:.1f}" y1="{y - 2:.1f}" x2="{x:.1f}" y2="{y + BAR - 1:.1f}" stroke="{INK}" stroke-width="2.5"/>')
    if one:
        out.append(f'<circle cx="{at(float(one[0]["ratio"])):.1f}" cy="{y + BAR / 2 - 1.5:.1f}" r="4" fill="#fff" stroke="{INK}" stroke-width="1.5"/>')
    shown = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
    out.append(text(WIDTH - RIGHT + 50, y + 10.5, shown, "end", colour, 12, ' font-weight="600"'))
    out.append(text(WIDTH - RIGHT + 60, y + 10.5, f'{line["kin"]} beside {line["rival"]} {line["unit"]}, {line["rival_name"]}', colour=FAINT, size=11))
    return out


def group(out, y, title, works, sets):
    """One heading with its axis, and the works below it. Returns where it ends."""
    most = max(threads for table in sets.values() for _, threads in table)
    shown = [table[key][0] for table in sets.values() for key in table if key[0] in works]
    at, low, high = scale(shown)
    rows = [(work, [name for name in sets if (work, most) in sets[name]]) for work in works]
    rows = [(work, names) for work, names in rows if names]
    bottom = y + HEAD + sum(BAR * len(names) + GAP for _, names in rows)
    out.append(text(LEFT - 12, y + HEAD - 6, title, "end", size=14, more=' font-weight="600"'))
    out += axis(at, low, high, y + HEAD, bottom)
    y += HEAD + GAP / 2
    for work, names in rows:
        out.append(text(LEFT - 12, y + BAR * len(names) / 2 + 3, work.removesuffix(" memory"), "end"))
        for name in names:
            one = sets[name].get((work, 1)) if most != 1 else None
            out += bar(at, y, sets[name][work, most], one, COLOURS[list(sets).index(name) % len(COLOURS)])
            y += BAR
        y += GAP
    return bottom


def key(sets):
    out, x = [], LEFT
    for i, (name, table) in enumerate(sets.items()):
        measured = collections.Counter((lines[0]["date"], lines[0]["processor"]) for lines in table.values())
        processor = max(measured, key=lambda m: (m[0], measured[m]))[1] # of the newest day, that of the most lines
        words = f"{name}: {processor}" if processor else name
        reaches, misses = COLOURS[i % len(COLOURS)]
        out.append(f'<rect x="{x}" y="{TOP - 26}" width="9" height="12" rx="2" fill="{reaches}"/><rect x="{x + 9}" y="{TOP - 26}" width="9" height="12" rx="2" fill="{misses}"/>')
        out.append(text(x + 26, TOP - 16, words, colour=FAINT, size=12))
        x += 60 + 7 * len(words)
    return out


def draw(sets, picture):
    sets = {name: table for name, table in sets.items() if table}
    if not sets:
        return
    works = list(dict.fromkeys(work for table in sets.values() for work, _ in table))
    most = max(threads for table in sets.values() for _, threads in table)
    out = []
    y = TOP
    for title, chosen in (("speed", [w for w in works if not w.endswith(" memory")]), ("memory", [w for w in works if w.endswith(" memory")])):
        if chosen:
            y = group(out, y, title, chosen, sets)
    height = y + BOTTOM
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" font-family="system-ui, sans-serif">',
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>',
            text(LEFT - 12, 24, "kin beside the best rival", "end", size=16),
            text(LEFT, 24, f"how many times faster, or smaller, with {most} threads; ○ with one; ┃ the aim; the second colour: not reached", colour=FAINT)]
    pathlib.Path(picture).write_text("\n".join(head + key(sets) + out + ["</svg>\n"]), encoding="utf-8")


if __name__ == "__main__":
    here = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
    draw(tables(here), sys.argv[2] if len(sys.argv) > 2 else here / "results.svg")
