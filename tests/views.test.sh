#!/bin/sh
# kin embed --flip --scales: descriptors of several views.
set -u
about=views
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --products 6 --views 3 --size 24 --seed 2 --quiet
"$kin" train shop --model conv4 --width 8 --embedding 16 --pooling gap --size 24 --channels 3 --batch-classes 4 --batch-pictures 2 --steps 4 --out run --quiet >out 2>&1
expect "embedded" 0 "" "" embed shop --model run --flip --scales 1,.7,1.4 --out views --quiet
expect "embedded plainly" 0 "" "" embed shop --model run --out plain --quiet
cmp -s views.npy plain.npy && bad "views: other descriptors" "the same" || ok "views: other descriptors"
expect "each view is counted" 0 "" "0 of 36 descriptors were in the cache" embed shop --model run --flip --cache kept --out once
expect "and found again" 0 "" "36 of 36 descriptors were in the cache" embed shop --model run --flip --cache kept --out again
same "views: from the cache the same bits" once.npy again.npy
for command in "search --top 3" "rerank --top 3" "eval" "retrieve --deadline 1m --out lists"; do
    # shellcheck disable=SC2086
    expect "${command%% *} does not mix views" 1 "" "are of other views of their pictures" $command --query plain --gallery views
done
expect "the same views are compared" 0 "id,images" "" search --gallery views --top 2 --quiet
expect "a scale that is none" 2 "" "factors of .05 to 16" embed shop --model run --scales 1,x --out no
expect "a scale of 0" 2 "" "factors of .05 to 16" embed shop --model run --scales 0 --out no
expect "a scale twice" 2 "" "stands there twice" embed shop --model run --scales 1,1.0 --out no
expect "too many scales" 2 "" "8 factors at most" embed shop --model run --scales 1,2,3,4,5,6,7,8,9 --out no
expect "a scale beyond all pictures" 2 "" "1 to 4096 pixels" embed shop --model run --scales .05,1 --size 9 --out no
expect "pixels have no views" 2 "" "--flip does nothing with --model pixels" embed shop --model pixels --flip --out no
expect "predictions have no views" 2 "" "leave --output out" embed shop --model run --output prediction --flip --out no
exit $failed
