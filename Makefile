# kin: `make` builds ./kin, `make demo` shows what it does, `make test` checks all of it.
#
#   make OPENMP=1            threads by OpenMP instead of kin's own pool (pthreads)
#   make SANITIZE=address,undefined   with the compilers' sanitizers
#   make WERROR=1            warnings are errors (used by CI)
#   make CC=clang DEBUG=1    another compiler; assertions and -O1
#   make static, make dist   one file that runs anywhere; what is handed out, with checksums
#   make test CC=aarch64-linux-gnu-gcc RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu" TESTS=both_    for another machine: RUNNER runs the tests' programs
#
# Files are found by wildcard: a new .c file in a room needs no edit here.

CC      ?= cc
ifeq ($(origin CC),default)
CC      := cc
endif
AR      ?= ar
PREFIX  ?= /usr/local
PYTHON  ?= python3
DESTDIR ?=
VERSION := $(shell awk '/define KIN_VERSION_(MAJOR|MINOR|PATCH) /{v = v dot $$3; dot = "."} END{print v}' base/version.h)

machine := $(if $(filter -m32,$(CC)),i686,$(shell $(CC) -dumpmachine))
# Beside other work on the same cores OpenMP's spinning barriers cost far more than sleeping ones: kin's own pool is the default.
OPENMP  ?=
ifeq ($(OPENMP),0)
OPENMP  :=
endif

empty :=
comma := ,
config := $(notdir $(firstword $(CC)))$(if $(filter -m32,$(CC)),-m32)$(if $(OPENMP),-openmp)$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(DEBUG),-debug)
BUILD  ?= build/$(config)

# gcc 12 for aarch64 fails within its own vectoriser where floats' largest is found in double; kernels have vectors of their own.
cautious := $(if $(findstring aarch64,$(machine)),$(if $(filter 12 12.%,$(shell $(CC) -dumpversion)),-fno-tree-loop-vectorize))
# 32-bit x86 computes with SSE2: the old stack of 80-bit registers rounds twice, and its results depend on what the compiler spills.
cautious += $(if $(filter i386% i486% i586% i686%,$(machine)),-msse2 -mfpmath=sse)

CFLAGS   ?= $(if $(DEBUG),-O1,-O3) -g $(if $(DEBUG),,-DNDEBUG)
# Threads may have 128 KiB of stack (musl) and programs be started with as little: what is large lies in workspaces. Sanitizers widen every frame.
frames    = $(if $(SANITIZE)$(DEBUG)$(filter tests/% bench/%,$<),,-Wframe-larger-than=16384)
warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unknown-pragmas -Wno-missing-field-initializers $(if $(WERROR),-Werror)
flags     = -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -I. -ffp-contract=off $(pic) $(warnings) $(frames) $(cautious) \
            $(if $(OPENMP),-fopenmp) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all) $(CFLAGS)
links     = -pthread $(if $(OPENMP),-fopenmp) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS) -lm

# Kernels named *.simd.c are compiled once per instruction set; the program picks one set at start. A debug build optimises them too: below
# -O2 gcc fuses no multiply with its add, and the tests would judge another rounding than the one that is installed. Its sanitizers take minutes for
# unrolled tiles at -O2, and seconds at -O1 with the pass that fuses. KERNEL_CFLAGS are for those of kernels/ alone (tests/fuzz/run.sh has some).
kernel_flags   = $(if $(DEBUG),$(if $(and $(SANITIZE),$(findstring gcc,$(notdir $(CC)))),-O1 -fexpensive-optimizations,-O2)) $(if $(filter kernels/%,$<),$(KERNEL_CFLAGS))
isas          := generic $(if $(findstring x86_64,$(machine)),avx2 avx512)
isa_generic   := -ffp-contract=fast
isa_avx2      := -ffp-contract=fast -mavx2 -mfma -DKIN_SHAPES=256
isa_avx512    := -ffp-contract=fast -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512 -DKIN_SHAPES=512

# The shapes of sets that this machine may lack, lowered to the instructions that it has (kernels/isa.h): the tests alone are linked with them.
# With sanitizers they would take long to compile, and long to run on a machine that is emulated: LOWERED="$(lowered)" has them there too.
lowered := $(if $(findstring x86_64,$(machine)),neon_lowered avx512_lowered,$(if $(findstring aarch64,$(machine)),avx2_lowered avx512_lowered))
LOWERED ?= $(if $(SANITIZE)$(RUNNER),,$(lowered))
lowered_to         := -ffp-contract=fast -Wno-psabi -Wframe-larger-than=65536 $(if $(findstring x86_64,$(machine)),-mavx2 -mfma)
isa_neon_lowered   := $(lowered_to) -DKIN_SHAPES=128 -DKIN_SHAPES_NEON
isa_avx2_lowered   := $(lowered_to) -DKIN_SHAPES=256
isa_avx512_lowered := $(lowered_to) -DKIN_SHAPES=512

