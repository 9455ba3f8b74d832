#!/bin/sh
# kin's own network anew, as docs/model-card.md tells it: models/default/kin.safetensors.
#
#   recipes/default/make.sh [OUT]     (make default-network; one minute on two cores)
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

# 1. Lite0 up to the middle of its twelfth block: its numbers, and not a step of training.
"$kin" train "$grocery:train+val" --classes 0-59 --model lite0_front --weights "$weights" --allow-missing '_blocks.*,_conv_head.*,_bn1.*,_fc.*' \
    --loss triplet-hard --steps 0 --out "$work/front" --force --quiet
# 2. What it says of the photographs of classes 0-59 ...
"$kin" embed "$grocery:train+val" --classes 0-59 --model "$work/front" --output raw --out "$work/said" --force --quiet
# 3. ... whitened: 256 of its 672 directions. Both numbers were chosen on classes 45-59, fitted on 0-44.
"$kin" whiten fit "$work/said" --dims 256 --shrinkage .1 --out "$work/whitening.safetensors" --force --quiet
# 4. The whitening as the network's last layer, all in 16 bits.
"$pack" "$work/front/model.safetensors" "$work/whitening.safetensors" "$out"
echo "$out: $(wc -c <"$out") bytes, SHA-256 $(sha256sum "$out" | cut -d ' ' -f 1)"
