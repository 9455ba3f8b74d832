#!/bin/sh
# What `make install` puts in place is enough for somebody else's programs, and `make uninstall` takes all of it away.
set -u
case $BUILD in *address* | *thread* | *undefined* | *-m32*) echo "skip install: not with sanitizers, nor for another machine"; exit 0 ;; esac
about=install
. tests/support/shell.sh
openmp=""
case $BUILD in *-openmp*) openmp=OPENMP=1 ;; esac
cc=${BUILD##*/}; cc=${cc%%-*}
prefix=$folder/kin
mk() { make -s "$1" CC="$cc" BUILD="$BUILD" $openmp PREFIX="$prefix" 2>&1; }
if said=$(mk install); then ok install; else bad install "$said"; exit 1; fi
for file in bin/kin lib/libkin_cli.a lib/libkin_double.a lib/pkgconfig/kin-cli.pc lib/pkgconfig/kin-double.pc include/kin/cli/main.h lib/libkin.a lib/libkin.so lib/pkgconfig/kin.pc share/man/man1/kin.1 include/kin/kin.h; do
    [ -s "$prefix/$file" ] && ok "install: $file" || bad "install: $file" "it is missing"
done

if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    flags=$(pkg-config --cflags kin) libs=$(pkg-config --libs kin)
    report "kin.pc has the header's version" "$([ "$(pkg-config --modversion kin)" = "$("$prefix/bin/kin" --version | sed 's/kin //')" ] || echo "not so: $(pkg-config --modversion kin)")"
else
    flags=-I$prefix/include libs="-L$prefix/lib -lkin -pthread -lm"
    echo "skip install: kin.pc needs pkg-config"
fi

# In a folder with headers of its own that are named like kin's, and found first.
mkdir -p "$folder/own/base" "$folder/own/autograd"
for header in base/text.h base/error.h autograd/tensor.h kin.h text.h; do echo '#error "the wrong header"' >"$folder/own/$header"; done
for source in examples/*.c; do
    name=$(basename "$source" .c)
    [ "$name" = extend ] && continue
    # shellcheck disable=SC2086
    report "$source builds" "$("$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wno-missing-field-initializers -Werror -I"$folder/own" $flags "$source" -o "$folder/$name" $libs 2>&1)"
done
if command -v pkg-config >/dev/null; then
    # shellcheck disable=SC2046
    build() { "$cc" -std=c11 -Wall -Wextra -Wno-missing-field-initializers -Werror "$@" 2>&1; }
    # shellcheck disable=SC2046
    report "a program with kin-cli builds" "$(build $(pkg-config --cflags kin-cli) examples/extend.c -o "$folder/extend" $(pkg-config --libs kin-cli))"
    report "it is a kin with more networks" "$("$folder/extend" models | grep -q '^my-net ' || echo "my-net is not there")"
    # shellcheck disable=SC2046
    report "the same file with kin-double" "$(build $(pkg-config --cflags kin-double) examples/extend.c -o "$folder/check" $(pkg-config --libs kin-double))"
    report "checks its gradients" "$("$folder/check" | grep -q 'checks: passed' || echo "they are wrong")"
    # shellcheck disable=SC2046
    report "precisions do not mix: a program in double with the library in float" "$(build $(pkg-config --cflags kin-double) examples/own_op.c -o "$folder/mixed" $(pkg-config --libs kin) >/dev/null && echo "it links")"
    # shellcheck disable=SC2046
    report "nor the other way round" "$(build $(pkg-config --cflags kin) examples/own_op.c -o "$folder/mixed" $(pkg-config --libs kin-double) >/dev/null && echo "it links")"
    printf '#include <kin/kin.h>\nkin_ctx *other(void) { return kin_ctx_new(); }\n' >"$folder/other.c"
    # shellcheck disable=SC2046
    report "nor two files of one program" "$(build -c $(pkg-config --cflags kin-double) "$folder/other.c" -o "$folder/other.o"; build $(pkg-config --cflags kin) examples/first_gradient.c "$folder/other.o" -o "$folder/mixed" $(pkg-config --libs kin) >/dev/null && echo "they link")"
fi
export LD_LIBRARY_PATH="$prefix/lib"
report "somebody else's program runs with the shared library" "$("$folder/first_gradient" | grep -q 'f = 14' || echo "it does not give 14")"
report "it is the installed one, by its soname" "$(ldd "$folder/first_gradient" | grep -q "libkin.so.[0-9.]* => $prefix/lib" || ldd "$folder/first_gradient")"
# shellcheck disable=SC2086
report "and with the archive" "$("$cc" -std=c11 $flags examples/first_gradient.c -o "$folder/alone" "$prefix/lib/libkin.a" ${openmp:+-fopenmp} -pthread -lm 2>&1 && LD_LIBRARY_PATH= "$folder/alone" | grep -q 'f = 14' || echo "it does not give 14")"

# What the library trained, the installed program reads.
report "a folder is learnt and searched by a program of one page" "$(cd "$folder" && ./folder 2>&1 | grep -q '^re-ranked  mAP' || echo "no re-ranking")"
report "the program reads what the library trained" "$(cd "$folder" && "$prefix/bin/kin" embed shop --model run --out embedded --quiet 2>&1)"

# Headers of an older kin do not stay behind.
echo old >"$prefix/include/kin/old.h"
mk install >/dev/null
report "a second install leaves no old header" "$(ls "$prefix/include/kin/old.h" 2>/dev/null)"
mk uninstall >/dev/null
report "uninstall takes everything away" "$(find "$prefix" ! -type d | head -n 3)"
exit $failed
