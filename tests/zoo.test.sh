#!/bin/sh
# kin models, kin show and kin forward as a person types them.
set -u
about=zoo
. tests/support/shell.sh
cd "$folder" || exit 1

shows() { # NAME TEXT COMMAND...: standard output holds the text
    name=$1 text=$2; shift 2
    out=$("$@" 2>&1)
    case $out in *"$text"*) ok "$name" ;; *) bad "$name" "$out" ;; esac
}
refuses() { # NAME STATUS TEXT COMMAND...: one line on standard error, with the text
    name=$1 status=$2 text=$3; shift 3
    out=$("$@" 2>&1 >/dev/null); got=$?
    case $out in
    *"$text"*) [ "$got" -eq "$status" ] && [ "$(printf '%s\n' "$out" | wc -l)" -eq 1 ] && ok "$name" || bad "$name" "status $got: $out" ;;
    *) bad "$name" "status $got: $out" ;;
    esac
}
holds() { if head -c 128 "$2" | grep -q "$3"; then ok "$1"; else bad "$1" "$(head -c 128 "$2" | tr -d '\000-\037')"; fi; }

# ---- the list and the table ----

shows "models: torchvision's count of ResNet-50" "25,557,032    4.089   1000  3x224x224" "$kin" models --classes 1000
shows "models: without the classifier" "23,508,032    4.087   2048  3x224x224" "$kin" models
shows "show: a layer, its shape and cost" "layer1.0.conv1         conv2d                 64x56x56       36,864    115.61 M" "$kin" show resnet18
shows "show: folded" "layer4                           512x7x7    8,393,728    411.04 M" "$kin" show resnet18 --depth 1
shows "show: an input of one's own" "512x2x3" "$kin" show resnet18 --input 3x64x96
shows "show: the side alone" "3x96x96" "$kin" show resnet18 --input 96
shows "show: the network's options" "512x4x4" "$kin" show resnet18 --input 32 --stem cifar
shows "show: attention" "layer4.1.attention" "$kin" show resnet18 --attention se@block
shows "show: Graphviz" "l1 -> l5;" "$kin" show resnet8 --dot
"$kin" show densenet121 --depth 3 --svg d.svg
shows "show: a drawing" "features.denseblock4.denselayer16" cat d.svg
# a block of L layers: of its L + 2 rows each is read by all behind it, the next by the line down, L (L + 1) / 2 by arrows
[ "$(grep -o 'm5 -3.5' d.svg | wc -l)" -eq $((21 + 78 + 300 + 136)) ] && ok "show: a dense layer is read by all behind it" || bad "show: a dense layer is read by all behind it" "$(grep -o 'm5 -3.5' d.svg | wc -l) arrows"
grep -c '<rect' d.svg | grep -q '^7[0-9]$' && ok "show: a box for each layer" || bad "show: a box for each layer" "$(grep -c '<rect' d.svg)"
"$kin" show resnet18 --depth 3 --svg r.svg
[ "$(grep -c 'class="plus"' r.svg)" -eq 8 ] && [ "$(grep -c 'class="plus"' d.svg)" -eq 0 ] && ok "show: ResNet's blocks add, DenseNet's do not" || bad "show: ResNet's blocks add, DenseNet's do not" "$(grep -c 'class="plus"' r.svg) and $(grep -c 'class="plus"' d.svg)"

wrong=
for model in $("$kin" models | awk 'NR > 1 { print $1 }'); do
    numbers=$("$kin" show "$model" | awk 'END { gsub(",", "", $3); print $3 }') half=$("$kin" show "$model" --width 16 | awk 'END { gsub(",", "", $3); print $3 }')
    case $model in resnet8 | resnet20 | resnet32 | resnet44 | resnet56 | resnet110) [ "$half" -eq "$numbers" ] ;; *) [ "$half" -gt 0 ] && [ "$half" -lt "$numbers" ] ;; esac || wrong="$wrong $model: $half of $numbers;"
