#!/usr/bin/env python3
"""The work of tests/mutate.sh: finds the places of a room that can be broken, breaks a random choice of them one at a time, and runs the
room's test programs until one notices. Run in a copy of the tree: it writes nothing outside of build/.

A place is a token of a line (never in a comment, a string, a directive or an assertion), and what becomes of it: a comparison next to it, the
opposite sign, a number one larger, a condition always or never true, a statement left out. A mutant whose object file is the original's is
equivalent by itself and another is taken; so is one that does not compile."""
import collections
import concurrent.futures
import glob
import os
import random
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import threading

# Words of the test programs' names, room by room. (both_sets keeps checksums, which other compiler's options change.)
TESTS = {
    'kernels': 'both_blocking both_gemm both_conv both_winograd both_norm both_folded both_inverted both_stem both_ops both_pools both_products '
               'test_conv_choose both_golden both_layers both_wide both_large test_scan machine.test',
    'autograd': 'both_ops both_pools both_products both_layers both_modules both_norm both_conv both_deferred both_folded both_grow both_inverted both_plan '
                'both_recompute both_refusals both_stem both_attention both_wide both_gradcheck both_tape both_golden',
    'losses': 'test_losses both_loss both_golden',
    'retrieval': 'search scan range rerank retrieval_golden diffusion expand fuse whiten tsne metrics judgement tune ranks cost',
}
# Those that look at one file's work most closely, by how its path begins: they are tried first, and the rest of the room only where none of
# these notices. The first row that fits counts.
NEAREST = {
    'kernels/cut': 'both_blocking both_gemm',
    'kernels/gemm': 'both_gemm both_blocking both_large',
    'kernels/tile': 'both_gemm both_blocking',
    'kernels/norm': 'both_golden both_norm both_folded both_wide',
    'kernels/pool': 'both_folded both_golden both_pools both_layers both_folded',
    'kernels/coarse': 'test_scan',
    'kernels/isa': 'both_gemm machine.test',
    'kernels/trace': 'machine.test',
    'kernels/limits': 'machine.test',
    'kernels/conv/cut': 'both_large both_blocking both_conv both_winograd',
    'kernels/conv/choose': 'test_conv_choose both_conv both_large',
    'kernels/conv/stem': 'both_stem both_blocking',
    'kernels/conv/inverted': 'both_large both_inverted',
    'kernels/conv/winograd': 'both_winograd both_conv',
    'kernels/conv/': 'both_large both_golden both_conv both_folded',
    'autograd/activation': 'both_golden both_ops',
    'autograd/arith': 'both_golden both_ops both_wide',
    'autograd/conv': 'both_golden both_layers both_wide both_products both_refusals both_conv both_folded',
    'autograd/deferred': 'both_golden both_deferred both_folded',
    'autograd/distance': 'both_golden both_products both_ops both_refusals',
    'autograd/gem': 'both_golden both_pools both_attention',
    'autograd/grow': 'both_golden both_grow',
    'autograd/matmul': 'both_golden both_products both_refusals',
    'autograd/norm': 'both_golden both_products both_wide both_norm both_folded both_layers',
    'autograd/plan': 'both_golden both_plan',
    'autograd/pool': 'both_golden both_pools both_wide both_layers both_refusals',
    'autograd/recompute': 'both_golden both_recompute',
    'autograd/reduce': 'both_golden both_ops both_wide both_pools both_refusals',
    'autograd/shape': 'both_golden both_ops both_refusals',
    'autograd/softmax': 'both_golden both_products both_ops both_attention',
    'autograd/stem': 'both_golden both_stem',
    'autograd/watch': 'both_tape',
    'autograd/tape': 'both_tape both_golden both_recompute both_refusals both_layers both_ops',
    'autograd/tensor': 'both_golden both_refusals both_recompute both_layers both_ops',
    'autograd/heap': 'both_golden both_recompute both_layers',
    'autograd/gradcheck': 'both_gradcheck both_ops both_attention',
    'autograd/': 'both_golden both_ops both_pools both_wide both_refusals both_layers both_attention',
    'losses/': 'both_loss test_losses',
}
BUILD = 'build/cc'  # as make names it, so that a compiler's cache knows the objects
# Traps in place of messages: no line numbers in the object file, so that equal code is equal bytes.
FLAGS = '-O1 -g0 -DNDEBUG -fsanitize=address,undefined -fsanitize-undefined-trap-on-error -fno-omit-frame-pointer'
# A test has this many seconds of the processors, or so many times its own, whatever else runs beside; and so many by the clock, lest it sleep.
LEAST, TIMES, ASLEEP = 5, 4, 900
CLOSE = os.environ.get('CLOSE')
UNKNOWN = 20  # seconds that a test is taken for that has not run yet