# The rooms of the library. The double build (kin_real = double) serves the gradient checks; retrieval
# works on plain float matrices, and neither it nor what reads pictures is part of it.
rooms_real  := base kernels autograd nn losses models
rooms_float := $(rooms_real) data retrieval train photos
sources = $(filter-out %.simd.c,$(foreach room,$(1),$(wildcard $(room)/*.c $(room)/*/*.c)))
simd    = $(foreach room,$(1),$(wildcard $(room)/*.simd.c $(room)/*/*.simd.c))
objects = $(patsubst %.c,$(BUILD)/$(2)/%.o,$(call sources,$(1))) \
          $(foreach isa,$(isas),$(patsubst %.simd.c,$(BUILD)/$(2)/%.$(isa).o,$(call simd,$(1))))

float_objects  := $(call objects,$(rooms_float),float)
double_objects := $(call objects,$(rooms_real),double)
# One set of objects serves the archive and the shared library: none of the library's functions is to be replaced by another program's, so that
# position-independent code costs nothing.
$(float_objects): pic := -fPIC -fno-semantic-interposition
# The plain forms that tests hold the fast ones to: never in libkin, never installed.
reference_float  := $(call objects,reference,float)
reference_double := $(call objects,reference,double)
float_lowered  := $(foreach isa,$(LOWERED),$(patsubst %.simd.c,$(BUILD)/float/%.$(isa).o,$(call simd,$(rooms_float))))
double_lowered := $(foreach isa,$(LOWERED),$(patsubst %.simd.c,$(BUILD)/double/%.$(isa).o,$(call simd,$(rooms_real))))
# Everything of the program but its table of commands, for tests of its parts; and everything but the function main, for programs that add to it.
libcli_objects := $(patsubst %.c,$(BUILD)/float/%.o,$(filter-out cli/commands/% cli/learn/% cli/sweep/%,$(wildcard cli/*/*.c))) $(BUILD)/float/recipes.o $(BUILD)/float/kin_weights.o
cli_objects    := $(patsubst %.c,$(BUILD)/float/%.o,$(filter-out cli/kin.c,$(wildcard cli/*.c cli/*/*.c))) $(BUILD)/float/recipes.o $(BUILD)/float/lessons.o $(BUILD)/float/glossary.o $(BUILD)/float/kin_weights.o

# tests/test_*.c use the float library, tests/double_*.c the double one, tests/both_*.c each of them.
test_support := $(wildcard tests/support/*.c)
float_tests  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c tests/both_*.c))
double_tests := $(patsubst tests/%.c,$(BUILD)/tests-double/%,$(wildcard tests/double_*.c tests/both_*.c))
# own_op is built with the double library: a gradient check means most there. extend is built twice: it is a program kin, and checks its gradients.
examples     := $(patsubst examples/%.c,$(BUILD)/examples/%,$(wildcard examples/*.c)) $(BUILD)/examples/extend_check
benches      := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
fuzzers      := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all demo ladder test examples bench bench-check bench-growth docs api default-network faults fuzz install uninstall clean format format-check static dist
.PHONY: FORCE
.PRECIOUS: $(BUILD)/float/%.o $(BUILD)/double/%.o
.SECONDARY: $(float_lowered) $(double_lowered)
.DELETE_ON_ERROR:

all: kin

# ./kin is the program of the configuration made last, but never a slow one with sanitizers or assertions, or another machine's.
kin: $(BUILD)/kin FORCE
	@$(if $(SANITIZE)$(DEBUG)$(RUNNER),true,cmp -s $< $@ || { cp -f $< $@.new && mv -f $@.new $@; })

$(BUILD)/kin: $(BUILD)/float/cli/kin.o $(BUILD)/libkin_cli.a $(BUILD)/libkin.a
	$(CC) -o $@ $^ $(links)

# The program with the lowered sets, to try one by hand: KIN_ISA=avx512-lowered $(BUILD)/kin-lowered demo.
$(BUILD)/kin-lowered: $(BUILD)/float/cli/kin.o $(cli_objects) $(float_lowered) $(BUILD)/libkin.a
	$(CC) -o $@ $^ $(links)

$(BUILD)/libkin.a: $(float_objects)
	@rm -f $@
	$(AR) rcs $@ $^

# The public headers are kin.h and what it includes. Outside of the tree they are <kin/...>, as the examples have it.
# cli/main.h, of libkin_cli, is not in kin.h.
headers := $(wildcard kin.h cli/main.h $(addsuffix /*.h,$(rooms_float)) $(addsuffix /*/*.h,$(rooms_float)))
$(BUILD)/include/kin/kin.h: $(headers)
	@rm -rf $(@D)
	@for h in $$($(CC) -std=c11 -I. -MM kin.h cli/main.h | tr -s ' \\' '\n\n' | grep '\.h$$'); do \
	    mkdir -p $(@D)/$$(dirname $$h) && sed 's|^#include "\(.*\)"|#include <kin/\1>|' $$h > $(@D)/$$h || exit 1; \
	done