done
[ -z "$wrong" ] && ok "show: each network in another width" || bad "show: each network in another width" "$wrong"
refuses "show: a width too small for 32 groups" 2 "groups" "$kin" show resnext50_32x4d --width 8
refuses "show: no such network" 2 "did you mean resnet18?" "$kin" show resnet19
refuses "show: an input that is none" 2 "CHANNELSxHEIGHTxWIDTH" "$kin" show resnet18 --input 3x64y64
refuses "show: an input that is impossible" 2 "not possible" "$kin" show resnet18 --input 0
refuses "show: an input too small" 2 "does not fit" "$kin" show conv4 --input 4
refuses "show: attention that is none" 2 "KIND@PLACE" "$kin" show resnet18 --attention se
refuses "show: a place that is none" 2 'no place "layer7"' "$kin" show resnet18 --attention se@layer7
refuses "show: nothing can be written there" 1 "/proc" "$kin" show resnet18 --svg /proc/none/x.svg

# ---- an array through a network ----

array x.npy "5, 3, 32, 32" 61440
array x-last.npy "5, 32, 32, 3" 61440
array one.npy "3, 32, 32" 12288
array flat.npy "5, 3072" 61440
array short.npy "5, 3, 32, 32" 61000
"$kin" synth shop --products 4 --views 4 --size 32 --quiet
"$kin" train shop --model resnet8 --size 32 --channels 3 --steps 2 --batch-classes 2 --batch-pictures 2 --out run --quiet
f="forward --quiet --model resnet8 --weights run/model.safetensors"
# shellcheck disable=SC2086
forward() { "$kin" $f "$@"; }

forward --input x.npy --out y.npy; holds "forward: the output" y.npy "(5, 64)"
forward --input x.npy --out pooled.npy --tap pooled; same "forward: a tap of the output is the output" y.npy pooled.npy
forward --input x.npy --out map.npy --tap layer2; holds "forward: a map, channels first" map.npy "(5, 32, 16, 16)"
forward --input x-last.npy --out map.npy --tap layer2 --layout nhwc; holds "forward: a map, channels last" map.npy "(5, 16, 16, 32)"
shows "forward: memory" "MB planned for 4 pictures at a time" forward --input x.npy --out y.npy --memory
forward --input one.npy --out y.npy --threads 1; holds "forward: one picture" y.npy "(1, 64)"

refuses "forward: no such tensor" 2 "did you mean layer3?" forward --input x.npy --out y.npy --tap layer7
refuses "forward: not pictures" 1 "pictures [n, c, h, w]" forward --input flat.npy --out y.npy
refuses "forward: a truncated array" 1 "short.npy" forward --input short.npy --out y.npy
refuses "forward: the other layout" 1 "32 channels and 32x3 pixels; channels that come last need --layout nhwc" forward --input x-last.npy --out y.npy
refuses "forward: another network's weights" 1 "another network" "$kin" forward --quiet --model resnet20 --weights run/model.safetensors --input x.npy --out y.npy
refuses "forward: a classifier that is not there" 1 "missing: linear.weight" forward --input x.npy --out y.npy --classes 10
# A classifier of its own, whose first values depend on the seed alone: the features pass, and what is not allowed to be missing is refused.
forward --input x.npy --out a.npy --classes 10 --allow-missing 'linear.*'; holds "forward: a classifier that may be missing" a.npy "(5, 10)"
forward --input x.npy --out b.npy --classes 10 --allow-missing 'linear.*'; same "forward: what is missing has the same first values again" a.npy b.npy
forward --input x.npy --out b.npy --classes 10 --allow-missing 'linear.*' --tap pooled; same "forward: what is not missing is the checkpoint's" pooled.npy b.npy
refuses "forward: only what the patterns name may be missing" 1 "missing: linear.bias" forward --input x.npy --out y.npy --classes 10 --allow-missing 'linear.weight'
refuses "forward: what is allowed does not hide another network" 1 "another network" "$kin" forward --quiet --model resnet20 --weights run/model.safetensors --allow-missing 'linear.*' --input x.npy --out y.npy
refuses "forward: no such weights" 1 "nowhere" "$kin" forward --quiet --model resnet8 --weights nowhere --input x.npy --out y.npy
refuses "forward: nothing can be written there" 1 "/proc" forward --input x.npy --out /proc/none/y.npy
