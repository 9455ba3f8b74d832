#!/bin/sh
# Every example runs, and says what its page promises.
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
here=$PWD
case $BUILD in /*) ;; *) BUILD=$here/$BUILD ;; esac

expect() { # EXAMPLE TEXT
    name=$1
    if out=$(cd "$folder" && "$BUILD/examples/$name" 2>&1); then
        case $out in *"$2"*) echo "ok example $name" ;; *) echo "not ok example $name: \"$2\" is missing in: $out" ;; esac
    else
        echo "not ok example $name: failed: $out"
    fi
}

expect first_gradient "df/dx[1] = -4"
expect own_op "gradient check: passed"
expect own_layer "se.fc1.weight"
expect train "step 59"
expect folder "re-ranked  mAP"
expect search_npy "0:  1 (0.994)"
for source in examples/*.c; do
    name=${source##*/}
    grep -q "^expect ${name%.c} " "$0" || echo "not ok example ${name%.c}: has no test here"
done
