#!/bin/sh
# kin import, kin tensors and kin export as a person types them.
set -u
cd "$(dirname "$0")/.." || exit 1
about=import
. tests/support/shell.sh

pth=tests/golden/pth
expect "a .pth, and what becomes of its integers" 0 "5 arrays from PyTorch (zip), 34 numbers as float32" "integers stay as they are: 1 of the arrays" import $pth/zip.pth "$out/zip.st"
expect "the form before PyTorch 1.6" 0 "5 arrays from PyTorch (before 1.6)" "num_batches_tracked" import $pth/legacy.pth "$out/legacy.st"
expect "a nested state dict with module. before its names" 0 "4 arrays" "the prefix 'module.' was taken off" import $pth/nested.pth "$out/nested.st"
expect "--quiet says the result alone" 0 "4 arrays" "" import $pth/nested.pth "$out/nested.st" --quiet
expect "an .npz" 0 "4 arrays from NumPy (.npz), 34 numbers" "" import $pth/odd.npz "$out/npz.st"
expect "safetensors to safetensors" 0 "5 arrays from safetensors" "integers" import "$out/zip.st" "$out/again.st"
why=
cmp -s "$out/zip.st" "$out/legacy.st" || why="zip.pth and legacy.pth differ"
cmp -s "$out/zip.st" "$out/again.st" || why="$why; written twice, it differs"
report "both forms give the same file, and so does reading it again" "$why"

expect "several networks in a file: their keys are named" 1 "" "it holds teacher, student, notes; choose a dictionary of tensors with --key" import $pth/two.pth "$out/x"
expect "--key chooses" 0 "4 arrays" "taken from the dictionary 'student'" import $pth/two.pth "$out/x.st" --key student
expect "--prefix takes a part" 0 "2 arrays" "2 entries were left out" import $pth/nested.pth "$out/x.st" --prefix conv.
expect "where there is nothing to choose it is refused" 2 "" "x.st: safetensors has no dictionaries, of which 'student' could be chosen" tensors "$out/x.st" --key student
expect "averages beside the weights are named" 0 "4 arrays" "it also holds state_dict_ema, ema.model: --key NAME" import $pth/average.pth "$out/x.st"
expect "text in an archive does not spoil it" 0 "4 arrays from NumPy (.npz)" "3 entries were left out" import $pth/text.npz "$out/x.st"

# An index of several files, as large models come in.
mkdir "$out/shards"
"$kin" import $pth/zip.pth "$out/shards/a.st" --prefix conv. --quiet >/dev/null
"$kin" import $pth/legacy.pth "$out/shards/b.st" --quiet >/dev/null
index() { printf '{"metadata":{"total_size":1},"weight_map":{%s}}' "$1" >"$out/shards/model.safetensors.index.json"; }
index '"weight":"a.st","bias":"a.st","fc.weight":"b.st"'
expect "an index of files" 0 "3 arrays from safetensors, 33 numbers" "read from the 2 files of the index" import "$out/shards/model.safetensors.index.json" "$out/x.st"
index '"weight":"a.st","fc.bias":"b.st"'
expect "an index that promises what a file lacks" 1 "" "b.st: holds no fc.bias, which the index says it does" import "$out/shards/model.safetensors.index.json" "$out/x.st"
index '"weight":"../zip.st"'
expect "an index that points elsewhere" 1 "" "names no file beside it for weight" import "$out/shards/model.safetensors.index.json" "$out/x.st"
index '"weight":"c.st"'
expect "an index whose file is missing" 1 "" "shards/c.st" import "$out/shards/model.safetensors.index.json" "$out/x.st"
index '"weight":"model.safetensors.index.json"'
expect "an index that names itself" 1 "" "a file of text" import "$out/shards/model.safetensors.index.json" "$out/x.st"
printf '{"model": "resnet18", "layers": 18}' >"$out/config.json"
expect "JSON that is no index" 1 "" 'no "weight_map" of names and files' import "$out/config.json" "$out/x.st"

