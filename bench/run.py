#!/usr/bin/env python3
"""Measures kin and what people would use instead, in turn in one run, and says how many times kin is better:

    make bench [ROWS="gemm resnet18"] [THREADS="2 1"] [TURNS=5] [BESIDE=0]
    make bench-check
    bench/run.py BUILD [--check] [WORD...]

Every participant of a row (bench/rows.py) is a process of its own that measures once when it is told to (bench/turns.h), so they take turns within
seconds of one another. The first turn is a rehearsal; the figure is the median of the others. A row ends after TURNS turns, or after 3 when they
take longer than half a minute. Rivals that are not installed are left out aloud; bench/rivals.sh installs them, and PYTHON names the interpreter
that has them. Those that are printed beside (torch.compile, which compiles for minutes) take part where the most threads do, unless BESIDE is 0.

Prints a table, and writes bench/results-SET.csv, SET being the instruction set of kin's kernels (rows that were not chosen stay as they are), and
bench/results.svg, which shows all sets. With --check nothing is written: seven short rows are measured, and those are named whose ratio is more than
a tenth below the one that is kept; it ends with status 1 then."""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import chart
from machine import Machine
from rows import ROWS, bar_of
from table import LARGER_IS_BETTER, Table

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = os.environ.get("PYTHON", "python3")
TURNS = int(os.environ.get("TURNS", 5))
THREADS = [int(n) for n in os.environ.get("THREADS", "2 1").split()]
ENOUGH_TURNS, ENOUGH_SECONDS = 3, 30
PAUSE = 0.2 # seconds before each turn: the threads of the one before may look out for work a while before they sleep
LIMITS = {"fma": "limit of this machine", "tile": "the register tile alone"} # bench/limits.c; the share of the first is what a row's `limit` asks
OF_THE_TILE = 0.95 # is enough where a row's bar is beyond what the register tile alone gives in the same run
FELL = 0.9 # of the ratio that is kept: what --check names


class Gone(Exception):
    """A participant ended; the message says why."""


class Participant:
    """One process. `who` and `unit` are known after its first turn."""

    def __init__(self, command, threads, beside=False):
        self.command, self.threads, self.beside = command, threads, beside
        self.values, self.who, self.unit, self.memory, self.process = [], "", "", None, None
        self.quality = None # mAP, of whole trainings

    def start(self):
        self.errors = tempfile.TemporaryFile("w+")
        environment = dict(os.environ, OMP_NUM_THREADS=str(self.threads), KIN_THREADS=str(self.threads))
        environment.pop("BENCH_TURNS", None)
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        except OSError as why:
            raise Gone(f"{self.command[0]}: {why.strerror}") from why

    def read(self):
        """The next measurement: unit, who, value. None at the end."""
        for line in self.process.stdout:
            fields = line.strip().split(",")
            if len(fields) == 5:
                return fields[2], fields[3], float(fields[4])
        return None

    def why(self):
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return lines[-1] if lines else f"ended with status {self.process.returncode}"

    def turn(self):
        if not self.process:
            self.start()
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError as why:
            raise Gone(self.why()) from why
        measured = self.read()
        if not measured:
            raise Gone(self.why())
        self.unit, self.who = measured[:2]
        self.values.append(measured[2])

    def finish(self):
        """Ends the process, which tells its memory."""
        if not self.process:
            return
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        while (measured := self.read()) is not None:
            if measured[0] == "MB":
                self.memory = measured[2]
            elif measured[0] == "mAP":
                self.quality = measured[2]
        self.process.wait()

    def median(self):
        return statistics.median(self.values[1:] or self.values)


def participants(row, build, threads):
    """kin, and the rivals."""
    program = build / "bench" / row.program if (HERE / f"{row.program}.c").exists() else HERE / f"{row.program}.sh"
    kin = Participant([str(program), row.work, str(threads)], threads)
    rivals = []
    for name in row.rivals.split():
        if name.startswith("+") and (threads != max(THREADS) or os.environ.get("BESIDE") == "0"):
            continue
        script = str(HERE / f"{row.program}.py")
        rivals.append(Participant([PYTHON, script, name.lstrip("+"), row.work, str(threads)], threads, name.startswith("+")))
    return kin, rivals


def take_turns(row, kin, others):
    """Lets all of them measure in turn. `others` loses those that cannot; raises Gone when kin cannot."""
    began, turns = None, 1 if row.once else TURNS + 1
    for turn in range(turns):
        if turn > ENOUGH_TURNS and time.monotonic() - began > ENOUGH_SECONDS:
            break
        for one in [kin, *others]:
            time.sleep(PAUSE)
            try:
                one.turn()
            except Gone as why:
                if one is kin:
                    raise
                print(f"    left out: {' '.join(one.command[1:3])}: {why}", flush=True)
                others.remove(one)
        began = began or time.monotonic()


