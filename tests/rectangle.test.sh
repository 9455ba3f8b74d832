#!/bin/sh
# --size HEIGHTxWIDTH: pictures that are no squares, from training to use.
set -u
about=rectangle
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --products 6 --views 4 --size 40 --seed 3 --quiet
common="--model resnet8 --width 8 --embedding 16 --channels 3 --batch-classes 4 --batch-pictures 2 --steps 6 --save-every 3 --quiet"
# shellcheck disable=SC2086
expect "trains" 0 "" "" train shop $common --size 48x24 --flip --shift 2 --erase .5 --out run
# shellcheck disable=SC2086
expect "tells both sides" 0 "" "for 48 x 24 in colour" train shop ${common% --quiet} --size 48x24 --steps 1 --out told
grep -a -q '"kin.size":"48x24"' run/model.safetensors && ok "rectangle: the size is kept" || bad "rectangle: the size is kept" "$(head -c 600 run/model.safetensors | tr -d '\0')"
# shellcheck disable=SC2086
expect "an augmentation of this size" 0 "" "" train shop $common --size 48x24 --augment "rrc(48x24) flip" --out augmented
# shellcheck disable=SC2086
expect "an augmentation of another" 2 "" "24 x 48" train shop $common --size 48x24 --augment "rrc(24x48)" --out no
expect "embeds" 0 "" "" embed shop --model run --out e --quiet
expect "embeds views" 0 "" "" embed shop --model run --flip --scales 1,.5 --out v --quiet
expect "embeds at another size" 0 "" "" embed shop --model run --size 64x32 --out other --quiet
expect "embeds squares" 0 "" "" embed shop --model run --size 48 --out square --quiet
cmp -s e.npy square.npy && bad "rectangle: other pictures, other descriptors" "the same" || ok "rectangle: other pictures, other descriptors"
# pictures that are stretched beforehand (width first here) are seen as they are
for folder in shop/*; do
    mkdir -p "stretched/${folder#shop/}"
    "$kin" convert "$folder"/*.png --resize 24x48 --filter bilinear --out "stretched/${folder#shop/}" >/dev/null 2>&1
done
expect "embeds stretched pictures" 0 "" "" embed stretched --model run --out s --quiet
same "rectangle: whole pictures, stretched" e.npy s.npy
two=$(ls shop/product-0001/*.png shop/product-0002/*.png | head -n 2 | tr '\n' ' ')
for command in "attend $two --model run --out seen.png" "explain $two --model run --out page.html" "export --model run --out run.onnx" "index shop --model run" "find ${two%% *} --index shop"; do
    # shellcheck disable=SC2086
    "$kin" $command >out 2>&1 && ok "rectangle: ${command%% *}" || bad "rectangle: ${command%% *}" "$(cat out)"
done
# shellcheck disable=SC2086
expect "a student of squares, a teacher of rectangles" 0 "" "" train shop $common --batch 8 --size 24 --teacher run --out student
# shellcheck disable=SC2086
expect "a student of rectangles" 0 "" "" train shop $common --batch 8 --size 24x32 --teacher run --out student2
for size in 48x 48x4 x48 48x24x3 48X24 0x24 9999x24; do
    # shellcheck disable=SC2086
    expect "$size is no size" 2 "" "as in 224, or 256x128" train shop $common --size $size --out no
done
# shellcheck disable=SC2086
expect "a middle of rectangles" 2 "" "resize is of squares" train shop $common --size 48x24 --resize 56 --out no
expect "pixels are squares" 2 "" "takes squares" embed shop --model pixels --size 48x24 --out no
exit $failed
