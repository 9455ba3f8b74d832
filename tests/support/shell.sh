# For the tests of commands, which source this after `about=WORD`, the word that begins their lines: the program is $kin, a folder that goes
# away is $out, and `failed` is what to exit with.
kin=${BUILD:-build/cc}/kin
case $kin in /*) ;; *) kin=$PWD/$kin ;; esac
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

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