def report(table, title, threads, unit, kin, rivals, bar):
    """`rivals` are (name, value, beside). The best of those that count comes first, with the bar."""
    better = lambda r: r[1] if unit in LARGER_IS_BETTER else -r[1]
    counted = sorted((r for r in rivals if not r[2]), key=better, reverse=True)
    table.forget(title, threads)
    if not counted:
        table.add(title, threads, unit, kin, bar=bar)
        if bar:
            print(f"{'':46} no rival here: bench/rivals.sh installs them", flush=True)
    for i, (name, value, _) in enumerate(counted + [r for r in rivals if r[2]]):
        table.add(title, threads, unit, kin, name, value, bar if i == 0 else None)
    return counted[0] if counted else None


def measure(row, build, threads, table):
    """Returns kin's figure and the best rival's for the scaling, or None."""
    kin, rivals = participants(row, build, threads)
    products = LIMITS if row.program == "gemm_conv" else ()
    limits = {work: Participant([str(build / "bench" / "limits"), work, str(threads)], threads) for work in products}
    taking_part = [*limits.values(), *rivals]
    try:
        take_turns(row, kin, taking_part)
    except Gone as why:
        print(f"{row.title}: left out: {why}", flush=True)
        return None
    finally:
        for one in [kin, *limits.values(), *rivals]:
            one.finish()
    there = [r for r in rivals if r in taking_part]
    bar = bar_of(row, table.machine.set)
    best = report(table, row.title, threads, kin.unit, kin.median(), [(r.who, r.median(), r.beside) for r in there], bar)
    for work, one in limits.items():
        beyond = best and bar and bar * best[1] > one.median()
        share = row.limit if work == "fma" else OF_THE_TILE if beyond else None
        table.add(row.title, threads, kin.unit, kin.median(), LIMITS[work], one.median(), share)
    if kin.memory:
        report(table, row.title + " memory", threads, "MB", kin.memory, [(r.who, r.memory, r.beside) for r in there if r.memory], row.memory)
    if kin.quality:
        report(table, row.title + " mAP", threads, "mAP", kin.quality, [(r.who, r.quality, r.beside) for r in there if r.quality], None)
    table.write()
    return kin.median(), best, kin.unit, {r.who: r.median() for r in there}


def scaling(row, table, figures):
    """How much the most threads gain over one, beside the best rival of the most threads."""
    most = max(figures)
    if 1 not in figures or most == 1 or not figures[1] or not figures[most]:
        return
    gain = lambda unit, many, one: many / one if unit in LARGER_IS_BETTER else one / many
    kin_one, _, unit, others_one = figures[1]
    kin_most, best, _, others_most = figures[most]
    title = f"{row.title} {most} threads over 1"
    rivals = [(best[0], gain(unit, others_most[best[0]], others_one[best[0]]), False)] if best and best[0] in others_one else []
    report(table, title, most, "x", gain(unit, kin_most, kin_one), rivals, None)
    table.write()


def measure_limits(build, table):
    for threads in THREADS:
        for work, title in (("fma", "limit of arithmetic"), ("memory", "limit of memory")):
            one = Participant([str(build / "bench" / "limits"), work, str(threads)], threads)
            try:
                for _ in range(4):
                    one.turn()
                report(table, title, threads, one.unit, max(one.values), [], None)
            except Gone as why:
                print(f"{title}: left out: {why}")
            one.finish()
    table.write()


def chosen(words):
    for row in ROWS:
        named = any(row.work.startswith(word) or row.program == word for word in words)
        if named or (not words and not row.once):
            yield row


def check(build, table, kept):
    """Measures some rows beside their rivals; returns how many are worse than they were."""
    fell = compared = 0
    for row in (row for row in ROWS if row.check):
        measure(row, build, max(THREADS), table)
        before, now = (lines.get((row.title, max(THREADS))) for lines in (kept, table.best()))
        if not before or not now or before["rival_name"] != now["rival_name"]:
            print(f"{row.title}: not compared: {'nothing is kept' if not before else 'another rival' if now else 'no rival here'}", flush=True)
            continue
        compared += 1
        if float(now["ratio"]) < FELL * float(before["ratio"]):
            fell += 1
            print(f"{row.title}: {now['ratio']} times {now['rival_name']}, where {before['ratio']} is kept", flush=True)
    print(f"{compared} rows compared with {table.path.name}, {fell} fell by more than a tenth")
    return fell if compared else -1


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, words = pathlib.Path(sys.argv[1]).resolve(), [word for word in sys.argv[2:] if word != "--check"]
    os.environ.setdefault("KIN", str(build / "kin"))  # for participants that are scripts
    rows = list(chosen(words))
    if not rows:
        sys.exit(f"no row is called {' or '.join(words)}; there are {', '.join(row.work for row in ROWS)}")
    machine = Machine(os.environ["KIN"], PYTHON)
    table = Table(pathlib.Path(os.environ.get("RESULTS", HERE / f"results-{machine.set}.csv")), machine)
    print(f"{'what':46} {'':20} {'kin':>10}  {'rival':24} {'':>10} {'ratio':>7} {'bar':>6}")
    if "--check" in sys.argv:
        kept, table.lines, table.writes = table.best(), [], False
        sys.exit(1 if check(build, table, kept) else 0)
    measure_limits(build, table)
    for row in rows:
        scaling(row, table, {threads: measure(row, build, threads, table) for threads in THREADS})
    chart.draw(chart.tables(table.path.parent), table.path.parent / "results.svg")


if __name__ == "__main__":
    main()
