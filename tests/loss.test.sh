#!/bin/sh
# kin loss: a batch by hand, and what it refuses.
set -u
about=loss
. tests/support/shell.sh
cd "$folder" || exit 1

# Four points on a line, 0 1 3 5, classes 0 0 1 1, as little-endian floats and bytes.
header() { printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': ($2), }"; }
{ header '<f4' '4, 1'; printf '\0\0\0\0\0\0\200\077\0\0\100\100\0\0\240\100'; } >e.npy
{ header '|u1' '4,'; printf '\0\0\1\1'; } >l.npy
{ header '|u1' '4,'; printf '\0\1\2\3'; } >alone.npy
{ header '|u1' '3,'; printf '\0\0\1'; } >few.npy
{ header '<f4' '2, 1'; printf '\0\0\0\0\0\0\200\100'; } >centers.npy

expect "lists the losses with their options" 0 "multi-similarity: " "" loss
expect "lists limits and defaults" 0 "margin=0.5  (0 .. 1.5)" "" loss
expect "lists limits in full" 0 "xbm=0  (0 .. 1048576)" "" loss
# gaps d_ap - d_an: 1 - 3, 1 - 2, 2 - 2, 2 - 4
expect "batch-hard by hand" 0 "0.2" "" loss "triplet-hard(margin=.8) * .5 + .5 * triplet-hard(.8)" --embeddings e.npy --labels l.npy
"$kin" loss "triplet-hard(margin=1.5)" --embeddings e.npy --labels l.npy --gradient g.npy --mined m.csv >out 2>&1
[ "$(cut -f1 out | head -n 1)" = 0.5 ] && ok "loss: the hinge's value" || bad "loss: the hinge's value" "$(cat out)"
grep -q '^4 triplets$' out && ok "loss: triplets are counted" || bad "loss: triplets are counted" "$(cat out)"
printf 'anchor,positive,negative\n0,1,2\n1,0,2\n2,3,1\n3,2,1\n' >want.csv
same "loss: the triplets mined" want.csv m.csv
[ "$(head -c 8 g.npy | od -An -c | tr -d ' \n')" = '223NUMPY001\0' ] || [ -s g.npy ] && ok "loss: the gradient is written" || bad "loss: the gradient is written" "none"
# ½·mean(0, 1, 1, 1) from centres 0 and 4
expect "parameters are read" 0 "0.375" "" loss center --embeddings e.npy --labels l.npy --weights centers.npy
# a row of zeros has no direction; the others are as they should be
expect "a teacher's rows are read" 0 "0.25	value" "" loss distill --embeddings e.npy --labels l.npy --teacher e.npy
expect "a teacher of other rows" 1 "" "holds 2 rows for 4 embeddings" loss distill --embeddings e.npy --labels l.npy --teacher centers.npy
expect "no teacher" 2 "" "there is no teacher" loss distill --embeddings e.npy --labels l.npy
expect "pairs are counted" 0 "4 positive and 8 negative pairs" "" loss contrastive --embeddings e.npy --labels l.npy
expect "no positive is no error" 0 "0	value" "" loss triplet-hard --embeddings e.npy --labels alone.npy
expect "a label too few" 1 "" "holds 3 labels for 4 embeddings" loss contrastive --embeddings e.npy --labels few.npy
expect "an unknown loss" 2 "" "did you mean contrastive?" loss contrastiv --embeddings e.npy --labels l.npy
expect "weights of another shape" 1 "" "where loss.center.centers is [2, 1]" loss center --embeddings e.npy --labels l.npy --weights e.npy
expect "weights for a loss without" 2 "" "has no parameters" loss contrastive --embeddings e.npy --labels l.npy --weights e.npy
expect "weights for two terms that have some" 2 "" "try its terms one by one" loss "arcface + center" --embeddings e.npy --labels l.npy --weights centers.npy
expect "nor are they written" 2 "" "--weights-gradient: both loss." loss "arcface + center" --embeddings e.npy --labels l.npy --weights-gradient w.npy
expect "parameters of one of two terms" 0 "0.375" "" loss "center + contrastive" --embeddings e.npy --labels l.npy --weights centers.npy
cp e.npy before.npy
for option in gradient mined weights-gradient; do
    expect "--$option leaves the embeddings alone" 2 "" "would be overwritten" loss center --embeddings e.npy --labels l.npy --$option ./e.npy
done
same "loss: and they are as they were" before.npy e.npy
expect "two outputs in one place" 2 "" "--gradient and --mined both write" loss contrastive --embeddings e.npy --labels l.npy --gradient x --mined ./x
expect "an output that cannot be is told before the work" 1 "" "no-folder/g.npy" loss contrastive --embeddings e.npy --labels l.npy --gradient no-folder/g.npy
expect "labels beyond the classes" 2 "" "outside 0 .. 2" loss arcface --embeddings e.npy --labels alone.npy --classes 3
expect "what is needed" 2 "" "--embeddings E.npy and --labels L.npy are needed" loss contrastive

# sums, memories and proxies train, resume with the same bits, and travel in the checkpoint
"$kin" synth shop --products 8 --views 4 --size 16 --seed 4 --quiet
for sum in "softmax(smoothing=.1) + triplet-hard(margin=.3) * .5" "multi-similarity(miner=ms,xbm=64) + proxy-anchor(rate=10)" "margin(learn=1,rate=.5) + center * .01"; do
    common="--model conv4 --width 8 --embedding 16 --size 16 --channels 3 --batch-classes 4 --batch-pictures 3 --sampler pk --quiet"
    rm -rf whole part
    # shellcheck disable=SC2086
    "$kin" train shop $common --loss "$sum" --steps 12 --save-every 6 --out whole >out 2>&1 || { bad "train: $sum" "$(cat out)"; continue; }
    cp -r whole part
    "$kin" tensors part/last.safetensors >tensors 2>&1
    "$kin" embed shop --model whole --out emb --quiet >out 2>&1 && ok "train: $sum" || bad "train: $sum: embed" "$(cat out)"
done
grep -q "loss.center.centers" tensors && grep -q "loss.margin.beta" tensors && ok "train: parameters are named by their terms" || bad "train: parameters are named by their terms" "$(cat tensors)"
# a teacher: pictures without classes; published weights; a teacher that moved
common="--model conv4 --size 16 --channels 3 --batch 8 --quiet"
"$kin" train shop --model conv4 --batch-pictures 2 --steps 2 --quiet --out teacher >out 2>&1
# shellcheck disable=SC2086
"$kin" train shop --labels none $common --embedding 8 --width 8 --steps 4 --save-every 2 --teacher teacher/model.safetensors --teacher-model conv4 --out student >out 2>&1 &&
    "$kin" tensors student/teacher.safetensors | grep -q '^projection *F32 *.8,' && ok "train: a student of published weights, without classes" || bad "train: a student of published weights, without classes" "$(cat out)"
"$kin" train shop --labels none $common --head "autoencoder(dim=8,side=8)" --loss none --steps 3 --out code >out 2>&1 && "$kin" embed shop --model code --out codes --quiet >out 2>&1 && ok "train: pictures alone teach an auto-encoder" || bad "train: pictures alone teach an auto-encoder" "$(cat out)"
expect "no loss and a head without one" 2 "" "the loss none goes with a head that has a loss of its own" train shop $common --steps 3 --loss none --out nothing
mv teacher moved
expect "a teacher that is elsewhere" 1 "" "teacher" train --resume student --steps 6
expect "and where it is" 0 "" "" train --resume student --steps 6 --teacher moved/model.safetensors --quiet
expect "distill without a teacher" 2 "" "--teacher RUN names one" train shop --loss distill --out no
expect "a teacher that is not heard" 2 "" "learns from a teacher" train shop --loss softmax --teacher moved --out no
expect "an option that no term has" 2 "" "has no option of this name" train shop --loss supcon --margin .3 --out no
expect "a sum that is none" 2 "" "did you mean softmax?" train shop --loss "softmx + center" --out no
[ ! -e no ] && ok "loss: nothing was written" || bad "loss: nothing was written" "no is there"
exit $failed
