#!/bin/sh
# kin's own network anew, as docs/model-card.md tells it: models/default/kin.safetensors.
#
#   recipes/default/make.sh [OUT]     (make default-network; three quarters of an hour on two cores)
#
# It needs real data that are not part of kin: EfficientNet-Lite0's weights (kin weights efficientnet_lite0 tells where they are had)
# as $WEIGHTS, and the photographs of the GroceryStoreDataset as $GROCERY. KIN and PACK are the programs, WORK a folder for what is between.
# The file is the same, byte by byte, for one compiler and instruction set.
set -eu
from=${FROM:-../shared/data}
weights=${WEIGHTS:-$from/weights/efficientnet_lite0-imagenet.safetensors} grocery=${GROCERY:-$from/grocery}
kin=${KIN:-./kin} pack=${PACK:-build/cc/pack} work=${WORK:-out/default-network} out=${1:-models/default/kin.safetensors}
for needed in "$weights" "$grocery"; do
    [ -e "$needed" ] || { echo "$0: $needed is not there: WEIGHTS=FILE and GROCERY=FOLDER say where they are" >&2; exit 1; }
done
mkdir -p "$work"

# 1. The front of such a network from its first values: it learns to say what all of Lite0 says of the same piece of a photograph.
#    --size here is what it learns at; it is used at 160 pixels.
"$kin" train "$grocery:train+val" --classes 0-59 --model lite0_front --size 128 --embedding 256 --loss distill \
    --teacher "$weights" --teacher-model efficientnet_lite0 --augment 'rrc(128,.3,1) flip jitter(.3,.3,.3,.05)' --cache-side 192 \
    --batch 48 --steps 5400 --optimizer adamw --lr 2e-3 --warmup 200 --weight-decay 0.02 --ema 0.999 --seed 1 --out "$work/front" --force
# 2. What it says of the photographs of classes 0-59 ...
"$kin" embed "$grocery:train+val" --classes 0-59 --model "$work/front" --size 160 --output raw --out "$work/said" --force --quiet
# 3. ... whitened: what is alike in all of them made small.
"$kin" whiten fit "$work/said" --dims 256 --shrinkage .1 --out "$work/whitening.safetensors" --force --quiet
# 4. The whitening as the network's last layer, all in 16 bits.
"$pack" "$work/front/model.safetensors" "$work/whitening.safetensors" "$out"
echo "$out: $(wc -c <"$out") bytes, SHA-256 $(sha256sum "$out" | cut -d ' ' -f 1)"