printf '\200\002cos\nsystem\n(X\004\000\000\000echotR.' >"$out/evil.pth"
expect "a pickle that wants os.system" 1 "" "refers to os.system, which kin does not know" import "$out/evil.pth" "$out/evil.st"
[ ! -e "$out/evil.st" ] || report "nothing is written for it" "there is a file"
head -c 2000 $pth/zip.pth >"$out/cut.pth"
expect "a download that was cut off" 1 "" "the file is truncated" import "$out/cut.pth" "$out/x.st"
expect "a file that is not there" 1 "" "nowhere.pth" import "$out/nowhere.pth" "$out/x.st"

cp "$out/zip.st" "$out/kept.st"
expect "a file over itself is refused" 2 "" "is read by this very command and would be overwritten" import "$out/kept.st" "$out/./kept.st"
same "import: and it stays as it was" "$out/zip.st" "$out/kept.st"
cp tests/golden/pth/wheel.whl "$out/wheel.whl"
expect "an archive over what is read of it" 2 "" "is read by this very command and would be overwritten" import "$out/wheel.whl:net-12345678.pth" "$out/wheel.whl"
expect "a file of an archive" 0 "5 arrays from PyTorch (before 1.6)" "taken from net/models/net-12345678.pth, a file of the archive" import "$out/wheel.whl:net-12345678.pth" "$out/of-wheel.st"
expect "a file over itself by --force" 0 "5 arrays" "" import "$out/kept.st" "$out/kept.st" --force --quiet
expect "kin tensors lists" 0 "conv.weight" "" tensors $pth/half.pth
why=
grep -q '^conv.weight F16  \[3,2,2,2\]  *-4  *3.875  *-0.2708  *2.317$' "$out/out" || why="its line is $(grep conv.weight "$out/out")"
report "type, shape, extremes, mean and deviation" "$why"
expect "kin tensors --json" 0 '"name": "conv.bias", "dtype": "F32", "shape": [3], "min": -3.625, "max": -1.875, "mean": -2.75, "std": 0.714' "" tensors $pth/zip.pth --json
expect "what kin import wrote" 0 "5 arrays, 35 numbers" "" tensors "$out/zip.st"

expect "kin export: weights of another network, all names of them" 1 "" "  layer3.0.conv2.weight" export --model resnet8 --weights "$out/zip.st" --out "$out/x.onnx"
[ ! -e "$out/x.onnx" ] || report "nothing is written for it" "there is a file"
expect "kin export: a network's name alone" 2 "" "--weights FILE has to bring them" export --model resnet8 --out "$out/x.onnx"
expect "kin export: neither network nor run" 2 "" "there is neither a network nor a run 'resnet9'" export --model resnet9 --out "$out/x.onnx"
expect "kin export: a batch that is no number" 2 "" "--batch needs a number of pictures" export --model resnet8 --weights "$out/zip.st" --batch many --out "$out/x.onnx"
# A network of kin's is one still.
"$kin" synth "$out/shop" --products 6 --views 2 --size 16 --quiet
"$kin" train "$out/shop" --width 4 --embedding 4 --size 16 --batch-classes 3 --batch-pictures 2 --steps 1 --out "$out/run" --quiet
"$kin" import "$out/run/model.safetensors" "$out/moved.st" --quiet >/dev/null
"$kin" embed "$out/shop" --model "$out/run" --out "$out/by-run" --quiet
expect "a network of kin train stays one" 0 "" "" embed "$out/shop" --model "$out/moved.st" --out "$out/by-file" --quiet
same "import: with the same descriptors" "$out/by-run.npy" "$out/by-file.npy"
expect "a part of it is none" 0 "5 arrays" "" import "$out/run/model.safetensors" "$out/part.st" --prefix features.0. --quiet
expect "and says so" 1 "" "kin.classes is missing" embed "$out/shop" --model "$out/part.st" --out "$out/by-part" --quiet
exit $failed
