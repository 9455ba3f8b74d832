#!/bin/sh
# kin forward --profile and kin train --profile: what is printed and written, and that watching changes no bit. No figure is judged.
set -u
cd "$(dirname "$0")/.." || exit 1
about=profile
. tests/support/shell.sh
cd "$folder" || exit 1
run() { name=$1; shift; if "$kin" "$@" >said 2>err </dev/null; then report "$name" ""; else report "$name" "$(tail -n 1 err)"; fi; }
says() { if grep -qE -e "$2" said; then report "$1" ""; else report "$1" "'$2' was not said: $(head -n 1 said)"; fi; }

run "a network without weights and pictures" forward --model resnet8 --profile --profile-csv rows.csv --quiet
says "steps and forward" '^[0-9]+ steps of [0-9.]+ ms: [0-9.]+ forward'
says "the machine's limits" '^limits here, .* GFLOP/s, [0-9.]+ GB/s'
says "a convolution's name, shape, rate and share of the limit" '^layer1.0.bn1 +conv2d_folded +16x32x32 +[0-9.]+ +[0-9.]+ % +[0-9.]+ +[0-9]+ %'
if [ "$(head -n 1 rows.csv)" = "layer,op,output,calls,forward_ms,backward_ms,share,gflop,gflops,mb,of_limit" ] &&
    awk -F, 'NR > 1 { share += $7; fields += NF != 11; order += NR > 2 && $5 > last; last = $5 } END { exit !(NR > 8 && share > .2 && share < 1.001 && !fields && !order) }' rows.csv
then report "all layers in a file, slowest first, whose shares make no more than one" ""; else report "all layers in a file" "$(head -n 3 rows.csv | tr '\n' ' ')"; fi
expect "without a profile they are needed" 2 "" "--weights, --input and --out are needed" forward --model resnet8
expect "a file that cannot be written is told before the work" 1 "" "/proc/none" forward --model resnet8 --profile-csv /proc/none/x.csv --quiet

# Without weights any number of channels would do: another network would be measured.
array last.npy "2, 32, 32, 3" 24576
expect "pictures whose channels come last" 1 "" "--layout nhwc" forward --model resnet8 --profile --input last.npy --quiet
run "the same, said so" forward --model resnet8 --profile --input last.npy --layout nhwc --quiet

KIN_VERBOSE=1 run "KIN_VERBOSE" forward --model mobilenet_v2 --profile --quiet
told() { if grep -qE "$2" err; then report "$1" ""; else report "$1" "'$2' was not told: $(head -n 1 err)"; fi; }
told "the kernel of a depthwise shape and the instruction set" '^kin: convolution [0-9]+ x 112x112x32 to 112x112x32, kernel 3x3, 32 groups: stem, depthwise and narrowing in one, (generic|avx2|avx512)$'
told "and of a 1x1" '^kin: convolution [0-9]+ x 7x7x320 to 7x7x1280, kernel 1x1: implicit product'
if [ -z "$(sort err | uniq -d)" ]; then report "each once" ""; else report "each once" "$(sort err | uniq -d | head -n 1)"; fi
run "a shop" synth shop --products 8 --views 4 --size 16 --quiet
common="train shop --model conv4 --size 16 --channels 3 --batch-classes 4 --batch-pictures 2 --steps 4 --validate 0.25 --validate-every 2 --quiet"
run "training unwatched" $common --out plain
if [ -s said ]; then report "nothing is said unasked" "$(head -n 1 said)"; else report "nothing is said unasked" ""; fi
run "training watched" $common --out watched --profile
says "the first step is left out; forward, backward, optimiser, loader" '^3 steps of .* forward, .* backward, .* optimiser, .* waiting for pictures, .* between the ops'
says "backward by layer" '^features.1.conv +conv2d +64x8x8 +[0-9.]+ +[0-9.]+ '
says "the first layer is one op" '^features.0.bn +stem +64x8x8 +[0-9.]+ +[0-9.]+ '
same "watching changes no bit" plain/model.safetensors watched/model.safetensors
run "with recomputed blocks" $common --out recomputed --profile --recompute
exit $failed