SWAPS = [  # what stands there, and what it becomes
    (r'<=', ['<', '>']), (r'>=', ['>', '<']), (r'==', ['!=']), (r'!=', ['==']),
    (r'(?<=\s)<(?=\s)', ['<=', '>=']), (r'(?<=\s)>(?=\s)', ['>=', '<=']),
    (r'&&', ['||']), (r'\|\|', ['&&']),
    (r'\+=', ['-=', '=']), (r'-=', ['+=', '=']), (r'\*=', ['/=', '=']), (r'/=', ['*=']),
    (r'(?<=[\w)\]] )\+(?= )', ['-']), (r'(?<=[\w)\]] )-(?= )', ['+']),
    (r'(?<=[\w)\]] )\*(?= [\w(])', ['/', '+']), (r'(?<=[\w)\]] )/(?= [\w(])', ['*']), (r'(?<=[\w)\]] )%(?= )', ['*']),
    (r'(?<=[(\s!])!(?=[\w(])', ['']),
    (r'\bbreak;', [';']), (r'\bcontinue;', [';']),
    (r'\btrue\b', ['false']), (r'\bfalse\b', ['true']),
    (r'\bfmin\b', ['fmax']), (r'\bfmax\b', ['fmin']),
    (r'(?<![\w.])0(?![\w.])', ['1']), (r'(?<![\w.])1(?![\w.])', ['0', '2']), (r'(?<![\w.])([2-9]|[1-9]\d+)(?![\w.])', ['+1']),
    (r'(?<![\w.])\d+\.\d+(?:e[-+]?\d+)?f?(?![\w.])', ['*2']),
]
CONDITION = re.compile(r'^\s*(?:\} )?(?:else )?(if|while) \((.*)\)( \{| [^{;]*;)?$')
STATEMENT = re.compile(r'^\s+(?:[\w\->.\[\]* +]+ (?:[-+*/|&^]|<<|>>)?= [^;]*|[a-z]\w*\(.*\)|\w+(?:\[[^;]*\])?(?:\+\+|--));$')
DECLARATION = re.compile(r'^\s+(?:\.|const |static |struct |unsigned |int\w*_t |size_t |int |bool |float |double |char |long |uint\w*_t |kin_\w+ \**\w+ ?[=;,\[]|void |return|\w+ \*+\w+ =|[a-z]\w* [a-z]\w* =)')

Mutant = collections.namedtuple('Mutant', 'path line old new')


def code_of(text):
    """The text with comments, strings, characters, directives, assertions and what errors say blanked, so that places are found in code
    alone."""
    blank = lambda m: re.sub(r'[^\n]', '\x00', m.group())
    words = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:\\\n|[^\n])*', blank, text, flags=re.S | re.M)
    return re.sub(r'\b(?:assert|kin_\w*fail\w*)\([^;]*;', blank, words)


def replaced(found, by):
    if by == '+1':
        return str(int(found) + 1)
    if by == '*2':
        number = float(found.rstrip('f')) * 2
        return repr(number) + ('f' if found.endswith('f') else '')
    return by


def mutants_of(path):
    text = open(path, encoding='utf-8').read()
    found = set()
    for at, (old, code) in enumerate(zip(text.split('\n'), code_of(text).split('\n'))):
        if re.match(r'\s*(enum|extern|typedef|static const (?!int64|int |size|double|float))', code):
            continue
        new = set()
        for pattern, swaps in SWAPS:
            for m in re.finditer(pattern, code):
                new.update(old[:m.start()] + replaced(m.group(), by) + old[m.end():] for by in swaps)
        m = CONDITION.match(code.replace('\x00', ' '))
        if m:
            new.update(old[:m.start(2)] + always + old[m.end(2):] for always in ('0', '1') if m.group(1) == 'if' or always == '0')
        if STATEMENT.match(code.replace('\x00', ' ')) and not DECLARATION.match(code):
            new.add(re.match(r'\s*', old).group() + ';')
        found.update(Mutant(path, at + 1, old, n) for n in new if n != old)
    return sorted(found)


