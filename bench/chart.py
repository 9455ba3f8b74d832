#!/usr/bin/env python3
"""Draws bench/results.csv: for each work how many times better kin is than the best of its rivals, with a mark where it is to be.

    bench/chart.py [RESULTS.csv [PICTURE.svg]]"""
import csv
import math
import pathlib
import sys
from html import escape

ROW, LEFT, RIGHT, TOP, BOTTOM, WIDTH = 26, 330, 300, 74, 24, 1080
INK, FAINT, GOOD, SHORT, LINE = "#24292f", "#6e7781", "#2f6f4f", "#b5651d", "#d0d7de"


def read(path):
    """The lines with a ratio that are their work's first, which has the best rival; by work and threads. Memory where there is an aim."""
    first = {}
    with open(path, newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            aimless = line["work"].endswith(" memory") and not line["bar"]
            if line["ratio"] and not aimless and not line["work"].endswith("over 1"):
                first.setdefault((line["work"], int(line["threads"])), line)
    return first


def scale(lines):
    """Ratios are drawn by their logarithm: twice as good is as far to the right as half as good to the left."""
    values = [float(line[key]) for line in lines for key in ("ratio", "bar") if line[key]]
    low, high = min(values + [0.8]) / 1.1, max(values + [2.0]) * 1.1
    across = WIDTH - LEFT - RIGHT
    return (lambda ratio: LEFT + across * math.log(ratio / low) / math.log(high / low)), low, high


def text(x, y, words, anchor="start", colour=INK, size=13):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(words)}</text>'


def axis(at, low, high, bottom):
    out = []
    for tick in (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128):
        if low <= tick <= high:
            out.append(f'<line x1="{at(tick):.1f}" y1="{TOP - 8}" x2="{at(tick):.1f}" y2="{bottom}" stroke="{INK if tick == 1 else LINE}"/>')
            out.append(text(at(tick), TOP - 14, f"{tick:g}×", "middle", FAINT, 12))
    return out


def bar(at, y, line, one):
    ratio, aim = float(line["ratio"]), float(line["bar"]) if line["bar"] else None
    colour = GOOD if aim is None or ratio >= aim else SHORT
    left, right = sorted((at(1), at(ratio)))
    out = [text(LEFT - 12, y + 4.5, line["work"], "end"),
           f'<rect x="{left:.1f}" y="{y - 8}" width="{max(right - left, 1):.1f}" height="16" rx="2" fill="{colour}"/>']
    if aim is not None:
        out.append(f'<line x1="{at(aim):.1f}" y1="{y - 11}" x2="{at(aim):.1f}" y2="{y + 11}" stroke="{INK}" stroke-width="2.5"/>')
    if one:
        out.append(f'<circle cx="{at(float(one["ratio"])):.1f}" cy="{y}" r="4" fill="#fff" stroke="{INK}" stroke-width="1.5"/>')
    out.append(text(WIDTH - RIGHT + 12, y + 4.5, f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}", colour=colour))
    out.append(text(WIDTH - RIGHT + 54, y + 4.5, f'{line["rival_name"]} {line["rival"]} {line["unit"]}', colour=FAINT, size=12))
    return out


def draw(results, picture):
    first = read(results)
    if not first:
        return
    most = max(threads for _, threads in first)
    works = [work for work, threads in first if threads == most]
    at, low, high = scale(first.values())
    height = TOP + ROW * len(works) + BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="system-ui, sans-serif">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           text(LEFT - 12, 24, "kin beside the best rival", "end", size=16),
           text(LEFT, 24, f"how many times faster, or smaller, with {most} threads; ○ with one; ┃ the aim", colour=FAINT)]
    out += axis(at, low, high, height - BOTTOM + 4)
    for i, work in enumerate(works):
        out += bar(at, TOP + ROW * i + ROW / 2, first[work, most], first.get((work, 1)) if most != 1 else None)
    out.append("</svg>\n")
    pathlib.Path(picture).write_text("\n".join(out), encoding="utf-8")


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "results.csv"
    draw(source, sys.argv[2] if len(sys.argv) > 2 else source.with_suffix(".svg"))
