# For the tests of commands, which source this after `about=WORD`, the word that begins their lines: the program is $kin, a folder that goes
# away is $folder (and $out, which a test may use for other things), and `failed` is what to exit with.
kin=${BUILD:-build/cc}/kin
case $kin in /*) ;; *) kin=$PWD/$kin ;; esac
folder=$(mktemp -d) || exit 1
out=$folder
if [ -n "${RUNNER:-}" ]; then # another machine's program
    printf '#!/bin/sh\nexec %s %s "$@"\n' "$RUNNER" "$kin" >"$folder/kin-by-runner"
    chmod +x "$folder/kin-by-runner"
    kin=$folder/kin-by-runner
fi
trap 'rm -rf "$folder"' EXIT
failed=0

ok() { echo "ok $1"; }
bad() { echo "not ok $1: $2"; failed=1; }
same() { if cmp -s "$2" "$3"; then ok "$1"; else bad "$1" "$2 and $3 differ"; fi; } # NAME FILE FILE

# array FILE SHAPE BYTES: zeros, as .npy.
array() { { printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': ($2), }"; head -c "$3" /dev/zero; } >"$1"; }

# report NAME WHY: an empty WHY is a pass.
report() {
    if [ -z "$2" ]; then echo "ok $about: $1"
    else echo "not ok $about: $1: $2"; failed=1; fi
}

# expect NAME CODE STDOUT-PART STDERR-PART ARGS...: runs kin; an empty part means that stream stays empty.
expect() {
    name=$1 code=$2 said=$3 complained=$4; shift 4
    "$kin" "$@" >"$out/out" 2>"$out/err" </dev/null
    got=$?
    why=
    [ "$got" -eq "$code" ] || why="exit status $got, not $code"
    check_stream out "$said"
    check_stream err "$complained"
    report "$name" "$why"
}

check_stream() {
    if [ -z "$2" ]; then [ ! -s "$out/$1" ] || why="$why; unexpected text on std$1: $(head -n 1 "$out/$1")"
    else grep -qF -e "$2" "$out/$1" || why="$why; std$1 lacks '$2': $(head -n 1 "$out/$1")"; fi
}