def known():
    """(path, old, new) -> (kind, reason), from tests/mutants.txt."""
    out, block = {}, []
    for line in open('tests/mutants.txt', encoding='utf-8').read().split('\n') + ['']:
        if line.startswith('#'):
            continue
        if line.strip():
            block.append(line.strip())
        elif block:
            kind, path = block[0].split(None, 1)
            out[path, block[1][2:], block[2][2:]] = kind, ' '.join(block[3:])
            block = []
    return out


def key(m):
    return m.path, m.old.strip(), m.new.strip()


def make(*words):
    return subprocess.run(['make', 'BUILD=' + BUILD, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


class Program:
    """A test program, or a script that runs kin: how it is linked with a mutant's object ahead of the libraries, and how long it takes."""

    def __init__(self, path):
        self.path, self.seconds, self.lock = path, {}, threading.Lock()  # seconds: of few random shapes, of all
        self.script = path.endswith('.test.sh')
        self.kind = 'double' if '/tests-double/' in path else 'float'
        if self.script:
            self.own = sorted(glob.glob(f'{BUILD}/float/cli/**/*.o', recursive=True)) + [f'{BUILD}/float/recipes.o']
            self.libraries = ['libkin.a']
        else:
            self.own = [f'{BUILD}/{self.kind}/tests/{os.path.basename(path)}.o', *sorted(glob.glob(f'{BUILD}/{self.kind}/tests/support/*.o'))]
            self.libraries = ['libkin_double.a'] if self.kind == 'double' else ['libcli.a', 'libkin.a']
            self.libraries.insert(0, 'libreference_double.a' if self.kind == 'double' else 'libreference.a')
        self.symbols = symbols(f'{BUILD}/kin' if self.script else path)

    def link(self, objects, folder):
        """Links the program in the folder; False when it does not link."""
        return subprocess.run(['cc', '-fsanitize=address,undefined', '-o', os.path.join(folder, 'kin'), *self.own, *objects,
                               *(f'{BUILD}/{l}' for l in self.libraries), '-pthread', '-lm'], stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def run(self, folder, few, limit):
        """Whether the program in the folder passes, and the processors' seconds that it took; few: with an eighth of its random shapes."""
        environment = dict(os.environ, ASAN_OPTIONS='detect_leaks=0:hard_rss_limit_mb=3000:allocator_may_return_null=1',
                           BUILD=folder if self.script else BUILD, KIN_FIRST_FAILURE='1')
        if few:
            environment['KIN_SHAPES'] = '1'  # tests/support/numbers.h
        words = [self.path] if self.script else [os.path.join(folder, 'kin')]
        limits = lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        child = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 preexec_fn=limits, start_new_session=True)
        asleep = threading.Timer(ASLEEP, os.killpg, (child.pid, signal.SIGKILL))
        asleep.start()
        _, status, used = os.wait4(child.pid, 0)
        asleep.cancel()
        child.returncode = status
        return status == 0, used.ru_utime + used.ru_stime

    def ready(self, few):
        """Measures the program as it is, once, linked as the mutants are but with nothing broken."""
        with self.lock, tempfile.TemporaryDirectory(dir='build') as folder:
            if few in self.seconds:
                return
            if not self.link([], folder):
                raise RuntimeError(f'{self.path} cannot be linked')
            passed, self.seconds[few] = self.run(folder, few, 3600)
            if not passed:
                raise RuntimeError(f'{self.path} fails before anything is broken')
            print(f'  {self.path}: {self.seconds[few]:.1f} s{" with few shapes" if few else ""}', flush=True)

    def limit(self, few):
        return int(max(LEAST, TIMES * self.seconds[few]))

    def has_shapes(self):
        """Whether all of them are more than few."""
        return self.seconds[True] > 1 and not self.script


def symbols(path):
    """The global functions and tables that an object or a program defines."""
    out = subprocess.run(['nm', '-g', '--defined-only', path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[-1] for line in out.splitlines() if len(line.split()) == 3}


def programs(room):
    words = TESTS[room].split()
    names = sorted(os.path.splitext(os.path.basename(p))[0] for p in glob.glob('tests/*.c') + glob.glob('tests/*.test.sh'))
    paths = []
    for name in names:
        if not any(w in name for w in words) or name.startswith('double_'):
            continue
        if name.endswith('.test'):
            paths.append(f'tests/{name}.sh')
            continue
        if name.startswith('both_'):
            paths.append(f'{BUILD}/tests-double/{name}')
        paths.append(f'{BUILD}/tests/{name}')
    # Without the lowered sets: they are linked from other objects than those that are broken.
    make('LOWERED=', '-j2', *{f'{BUILD}/kin' if p.endswith('.sh') else p for p in paths})
    return [Program(p) for p in paths]


def nearest(path):
    return next((words.split() for begins, words in NEAREST.items() if path.startswith(begins)), [])


def nearness(program, path):
    """0 for the test that looks at the file most closely, then 1 ...; those of no row come after."""
    name = os.path.basename(program.path)
    return next((i for i, word in enumerate(nearest(path)) if word in name), len(nearest(path)))


class Builder:
    """Compiles a file of the room as make would, but to another place and with FLAGS."""

    def __init__(self):
        self.commands, self.originals = {}, {}

    def objects(self, path, kind):
        stem = path[:-2]
        if path.endswith('.simd.c'):
            return [f'{BUILD}/{kind}/{stem[:-5]}.{isa}.o' for isa in ('generic', 'avx2', 'avx512')
                    if os.path.exists(f'{BUILD}/{kind}/{stem[:-5]}.{isa}.o')]
        return [f'{BUILD}/{kind}/{stem}.o']

    def command(self, path, target):
        if target not in self.commands:
            said = make('-n', '-W', path, 'CFLAGS=' + FLAGS, 'KERNEL_CFLAGS=', target)
            line = next(l for l in said.split('\n') if f' -c {path} ' in l)
            self.commands[target] = [w for w in shlex.split(line) if w not in ('-MMD', '-MP')]
        return self.commands[target]

    def compile(self, path, text, kind, folder, one=False):
        """The object files, or None; the source stands in for `path` by its name. one: for the first instruction set alone."""
        source = os.path.basename(path)  # seen from its folder: the object may hold its name
        open(os.path.join(folder, source), 'w', encoding='utf-8').write(text)
        out = []
        for i, target in enumerate(self.objects(path, kind)[:1 if one else None]):
            to = f'{kind}{i}.o'
            words = ['-I' + os.getcwd() if w == '-I.' else w for w in self.command(path, target)]
            words[words.index(path)], words[-1] = source, to
            if subprocess.run(words + ['-w'], cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                return None
            out.append(os.path.join(folder, to))
        return out

    def original(self, path, kind):
        if (path, kind) not in self.originals:
            folder = tempfile.mkdtemp(dir='build')
            self.originals[path, kind] = self.compile(path, open(path, encoding='utf-8').read(), kind, folder)
        return self.originals[path, kind]


def same_bytes(a, b):
    return all(open(x, 'rb').read() == open(y, 'rb').read() for x, y in zip(a, b))


stopped = threading.Event()


class Broken(Exception):
    """A mutant that does not become a program, or would have if the run had not been stopped."""


class Run:
    def __init__(self, room):
        self.programs, self.builder, self.last, self.sound = programs(room), Builder(), {}, {}
        self.files = [f for f in sorted(glob.glob(f'{room}/**/*.c', recursive=True)) if not f.endswith('.simd.c')]

    def those_of(self, path):
        """The programs that hold the file: the one that noticed last, those that look at it closely, the short ones. Kernels are compiled for
        each instruction set, which takes long: in one precision first."""
        second = 'double' if path.startswith('kernels/') else None
        mine = set().union(*(symbols(o) for o in self.builder.objects(path, 'float')))
        chosen = [p for p in self.programs if mine & p.symbols and (not CLOSE or nearness(p, path) < len(nearest(path)))]
        return sorted(chosen, key=lambda p: (p is not self.last.get(path), p.kind == second, nearness(p, path), p.seconds.get(True, UNKNOWN)))

    def judge(self, m):
        lines = open(m.path, encoding='utf-8').read().split('\n')
        lines[m.line - 1] = m.new
        text = '\n'.join(lines)
        with tempfile.TemporaryDirectory(dir='build') as folder:
            built = {}

            def notice(few, one, those):
                for p in those:
                    if (p.kind, one) not in built:
                        built[p.kind, one] = self.builder.compile(m.path, text, p.kind, folder, one)
                    if built[p.kind, one] is None:
                        raise Broken
                    if self.notices(p, m.path, built[p.kind, one], folder, few):
                        return p.path
                return None

            # What most tests notice costs little: one instruction set, few shapes, and no comparison with the code as it was.
            by = m.path.endswith('.simd.c') and notice(True, True, self.those_of(m.path)) or notice(True, False, self.those_of(m.path))
            if by:
                return 'killed', by
            kinds = {kind for kind, one in built if not one}
            if all(same_bytes(built[kind, False], self.builder.original(m.path, kind)) for kind in kinds):
                return 'same', ''
            if not CLOSE:
                by = notice(False, False, [p for p in self.those_of(m.path) if p.has_shapes()])
                for p in self.those_of(m.path):
                    if not by and nearness(p, m.path) == 0 and self.sanitised_room_notices(p, m.path, built[p.kind, False], folder):
                        by = p.path
        return ('killed', by) if by else ('survived', '')

    def notices(self, p, path, objects, folder, few):
        if stopped.is_set():
            raise Broken
        p.ready(few)
        if not p.link(objects, folder):
            raise Broken
        if p.run(folder, few, p.limit(few))[0]:
            return False
        self.last[path] = p
        return True

    def sanitised_room_notices(self, p, path, objects, folder):
        """The last resort: what the file does to memory that another file of the room then reads shows only where that has the sanitizers too."""
        others = [o for f in self.files if f != path for o in self.builder.original(f, p.kind)]
        limit = 4 * p.limit(True)
        if (p, path) not in self.sound:
            self.sound[p, path] = p.link(self.builder.original(path, p.kind) + others, folder) and p.run(folder, True, limit)[0]
        return self.sound[p, path] and p.link(objects + others, folder) and not p.run(folder, True, limit)[0]


def describe(m):
    return f'{m.path}:{m.line}\n    - {m.old.strip()}\n    + {m.new.strip()}'


def survivors(log, mutants):
    """Those of the mutants that an earlier run's words say survived, wherever their lines are now: the nearest that reads the same."""
    lines = open(log, encoding='utf-8').read().split('\n')
    found = []
    for i, line in enumerate(lines):
        if not re.match(r'\d+ survived ', line):
            continue
        path, at = line.split()[2].rsplit(':', 1)
        same = [m for m in mutants if key(m) == (path, lines[i + 1].strip()[2:], lines[i + 2].strip()[2:]) and m not in found]
        if same:
            found.append(min(same, key=lambda m: abs(m.line - int(at))))
    return found


def main():
    words = sys.argv[1:]
    only_list = words[0] == '--list'
    log = words[1] if words[0] == '--survivors' else None
    room, count, seed = words[only_list + 2 * bool(log):] + [None, None][:2 * bool(log)]
    files = sorted(glob.glob(f'{room}/**/*.c', recursive=True))
    all_mutants = [m for f in files for m in mutants_of(f)]
    if log:
        all_mutants = survivors(log, all_mutants)
        count, seed = len(all_mutants), 'as ' + os.path.basename(log) + ' has them'
    else:
        count = int(count)
        random.Random(int(seed)).shuffle(all_mutants)
        seed = 'of seed ' + seed
    if only_list:
        print('\n'.join(describe(m) for m in all_mutants[:count]))
        return 0
    listed, counts, tried = known(), collections.Counter(), 0
    all_mutants = all_mutants[int(os.environ.get('SKIP', 0)):]
    run = Run(room)

    def one(m):
        if key(m) in listed:
            return m, listed[key(m)][0], ''
        try:
            return (m, *run.judge(m))
        except Broken:
            return m, 'broken', ''

    def stop(*_):
        stopped.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    waiting, source = collections.deque(), iter(all_mutants)
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get('JOBS', 2))) as pool:
        try:
            while tried < count:
                while len(waiting) < 8 * pool._max_workers and (m := next(source, None)):
                    waiting.append(pool.submit(one, m))
                if not waiting:
                    break
                m, kind, by = waiting.popleft().result()
                counts[kind] += 1
                tried += kind in ('killed', 'survived', 'equivalent', 'speed')
                if kind not in ('broken', 'same'):
                    print(f'{tried} {kind} {by} {describe(m)}', flush=True)
        except KeyboardInterrupt:
            print('interrupted: what follows is of those that were tried')
        except RuntimeError as e:
            sys.exit(f'tests/mutate.sh: {e}')
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    judged = counts['killed'] + counts['survived']
    print(f'{room}: {tried} mutants, {seed}: {counts["killed"]} killed, {counts["survived"]} survived, '
          f'{counts["equivalent"]} equivalent, {counts["speed"]} of speed alone (beside them {counts["same"]} with the same code, '
          f'{counts["broken"]} that did not compile): {100 * counts["killed"] / max(judged, 1):.1f} % killed')
    return 0


if __name__ == '__main__':
    sys.exit(main())
