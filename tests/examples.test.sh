#!/bin/sh
# Every example runs, and says what its page promises.
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
here=$PWD
case $BUILD in /*) ;; *) BUILD=$here/$BUILD ;; esac

expect() { # EXAMPLE TEXT [ARGUMENT...]
    name=$1 text=$2; shift 2
    if out=$(cd "$folder" && "$BUILD/examples/$name" "$@" 2>&1); then
        case $out in *"$text"*) echo "ok example $name" ;; *) echo "not ok example $name: \"$text\" is missing in: $out" ;; esac
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
# The example of each group of functions says what its comment promises, and stands in the reference above its group.
(mkdir "$folder/groups" && cd "$folder/groups" && "$BUILD/examples/groups" >said 2>&1) || echo "not ok example groups: $(cat "$folder/groups/said")"
for room in $(sed -n 's/^## \(.*\)\/$/\1/p' docs/api.md); do
    promised=$(sed -n 's/.* Prints "\(.*\)"\. \*\/$/\1/p' examples/groups.c | grep "^$room: ")
    said=$(grep "^$room: " "$folder/groups/said")
    if [ -z "$promised" ] || [ "$said" != "$promised" ]; then echo "not ok example groups: $room: \"$said\", not \"$promised\""
    elif ! grep -q "^/\* $room: " docs/api.md || ! grep -q "api.md#$room)" docs/learn/*.md && [ "$room" != base ]; then echo "not ok example groups: $room: no example in docs/api.md, or no lesson leads there"
    else echo "ok example groups: $room"; fi
done
expect extend_check "gradient checks: passed"

# A program of one's own op, head, loss and network is a kin with all commands, and its networks are no other's.
refused() { # NAME OF THE CHECK, PART OF THE MESSAGE, COMMAND...
    name=$1 part=$2
    shift 2
    if out=$(cd "$folder" && "$@" 2>&1); then echo "not ok extend: $name: it was taken"; return; fi
    case $out in *"$part"*) echo "ok extend: $name" ;; *) echo "not ok extend: $name: \"$part\" is missing in: $out" ;; esac
}
taken() { # NAME OF THE CHECK, PART OF WHAT IS PRINTED, COMMAND...
    name=$1 part=$2
    shift 2
    if ! out=$(cd "$folder" && "$@" 2>&1); then echo "not ok extend: $name: failed: $out"; return; fi
    case $out in *"$part"*) echo "ok extend: $name" ;; *) echo "not ok extend: $name: \"$part\" is missing in: $out" ;; esac
}
extend=$BUILD/examples/extend kin=$BUILD/kin
header() { printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': ($2), }"; }
(cd "$folder" && "$kin" synth goods --products 6 --views 4 --size 16 --seed 2 --quiet)
small="--size 16 --steps 3 --batch-classes 4 --batch-pictures 2 --embedding 8"
# shellcheck disable=SC2086
{
    taken "trains with all three" "my-net with " "$extend" train goods --model my-net --head "my-head(dims=4)" --loss "my-loss(t=3) + triplet-hard" $small --out all
    taken "resumes" "the network is all/" "$extend" train --resume all --steps 5
    taken "embeds with it" "" "$extend" embed goods --model all --out embedded
    refused "kin names the network it lacks" 'is of the network "my-net", which this program does not have' "$kin" embed goods --model all --out no
    "$extend" train "$folder/goods" --model conv4 --head my-head $small --out "$folder/head" --quiet
    refused "kin names the head it lacks" "there is no head 'my-head'" "$kin" embed goods --model head --out no
    "$extend" train "$folder/goods" --model conv4 --loss my-loss $small --out "$folder/loss" --quiet
    "$extend" train "$folder/goods" --model conv4 --loss "multi-similarity(miner=my-miner)" $small --out "$folder/miner" --quiet
    taken "a run keeps the name of its miner" "the network is miner/" "$extend" train --resume miner --steps 4
    taken "and is explained" "" "$extend" explain goods/product-0001/view-01.png goods/product-0002/view-01.png --model miner --out explained.html
    refused "kin names the miner it lacks" "miner=my-miner) is none of all, ms" "$kin" embed goods --model miner --out no
    refused "kin names the loss it lacks" 'was trained with the loss "my-loss", which this program does not have' "$kin" train --resume loss --steps 4
}
taken "lists the network" "my-net " "$extend" models
taken "shows it" "stage.1.conv" "$extend" show my-net
taken "lists the loss with its options" "alignment and uniformity" "$extend" loss
taken "lists the miner" "my-miner: of an anchor's positives" "$extend" loss
taken "as a word of the losses that take it" "(all|ms|my-miner)" "$extend" loss
{ header '<f4' '4, 1'; printf '\0\0\200\077\0\0\200\077\0\0\200\277\0\0\200\077'; } >"$folder/e.npy"
{ header '|u1' '4,'; printf '\0\0\0\1'; } >"$folder/l.npy"
taken "kin loss mines with it" "3 positive and 6 negative pairs" "$extend" loss "contrastive(miner=my-miner)" --embeddings e.npy --labels l.npy
taken "--help has the network" "my-net" "$extend" train --help
refused "a slip is near to an own name" "did you mean my-net?" "$extend" train goods --model my-nett --out no
refused "and to an own head" "did you mean my-head?" "$extend" train goods --head my-haed --out no
refused "own options have limits" "is outside 0.01 .. 100" "$extend" train goods --loss "my-loss(t=1000)" --out no
awk '/^\/\* ---- /{if (n > 40) print name ": " n " lines"; name = $4; n = 0} {n++} /^static const kin_catalogue/{exit}' "$here/examples/extend.c" >"$folder/long"
[ -s "$folder/long" ] && echo "not ok extend: each part is under 40 lines: $(cat "$folder/long")" || echo "ok extend: each part is under 40 lines"

# ---- the small ones to read whole: new products are found better than by pixels and by colours, in the same run ----
"$BUILD/kin" synth "$folder/small-shop" --products 40 --views 8 --size 32 --quiet
expect tiny_kin "mAP of new products: learned" small-shop small-run
[ "$(wc -l <examples/tiny.c)" -le 200 ] && [ "$(wc -l <examples/tiny_kin.c)" -le 40 ] && echo "ok example tiny: in 200 lines, and with kin in 40" || echo "not ok example tiny: longer than it says"
case $BUILD in
*address* | *thread*) echo "skip example tiny: the plain build runs it; under sanitizers it takes a minute" ;;
*)
    (cd "$folder" && find small-shop -name '*.png' | sort | xargs "$BUILD/kin" convert --quiet --out shop.npy)
    expect tiny "mAP of new products" shop.npy
    better=$(echo "$out" | tr -d ',' | awk '/mAP/ { print ($9 > $5 + .05 && $9 > $7 + .05) ? "yes" : "no" }')
    [ "$better" = yes ] && echo "ok example tiny: better than pixels and colours" || echo "not ok example tiny: better than pixels and colours: $out"
    if refused=$("$BUILD/examples/tiny" "$folder/small-run/model.safetensors" 2>&1); then echo "not ok example tiny: another file: is taken"
    else case $refused in *"shop.npy was expected"*) echo "ok example tiny: another file" ;; *) echo "not ok example tiny: another file: $refused" ;; esac; fi
    ;;
esac
for source in examples/*.c; do
    name=${source##*/}
    case $name in extend.c | groups.c) continue ;; esac
    grep -q "^ *expect ${name%.c} " "$0" || echo "not ok example ${name%.c}: has no test here"
done