# The shared library shows what these headers name, and nothing else.
abi    := $(subst $() ,.,$(wordlist 1,2,$(subst ., ,$(VERSION))))
soname := libkin.so.$(abi)
$(BUILD)/libkin.map: $(BUILD)/include/kin/kin.h
	@{ echo '{ global:'; find $(<D) -name '*.h' -exec grep -ohE '\<kin_[a-z0-9_]+' {} + | sort -u | sed 's/$$/;/'; echo 'local: *; };'; } > $@

$(BUILD)/libkin.so: $(float_objects) $(BUILD)/libkin.map
	$(CC) -shared -o $@ $(float_objects) -Wl,-soname,$(soname) -Wl,--version-script=$(BUILD)/libkin.map -Wl,-Bsymbolic $(if $(SANITIZE),,-Wl,-z,defs) $(links)

$(BUILD)/libcli.a: $(libcli_objects)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libkin_cli.a: $(cli_objects)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libkin_double.a: $(double_objects)
	@rm -f $@
	$(AR) rcs $@ $^

# What tests share, as archives: a test links only what it calls, so that a helper for the float library does not need its double.
$(BUILD)/libsupport.a: $(patsubst %.c,$(BUILD)/float/%.o,$(test_support))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libsupport_double.a: $(patsubst %.c,$(BUILD)/double/%.o,$(test_support))
	@rm -f $@
	$(AR) rcs $@ $^

