#!/bin/sh
# Training that begins with weights: its gentle defaults, and the figure before the first step.
set -u
about=finetune
. tests/support/shell.sh
out=$folder
cd "$folder" || exit 1

"$kin" synth shop --products 12 --views 4 --size 24 --quiet
"$kin" train shop --model resnet8 --size 24 --channels 3 --batch-classes 12 --batch-pictures 2 --steps 60 --lr .003 --out begun --quiet
train="train shop --model resnet8 --weights begun/model.safetensors --normalize none --size 24 --validate .34 --validate-every 4 --steps 10"
gained() { # FILE: the validation figures of a log
    sed -n 's/.*"validation_mAP":\([0-9.e-]*\).*/\1/p' "$1"
}

# shellcheck disable=SC2086
{
expect "gentle unless said otherwise" 0 "" "gently, unless said otherwise: --loss softmax, --lr 0.0001, --warmup 1, --freeze-bn" $train --out gentle
report "the held-out classes are judged before the first step, and after" "$(gained gentle/log.jsonl | awk 'END { if (NR != 4) print NR " figures" }')"
"$kin" embed shop --classes 8-11 --model resnet8 --weights begun/model.safetensors --normalize none --size 24 --out e --quiet
"$kin" embed shop --classes 8-11 --model gentle --size 24 --out g --quiet
first=$(gained gentle/log.jsonl | head -n 1)
whole=$("$kin" eval --gallery e --json | sed 's/.*"mAP"[: ]*\([0-9.]*\).*/\1/')
report "... with the figure of the weights themselves" "$(awk -v a="$first" -v b="$whole" 'BEGIN { if (a - b > 1e-4 || b - a > 1e-4) print a " and " b }')"

expect "what is said is done" 0 "" "gently, unless said otherwise: --warmup 1" $train --loss softmax --lr .002 --train-bn --out said
grep -q '"lr":0.002' said/log.jsonl && ok "... with its rate" || bad "... with its rate" "$(head -n 2 said/log.jsonl)"
expect "a network that becomes worse is said" 0 "" "worse on the held-out classes than it was before training" $train --loss triplet-hard --lr .3 --clip 1 --out wrecked
grep -q "best on the held-out classes: mAP .* at step 0" "$out/err" && ok "... and the first one kept" || bad "... and the first one kept" "$(cat "$out/err")"
"$kin" embed shop --classes 8-11 --model wrecked --size 24 --out w --quiet
same "... bit for bit" e.npy w.npy

"$kin" $train --save-every 3 --out whole --quiet
"$kin" $train --save-every 3 --steps 4 --out part --quiet
expect "the figure before the first step outlives a resume" 0 "" "schedule is that of 10 steps" train --resume part --steps 10
report "... in the log too" "$(gained part/log.jsonl | awk 'END { if (NR != 4) print NR " figures" }')"
expect "a resumed run's norms are as they were" 2 "" "without --train-bn" train --resume part --train-bn
expect "without weights there is no figure before" 0 "" "" train shop --classes 0-7 --model resnet8 --size 24 --channels 3 --validate .3 --validate-every 2 --steps 2 --batch-classes 4 --out plain --quiet
report "... but one after" "$(gained plain/log.jsonl | awk 'END { if (NR != 1) print NR " figures" }')"
expect "--train-bn alone does nothing" 0 "" "--train-bn does nothing here; it goes with --weights" train shop --model resnet8 --size 24 --channels 3 --steps 1 --batch-classes 4 --train-bn --out alone
}
exit $failed
