#!/bin/sh
# Exported networks give the same outputs in ONNX Runtime as in kin, to 1e-5 of the largest: each op's small network (tests/test_onnx.c),
# networks of the zoo with numbers of their own, and those whose published weights are here. Needs $KIN_ORACLE_PYTHON, a Python with onnxruntime.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build/cc}
kin=$build/kin
data=${KIN_TEST_DATA:-../shared/data}
python=${KIN_ORACLE_PYTHON:-python3}
if ! "$python" -c 'import numpy, onnxruntime' >/dev/null 2>&1; then
    echo "skip onnx: ONNX Runtime's outputs are kin's: no Python with numpy and onnxruntime (KIN_ORACLE_PYTHON names one)"
    exit 0
fi
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0

# compare FOLDER: one line a network.
compare() {
    "$python" tests/support/onnx_compare.py "$1" 1e-5 >"$out/result" 2>"$out/err" || { echo "not ok onnx: the comparison fails: $(tail -n 1 "$out/err")"; failed=1; }
    while read -r name verdict rest; do
        case $verdict in
        ok) echo "ok onnx: $name in ONNX Runtime is kin's to $rest" ;;
        *) echo "not ok onnx: $name in ONNX Runtime: $rest"; failed=1 ;;
        esac
    done <"$out/result"
}

mkdir "$out/ops"
KIN_ONNX_OUT=$out/ops "$build/tests/test_onnx" >"$out/log" 2>&1 || { echo "not ok onnx: test_onnx fails: $(grep -m 1 '^not ok' "$out/log")"; failed=1; }
compare "$out/ops"

# Networks that kin train made, with attention and another pooling too, with numbers under which their outputs depend on their inputs.
"$kin" synth "$out/shop" --products 8 --views 4 --size 32 --seed 1 --quiet >"$out/log" 2>&1 || { echo "not ok onnx: no shop: $(tail -n 1 "$out/log")"; failed=1; }
mkdir "$out/trained"
"$python" -c "
import numpy
x = numpy.random.default_rng(0).random((5, 3, 32, 32), dtype='float32')
numpy.save('$out/x.npy', x)"
for words in conv4 resnet8 resnet20 resnet18 densenet121 mobilenet_v2 efficientnet_lite0 \
    "resnet8 --attention se@block --pooling gem" "resnet8 --attention eca@block" "resnet8 --attention cbam@block --pooling gap+gmp" "resnet8 --attention sca@end" "resnet8 --head autoencoder(side=8,grid=3)"; do
    name=$(echo "$words" | tr -d ' ') model=${words%% *} more=${words#"${words%% *}"}
    # shellcheck disable=SC2086
    if "$kin" train "$out/shop" --model $words --size 32 --channels 3 --batch-classes 4 --batch-pictures 2 --steps 2 --embedding 16 --out "$out/run" --quiet >"$out/log" 2>&1 &&
        "$python" tests/support/onnx_numbers.py "$out/run/model.safetensors" >>"$out/log" 2>&1 &&
        "$kin" export --model "$out/run" --out "$out/trained/$name.onnx" >>"$out/log" 2>&1 &&
        "$kin" forward --model "$model" $more --weights "$out/run/model.safetensors" --embedding 16 --input "$out/x.npy" --out "$out/trained/$name.y.npy" --quiet >>"$out/log" 2>&1; then
        cp "$out/x.npy" "$out/trained/$name.x.npy"
    else
        echo "not ok onnx: $words: $(tail -n 1 "$out/log")"
        failed=1
    fi
    rm -rf "$out/run"
done
compare "$out/trained"

# The others of the zoo, untrained, one after another: they are large, and once, in the plain build by gcc, is enough.
mkdir "$out/first"
case $build in */cc | */gcc) others=$("$kin" models | awk 'NR > 1 { print $1 }') ;; *) others= && echo "skip onnx: the large networks of the zoo: compared in the plain build by gcc" ;; esac
for model in $others; do
    case " conv4 resnet8 resnet20 resnet18 densenet121 mobilenet_v2 efficientnet_lite0 " in *" $model "*) continue ;; esac
    if "$kin" train "$out/shop" --model "$model" --size 32 --channels 3 --batch-classes 4 --batch-pictures 2 --steps 0 --embedding 16 --out "$out/run" --quiet >"$out/log" 2>&1 &&
        "$python" tests/support/onnx_numbers.py "$out/run/model.safetensors" >>"$out/log" 2>&1 &&
        "$kin" export --model "$out/run" --out "$out/first/$model.onnx" >>"$out/log" 2>&1 &&
        "$kin" forward --model "$model" --weights "$out/run/model.safetensors" --embedding 16 --input "$out/x.npy" --out "$out/first/$model.y.npy" --quiet >>"$out/log" 2>&1; then
        cp "$out/x.npy" "$out/first/$model.x.npy"
        compare "$out/first"
    else
        echo "not ok onnx: $model: $(tail -n 1 "$out/log")"
        failed=1
    fi
    rm -rf "$out/run" "$out/first"/*
done

# Published weights.
mkdir "$out/published"
for pair in resnet20:resnet20-cifar10:32 efficientnet_lite0:efficientnet_lite0-imagenet:128; do
    model=${pair%%:*} size=${pair##*:} weights=${pair#*:}
    weights=$data/weights/${weights%:*}.safetensors
    if [ ! -f "$weights" ]; then
        echo "skip onnx: $model with published weights: $weights is not here"
        continue
    fi
    "$python" -c "
import numpy
numpy.save('$out/published/$model.x.npy', numpy.random.default_rng(1).random((2, 3, $size, $size), dtype='float32'))"
    "$kin" export --model "$model" --weights "$weights" --input 3x${size}x$size --out "$out/published/$model.onnx" >"$out/log" 2>&1 &&
        "$kin" forward --model "$model" --weights "$weights" --input "$out/published/$model.x.npy" --out "$out/published/$model.y.npy" --quiet >>"$out/log" 2>&1 ||
        { echo "not ok onnx: $model with published weights: $(tail -n 1 "$out/log")"; failed=1; }
done
compare "$out/published"
exit $failed
