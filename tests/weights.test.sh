#!/bin/sh
# Weights of other programs in every command that reads them: what was taken is told, what does not fit is refused.
set -u
cd "$(dirname "$0")/.." || exit 1
about=weights
. tests/support/shell.sh
pth=tests/golden/pth

"$kin" synth "$folder/shop" --products 4 --views 2 --size 32 --seed 1 >/dev/null
"$kin" train "$folder/shop" --model conv4 --channels 3 --size 32 --batch-classes 2 --batch-pictures 2 --steps 1 --out "$folder/run" --quiet >/dev/null 2>&1 || bad "weights: a run to take weights from" "it failed"
own=$folder/run/model.safetensors shop=$folder/shop
array "$folder/x.npy" "1, 3, 32, 32" 12288
expect "what was taken is told" 0 "" "tensors from $own" forward --model conv4 --embedding 128 --weights "$own" --input "$folder/x.npy" --out "$folder/y.npy"
expect "foreign names are refused even where all may be missing" 1 "" "none of the network's 22 tensors is in it: its names are like conv.weight" embed "$shop" --model conv4 --weights $pth/zip.pth --allow-missing '*' --size 32 --out "$folder/none"
[ ! -e "$folder/none.npy" ] || report "nothing is written for it" "there is a file"
expect "... in training" 1 "" "none of the network's 22 tensors is in it" train "$shop" --model conv4 --weights $pth/zip.pth --allow-missing '*' --size 32 --loss triplet-hard --batch-classes 2 --steps 1 --out "$folder/r2"
expect "... in export" 1 "" "none of the network's 22 tensors is in it" export --model conv4 --weights $pth/zip.pth --allow-missing '*' --input 3x32x32 --out "$folder/x.onnx"
expect "... in forward" 1 "" "none of the network's 22 tensors is in it" forward --model conv4 --weights $pth/zip.pth --allow-missing '*' --input "$folder/x.npy" --out "$folder/y.npy"
# One name that fits, by an index that names no other.
printf '{"weight_map":{"features.0.conv.weight":"model.safetensors"}}' >"$folder/run/part.index.json"
expect "a name that fits is not enough where all may be missing" 1 "" "only 1 of the network's 22 tensors is in it" forward --model conv4 --embedding 128 --weights "$folder/run/part.index.json" --allow-missing '*' --input "$folder/x.npy" --out "$folder/y.npy"
expect "first values when they are asked for" 0 "" "0 of " embed "$shop" --model conv4 --weights $pth/zip.pth --allow-missing '*' --untrained --size 32 --out "$folder/first"
expect "--key is for every command that reads weights" 1 "" "there is no dictionary ema; it holds" embed "$shop" --model conv4 --weights $pth/zip.pth --key ema --size 32 --out "$folder/none"
expect "--prefix too" 2 "" "no name begins with 'trunk.'" forward --model conv4 --weights $pth/zip.pth --prefix trunk. --input "$folder/x.npy" --out "$folder/y.npy"

# RGB weights and grey pictures.
expect "grey pictures with weights of RGB ones: what helps is named" 1 "" "--sum-stem sums it over the channels" train "$shop" --model conv4 --weights "$own" --channels 1 --size 32 --batch-classes 2 --steps 1 --out "$folder/grey"
expect "... and helps" 0 "" "1 convolution summed over RGB" train "$shop" --model conv4 --weights "$own" --channels 1 --sum-stem --size 32 --batch-classes 2 --batch-pictures 2 --steps 1 --out "$folder/grey"
expect "... in embed" 0 "" "1 convolution summed over RGB" embed "$shop" --model conv4 --weights "$own" --sum-stem --size 32 --out "$folder/grey"

# The last number becomes NaN.
size=$(wc -c <"$own")
cp -R "$folder/run" "$folder/nan"
printf '\000\000\300\177' | dd of="$folder/nan/model.safetensors" bs=1 seek=$((size - 4)) conv=notrunc 2>/dev/null
nan="NaN or infinite"
expect "NaN among the weights of a run: embed" 1 "" "$nan" embed "$shop" --model "$folder/nan" --out "$folder/none"
expect "... attend" 1 "" "$nan" attend "$shop"/*/1.png --model "$folder/nan" --out "$folder/none.png"
expect "... export" 1 "" "$nan" export --model "$folder/nan" --out "$folder/none.onnx"
expect "... train" 1 "" "$nan" train "$shop" --model conv4 --channels 3 --weights "$folder/nan/model.safetensors" --size 32 --batch-classes 2 --steps 1 --out "$folder/r3"
expect "... forward" 1 "" "$nan" forward --model conv4 --embedding 128 --weights "$folder/nan/model.safetensors" --input "$folder/x.npy" --out "$folder/y.npy"

# A pattern that matches nothing answers with this network's names.
expect "names of the network at hand" 2 "" "matches no parameter of this network; its names look like" train "$shop" --model efficientnet_lite0 --freeze 'layer1.*' --size 32 --batch-classes 2 --steps 1 --out "$folder/r4"
exit $failed
