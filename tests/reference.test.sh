#!/bin/sh
# The plain forms of reference/ are for the tests: they include base/ alone, and no library that is installed has them.
set -u
about=reference
. tests/support/shell.sh
build=${BUILD:-build/cc}

report "includes base/ alone" "$(grep -n '^#include "' reference/*.[ch] | grep -v '"base/\|"reference/')"
report "nothing but tests includes it" "$(grep -rln '^#include "reference/' --include='*.[ch]' . | grep -v '^\./tests/\|^\./reference/')"
report "a header each" "$(for file in reference/*.c; do [ -f "${file%.c}.h" ] || echo "$file"; done)"
for pair in conv:kernels/conv/conv.h conv:autograd/conv.c norm:kernels/norm.h batch_hard:losses/triplet.c k_reciprocal:retrieval/rerank/rerank.c \
    search:retrieval/search/search.c mean_average_precision:retrieval/judge/metrics.c; do
    report "${pair#*:} points to its plain form" "$(grep -q "reference/${pair%%:*}\.c" "${pair#*:}" || echo "reference/${pair%%:*}.c is not named")"
done
report "not among what is installed" "$(make -n install BUILD="$build" 2>/dev/null | grep 'reference/')"
if nm --version >/dev/null 2>&1; then
    for library in "$build"/libkin*.a "$build"/libkin*.so* "$build"/libcli.a; do
        [ -f "$library" ] || continue
        report "no kin_reference_ in ${library##*/}" "$(nm "$library" 2>/dev/null | grep kin_reference_ | head -n 3)"
    done
    if [ -f "$build/libreference.a" ]; then
        report "nm sees what there is" "$(nm "$build/libreference.a" 2>/dev/null | grep -q 'T _*kin_reference_conv_forward' || echo "kin_reference_conv_forward is not in libreference.a")"
        report "needs nothing of kin" "$(nm "$build/libreference.a" 2>/dev/null | grep ' U _*kin_' | grep -v kin_reference_ | head -n 3)"
    fi
else echo "skip reference: no nm"; fi
exit "$failed"
