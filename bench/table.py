"""The tables of what was measured, bench/results-SET.csv, one for each instruction set."""
import csv
import time

from rows import ROWS

HEADER = "work,threads,unit,kin,rival_name,rival,ratio,bar,date,versions,processor".split(",")
LARGER_IS_BETTER = {"GFLOP/s", "GB/s", "img/s", "x", "mAP"}


def ratio(unit, kin, rival):
    return kin / rival if unit in LARGER_IS_BETTER else rival / kin


def write_csv(path, header, lines):
    """Aside, and renamed."""
    beside = path.with_suffix(".csv.new")
    with open(beside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    beside.replace(path)


class Table:
    """The lines of such a file: those of earlier runs, less what is measured anew. `machine` tells what measures (bench/machine.py)."""

    def __init__(self, path, machine):
        self.path, self.machine, self.lines, self.writes = path, machine, [], True
        if path.exists():
            with open(path, newline="", encoding="utf-8") as file:
                self.lines = [line for line in csv.DictReader(file) if list(line) == HEADER]

    def forget(self, work, threads):
        self.lines = [line for line in self.lines if (line["work"], line["threads"]) != (work, str(threads))]

    def add(self, work, threads, unit, kin, rival_name="", rival=None, bar=None):
        improved = None if rival is None else ratio(unit, kin, rival)
        show = lambda x, form: "" if x is None else format(x, form)
        measured = [work, str(threads), unit, f"{kin:.4g}", rival_name, show(rival, ".4g"), show(improved, ".3g"), show(bar, "g")]
        by = [time.strftime("%Y-%m-%d"), self.machine.versions(rival_name), self.machine.processor]
        self.lines.append(dict(zip(HEADER, measured + by)))
        unit_shown = f"{unit}, {threads} thread{'s' if threads != 1 else ''}"
        print(f"{work:46} {unit_shown:20} {kin:10.4g}  {rival_name:24} {show(rival, '10.4g'):>10} {show(improved, '7.2f'):>7} {show(bar, '6.2f'):>6}", flush=True)

    def best(self):
        """For each work and number of threads the line with the best rival, which is its first."""
        first = {}
        for line in self.lines:
            if line["ratio"]:
                first.setdefault((line["work"], int(line["threads"])), line)
        return first

    def write(self):
        if self.writes:
            write_csv(self.path, HEADER, sorted(self.lines, key=place))


def place(line):
    """Lines in the order of the rows, the most threads first."""
    titles = [row.title for row in ROWS]
    return next((i for i, title in enumerate(titles) if line["work"].startswith(title)), -1), line["work"], -int(line["threads"])