# Texts that the program brings along, as strings: the recipes of kin train --recipe, the lessons of kin learn, the words of kin help.
recipes := $(sort $(wildcard recipes/*.conf))
lessons := $(sort $(wildcard docs/learn/[0-9]*.md))
as_strings = awk 'BEGIN { print "\#include \"cli/options/conf.h\"\n\nextern const kin_builtin $(1)[];\nconst kin_builtin $(1)[] = {" } \
	    FNR == 1 { if (n++) print "    },"; name = FILENAME; gsub(/^.*\/|\.[a-z]*$$/, "", name); printf "    {\"%s\",\n", name } \
	    { gsub(/\\/, "&&"); gsub(/"/, "\\\""); gsub(/[?]/, "\\?"); printf "     \"%s\\n\"\n", $$0 } \
	    END { if (n) print "    },"; print "    {0}};" }' $(2) /dev/null
$(BUILD)/recipes.c: $(recipes) Makefile
	@mkdir -p $(@D)
	@$(call as_strings,kin_builtins,$(recipes)) >$@
$(BUILD)/lessons.c: $(lessons) Makefile
	@mkdir -p $(@D)
	@$(call as_strings,kin_lessons,$(lessons)) >$@
$(BUILD)/glossary.c: docs/glossary.md Makefile
	@mkdir -p $(@D)
	@$(call as_strings,kin_glossary,docs/glossary.md) >$@
$(BUILD)/float/recipes.o $(BUILD)/float/lessons.o $(BUILD)/float/glossary.o: $(BUILD)/float/%.o: $(BUILD)/%.c
	@mkdir -p $(@D)
	$(CC) $(flags) -MMD -MP -c $< -o $@

# kin's own network, byte by byte. Compilers' warnings and sanitizers have no say in it.
$(BUILD)/float/kin_weights.o: models/default/weights.S models/default/kin.safetensors
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

$(BUILD)/pack: recipes/default/pack.c $(BUILD)/libkin.a
	$(CC) $(flags) -o $@ $< $(BUILD)/libkin.a $(links)

$(BUILD)/libreference.a: $(reference_float)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libreference_double.a: $(reference_double)
	@rm -f $@
	$(AR) rcs $@ $^

define isa_rules
$(BUILD)/float/%.$(1).o: %.simd.c
	@mkdir -p $$(@D)
	$$(CC) $$(flags) $$(isa_$(1)) $$(kernel_flags) -DKIN_ISA=$(1) -MMD -MP -c $$< -o $$@
$(BUILD)/double/%.$(1).o: %.simd.c
	@mkdir -p $$(@D)
	$$(CC) $$(flags) $$(isa_$(1)) $$(kernel_flags) -DKIN_ISA=$(1) -DKIN_DOUBLE -MMD -MP -c $$< -o $$@
endef
$(foreach isa,$(isas) $(LOWERED),$(eval $(call isa_rules,$(isa))))

$(BUILD)/float/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(flags) -MMD -MP -c $< -o $@

$(BUILD)/double/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(flags) -DKIN_DOUBLE -MMD -MP -c $< -o $@

$(BUILD)/tests/%: $(BUILD)/float/tests/%.o $(BUILD)/libsupport.a $(float_lowered) $(BUILD)/libreference.a $(BUILD)/libcli.a $(BUILD)/libkin.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(links)

$(BUILD)/tests-double/%: $(BUILD)/double/tests/%.o $(BUILD)/libsupport_double.a $(double_lowered) $(BUILD)/libreference_double.a $(BUILD)/libkin_double.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(links)

$(BUILD)/float/examples/%.o $(BUILD)/double/examples/%.o: flags += -I$(BUILD)/include
$(patsubst examples/%.c,$(BUILD)/float/examples/%.o,$(wildcard examples/*.c)) $(BUILD)/double/examples/own_op.o $(BUILD)/double/examples/extend.o: $(BUILD)/include/kin/kin.h

$(BUILD)/examples/%: $(BUILD)/float/examples/%.o $(BUILD)/libkin.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(links)

$(BUILD)/examples/own_op: $(BUILD)/double/examples/own_op.o $(BUILD)/libkin_double.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(links)

$(BUILD)/examples/extend: $(BUILD)/float/examples/extend.o $(BUILD)/libkin_cli.a $(BUILD)/libkin.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(links)

$(BUILD)/examples/extend_check: $(BUILD)/double/examples/extend.o $(BUILD)/libkin_double.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(links)

$(BUILD)/bench/%: $(BUILD)/float/bench/%.o $(BUILD)/libkin.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(links)

# Without libFuzzer each fuzzer becomes a program that replays the files it is given.
FUZZ_ENGINE ?= tests/fuzz/replay.c
$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libkin.a
	@mkdir -p $(@D)
	$(CC) $(flags) $(if $(filter %.c,$(FUZZ_ENGINE)),,$(FUZZ_ENGINE)) -o $@ $< $(filter %.c,$(FUZZ_ENGINE)) $(BUILD)/libkin.a $(links)

# The reference of the public headers.
public := kin.h $(shell sed -n 's/^.include "\(.*\)"/\1/p' kin.h)
api:
	@awk -f tests/support/api.awk $(public) >docs/api.md.new && mv docs/api.md.new docs/api.md

demo: kin
	./kin demo

# What each step of retrieval is worth, measured: hours (QUICK=1: a quarter of one); it tells how many, and goes on where it was stopped.
# DATA=grocery, omniglot or shop chooses; docs/ladder.md tells what comes of it.
ladder: kin
	@examples/ladder.sh $(or $(DATA),grocery omniglot shop)

# kin's own network anew (docs/model-card.md): ten minutes, Lite0's weights and photographs that are not part of kin (FROM, WEIGHTS, GROCERY).
# Then make again: the program holds it.
default-network: kin $(BUILD)/pack
	@PACK=$(BUILD)/pack recipes/default/make.sh

# The lessons' code, outputs and pictures anew, with what is tried in them. PAGES chooses.
PAGES ?= $(lessons)
docs: kin
	TRIED=1 tests/support/lessons.sh refresh ./kin $(PAGES)

examples: $(examples)
# ROWS="gemm resnet18" chooses, PYTHON names an interpreter that has the rivals (bench/rivals.sh makes one).
bench: kin $(benches)
	@PYTHON=$(PYTHON) python3 bench/run.py $(BUILD) $(ROWS)
# How time and memory grow with the work. ROWS="gallery" chooses.
bench-growth: kin $(benches)
	@python3 bench/growth.py $(BUILD) $(ROWS)
# Seven short rows against the ratios that are kept: names what fell by more than a tenth.
bench-check: kin $(benches)
	@PYTHON=$(PYTHON) python3 bench/run.py $(BUILD) --check
fuzz: $(fuzzers)

# With TESTS only the programs that a word of it names are built, and scripts find kin.
chosen = $(if $(TESTS),$(sort $(foreach word,$(TESTS),$(foreach file,$(1),$(if $(findstring $(word),$(file)),$(file))))),$(1))
test: kin $(if $(SANITIZE)$(RUNNER),,$(BUILD)/libkin.so) $(if $(findstring static,$(TESTS)),static) $(call chosen,$(float_tests) $(double_tests)) $(if $(TESTS),$(if $(findstring example,$(TESTS)),$(examples)),$(examples) $(fuzzers))
	@BUILD=$(BUILD) RUNNER="$(RUNNER)" tests/run.sh $(TESTS)

# One file without symbols that runs on any Linux of its architecture: by musl, where its compiler is there, else with the C library at hand
# (Debian's libc6-dev and its cross packages have the .a).
STATIC_CC  ?= $(if $(filter cc gcc,$(CC)),$(if $(shell command -v musl-gcc),musl-gcc,$(CC)),$(CC))
static_dir := build/$(notdir $(firstword $(STATIC_CC)))-static
static:
	@$(MAKE) --no-print-directory CC="$(STATIC_CC)" LDFLAGS="-static -s $(LDFLAGS)" BUILD=$(static_dir) $(static_dir)/kin
	@cp -f $(static_dir)/kin build/kin-static.new && mv -f build/kin-static.new build/kin-static
	@echo "build/kin-static: $$(wc -c < build/kin-static) bytes, made by $(STATIC_CC)"

# What is handed out, in build/dist: the sources as last committed, that one file, their checksums.
release := kin-$(VERSION)
binary  := $(release)-linux-$(firstword $(subst -, ,$(machine)))
dist:
	@git diff --quiet HEAD || { echo "make dist: commit first: the archive holds what is committed, and the program is to be made of the same"; exit 1; }
	@$(MAKE) --no-print-directory static
	@rm -rf build/dist && mkdir -p build/dist
	@git archive --prefix=$(release)/ HEAD | gzip -n9 > build/dist/$(release).tar.gz
	@cp build/kin-static build/dist/$(binary)
	@cd build/dist && sha256sum $(release).tar.gz $(binary) > SHA256SUMS
	@cd build/dist && wc -c $(release).tar.gz $(binary) | sed '$$d' && cat SHA256SUMS
# Every command with every call of it failing, and killed in it; tests/faults.test.sh makes a few of them. WORDS="train rename" chooses.
faults: kin
	CC=$(CC) KIN=$(CURDIR)/kin tests/faults/run.sh all $(WORDS)

install: kin $(BUILD)/libkin.a $(BUILD)/libkin_cli.a $(BUILD)/libkin_double.a $(BUILD)/libkin.so $(BUILD)/include/kin/kin.h
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 kin $(DESTDIR)$(PREFIX)/bin/kin
	for a in libkin.a libkin_cli.a libkin_double.a; do install -m 644 $(BUILD)/$$a $(DESTDIR)$(PREFIX)/lib/$$a || exit 1; done
	install -m 755 $(BUILD)/libkin.so $(DESTDIR)$(PREFIX)/lib/libkin.so.$(VERSION)
	ln -sf libkin.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/$(soname)
	ln -sf $(soname) $(DESTDIR)$(PREFIX)/lib/libkin.so
	install -m 644 docs/kin.1 $(DESTDIR)$(PREFIX)/share/man/man1/kin.1
	rm -rf $(DESTDIR)$(PREFIX)/include/kin
	cd $(BUILD)/include && for h in $$(find kin -name '*.h'); do install -D -m 644 $$h $(DESTDIR)$(abspath $(PREFIX))/include/$$h || exit 1; done
	for pc in kin kin-cli kin-double; do \
	    sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|-pthread $(if $(OPENMP),-fopenmp)|' $$pc.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/$$pc.pc || exit 1; \
	done

uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/include/kin
	rm -f $(DESTDIR)$(PREFIX)/bin/kin $(addprefix $(DESTDIR)$(PREFIX)/lib/,libkin.a libkin_cli.a libkin_double.a libkin.so $(soname) libkin.so.$(VERSION) pkgconfig/kin.pc pkgconfig/kin-cli.pc pkgconfig/kin-double.pc) $(DESTDIR)$(PREFIX)/share/man/man1/kin.1

clean:
	rm -rf build out kin

# clang-format 14, Debian 12's: another version breaks some lines elsewhere.
CLANG_FORMAT ?= clang-format
format:
	$(CLANG_FORMAT) -i $$(git ls-files '*.c' '*.h')
format-check:
	$(CLANG_FORMAT) --dry-run -Werror $$(git ls-files '*.c' '*.h')

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
