#!/bin/sh
# Heads from the command line, local features, and lists verified by them.
set -u
about=local
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --quiet --products 12 --views 4 --size 48 --seed 3 || exit 1
train="train shop --quiet --size 48 --channels 3 --width 8 --batch-classes 4 --batch-pictures 2 --steps 3 --seed 1"
for case in 'bfe|bfe(global=16,part=16)|softmax(smoothing=.1) + triplet-hard|--last-stride 1' \
            'abe|abe(learners=2,dim=16)|contrastive-squared|' 'delf|delf(hidden=16,tap=layer2)|softmax|' \
            'one|bfe(global=16,part=16)|softmax@global + triplet-hard@part|--last-stride 1'; do
    name=${case%%|*}; rest=${case#*|}; head=${rest%%|*}; rest=${rest#*|}; loss=${rest%%|*}; more=${rest#*|}
    # shellcheck disable=SC2086
    why=$("$kin" $train --model resnet8 --head "$head" --loss "$loss" $more --out "$name" 2>&1) && why=
    report "trains with $head and $loss" "$why"
done
tensors() { "$kin" tensors "$1/model.safetensors" | cut -d ' ' -f 1; }
why=; tensors bfe | grep -q '^loss.softmax.part.classifier.weight$' || why="not so: $(tensors bfe | tr '\n' ' ')"
report "each branch has its classifier" "$why"
why=; tensors one | grep -q '^loss.softmax.global.classifier.weight$' && ! tensors one | grep -q 'softmax.part' || why="not so: $(tensors one | tr '\n' ' ')"
report "a term may be for one branch" "$why"
"$kin" embed shop --quiet --model bfe --out e || exit 1
why=; head -c 128 e.npy | grep -q '(48, 32)' || why="not so: $(head -c 100 e.npy)"
report "the descriptor has both branches side by side" "$why"
expect "an unknown branch is named" 2 "" "there is no branch of this name; the head's are: global, part" \
    $train --model resnet8 --last-stride 1 --head bfe --loss softmax@left --out no
expect "a map that is too small is told how to grow" 2 "" "--last-stride 1" $train --model resnet18 --head bfe --loss softmax --out no
expect "learners that do not divide" 2 "" "a multiple of 3" $train --model resnet8 --head "abe(learners=3,dim=16)" --loss contrastive --out no

# weights of the whole network, where a head has no use for its last stages
# shellcheck disable=SC2086
"$kin" $train --model resnet8 --loss softmax --out plain || exit 1
for head in 'bfe(global=16,part=16,tap=layer2)' 'delf(hidden=16,tap=layer2)' 'abe(learners=2,dim=16)'; do
    # shellcheck disable=SC2086
    why=$("$kin" $train --model resnet8 --weights plain/model.safetensors --head "$head" --loss softmax --out fine --force 2>&1) && why=
    report "published weights under $head" "$why"
done
# shellcheck disable=SC2086
expect "weights of another network are refused as before" 1 "" "of another network" $train --model resnet20 --weights plain/model.safetensors --head 'delf(tap=layer2)' --loss softmax --out none

expect "local features of a run" 0 "" "features of 8 numbers from 48 pictures" local shop --model delf --side 96 --most 60 --dim 8 --out f
expect "verified lists" 0 "" "lists of" search --gallery e.npy --top 20 --out r.csv
"$kin" verify r.csv --quiet --gallery f --least 0 --inliers n.npy --out v.csv || bad "local: verify" "$?"
expect "they are lists as before" 0 "48 lists, 960 ids, all known, none twice" "" check v.csv --gallery e
"$kin" verify r.csv --quiet --threads 1 --gallery f --least 0 --out w.csv
same "local: the same for any number of threads" v.csv w.csv
"$kin" verify r.csv --quiet --gallery f --least 1000000 --out u.csv
same "local: without matches lists stay as they are" r.csv u.csv
"$kin" local shop --quiet --model delf --side 96 --most 60 --like f --out g
cmp -s f g && ok "local: features made like others are the same" || bad "local: features made like others are the same" "they differ"
expect "--like brings the numbers of a feature" 2 "" "leave --dim out" local shop --model delf --like f --dim 4 --out no
expect "scales that are none" 2 "" "--smallest 2 is above --largest 1" local shop --model delf --smallest 2 --largest 1 --out no
expect "a score that no feature has" 1 "" "0 features have a score of 1e+09 or more" local shop --model delf --side 96 --score 1e9 --dim 8 --out no
{ for n in 1 2 3 4; do echo "shop/product-0001/view-0$n.png,a"; done; echo shop/gone.png,a; } >list.csv
expect "a picture that is missing is left out and told" 0 "" "1 of 5 pictures could not be read" local list.csv --model delf --side 96 --most 60 --dim 8 --out m
expect "any map of any network" 0 "" "features of 8 numbers" local shop --model abe --tap layer1 --side 96 --most 20 --dim 8 --out h
expect "no such map" 2 "" "this network has no map 'layer9'" local shop --model abe --tap layer9 --side 96 --out no
"$kin" search --quiet --keep-self --query e.npy --gallery e.npy --top 20 --out kept.csv
"$kin" search --quiet --gallery e.npy --top 19 --out others.csv
expect "queries of the gallery do not find themselves" 0 "" "48 of 48 queries are gallery items themselves" verify kept.csv --query f --gallery f --least 1000000 --out alone.csv
same "local: and what is left are the others" others.csv alone.csv
"$kin" search --quiet --keep-self --query e.npy --gallery e.npy --top 20 --indices kept.npy
expect "own rows of an array are taken out, and told" 0 "" "48 items found themselves in kept.npy" verify kept.npy --gallery f --least 1000000 --out alone.csv
same "local: of arrays too" others.csv alone.csv
cp r.csv kept.csv
expect "a list's .csv is no part of a list that is an array" 0 "" "found themselves" verify kept.npy --gallery f --least 1000000 --out kept.csv
expect "the array itself is" 2 "" "kept.npy is read by this very command" verify kept.npy --gallery f --least 1000000 --out kept.npy
expect "... and what is searched" 2 "" "f is read by this very command" verify kept.npy --gallery f --least 1000000 --out ./f
expect "what is no file of local features" 1 "" "e.npy: not a safetensors file" verify r.csv --gallery f --query e.npy --out no
expect "a network is none" 1 "" "kin local makes them" verify r.csv --gallery bfe/model.safetensors --out no
head -c 1000 f >cut
expect "a file cut short" 1 "" "cut: " verify r.csv --gallery cut --out no
exit $failed
