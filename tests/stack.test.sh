#!/bin/sh
# Small stacks, as threads have them under musl, or programs under a tight limit: nothing large lies on one.
about=stack
. tests/support/shell.sh
cd "$folder" || exit 1
ulimit -s 256 || { echo "skip stack: the limit of the stack cannot be set"; exit 0; }

runs() { # NAME COMMAND...
    name=$1; shift
    if out=$("$@" 2>&1); then ok "$about: $name"; else bad "$about: $name" "$out"; fi
}
"$kin" synth shop --products 12 --views 6 --size 40 --seed 4 --quiet
for model in resnet18 mobilenet_v2; do
    runs "steps of training, $model" "$kin" train shop --model $model --steps 2 --size 40 --batch-classes 6 --batch-pictures 3 --threads 3 --out "$model" --quiet
done
runs "descriptors" "$kin" embed shop --model resnet18 --out E --threads 3 --quiet
runs "descriptors of resized pictures" "$kin" embed shop --model histogram --size 24 --out H --threads 3 --quiet
runs "search" "$kin" search --query E --gallery E --top 5 --out lists.csv --threads 3 --quiet
runs "re-ranking" "$kin" rerank --query E --gallery E --top 5 --out ranks.csv --threads 3 --quiet
# The commands' own: descriptions of networks and runs lie on the heap.
printf 'size = 16\nwidth = 8\nembedding = 8\nsteps = 2\n[phase one]\n[phase two]\nlr = .0001\n' >two.conf
ulimit -s 160
runs "a recipe's phases" "$kin" train shop --recipe two.conf --out phases --quiet
runs "an index and what is found in it, by a network" "$kin" index shop --model phases --quiet
runs "a picture is found" "$kin" find shop/product-0001/view-01.png --index shop --quiet
runs "a network as ONNX" "$kin" export --model phases --out m.onnx --quiet
runs "local features" "$kin" local shop --model resnet18 --side 64 --out L --quiet
printf 'size = 16\nwidth = 8\nsteps = 4\nlr = log(1e-4, 1e-2)\nloss = choice(softmax, triplet-hard)\n[chain]\nk1 = choice(0, 3)\n' >space.conf
runs "a sweep" "$kin" sweep space.conf shop --trials 2 --rungs 2 --seeds 1 --out swept --quiet
exit $failed
