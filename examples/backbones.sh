#!/bin/sh
# Does the order of frozen networks hold once they are trained?
#
#   examples/backbones.sh DATA FIT VALIDATION OUT [WEIGHTS [RANDOM]]
#
# FIT and VALIDATION are lists of classes (0-44 and 45-59); WEIGHTS is what kin backbones --weights takes, RANDOM what its --random does. Each
# network is judged frozen on the validation classes, is trained on the others (gently, where it has weights), and is judged again.
# Leaves in OUT: frozen.csv, rows.csv (a network each), table.md with Spearman's correlation of both orders. Rows that are there are not trained again, so that it goes
# on after any interruption. STEPS, SIZE (pictures of at most this side), BATCH and OPTIONS (more of kin train) change the training; KIN is the
# program; QUICK=1 shows that it works, and its figures say nothing.
set -eu
kin=${KIN:-./kin}
[ $# -ge 5 ] && [ $# -le 6 ] || { echo "usage: $0 DATA FIT VALIDATION OUT WEIGHTS|'' [RANDOM]" >&2; exit 2; }
data=$1 fit=$2 validation=$3 out=$4 weights=$5 random=${6:-}
case ${QUICK:-} in
'') : "${STEPS:=200}" "${SIZE:=160}" "${BATCH:=48}" ;;
*) : "${STEPS:=3}" "${SIZE:=32}" "${BATCH:=8}" ;;
esac
mkdir -p "$out/rows"
out=$(cd "$out" && pwd)

"$kin" backbones "$data" --classes "$validation" ${weights:+--weights "$weights"} ${random:+--random "$random"} --cache "$out/cache" --csv "$out/frozen.csv" --quiet >/dev/null

mean() { sed -n 's/.*mAP \([0-9.]*\).*/\1/p' | head -n 1; }
# The network's own side, at most SIZE, before and after training.
judge_frozen() { "$kin" embed "$data" --classes "$validation" --model "$model" --weights "$from" --size "$side" --cache "$out/cache" --out "$out/e" --judge --quiet </dev/null | mean; }

rm -f "$out/rows.part"
sed 1d "$out/frozen.csv" >"$out/networks"
while IFS=, read -r model from frozen rest; do
    side=${rest##*,}
    [ "$side" -le "$SIZE" ] || side=$SIZE
    # Another training is another row.
    row=$out/rows/$model-$(echo "$data $fit $validation $from $BATCH ${OPTIONS:-}" | cksum | cut -d ' ' -f 1)-$STEPS-$side
    if [ ! -s "$row" ]; then
        run=$out/run
        rm -rf "$run"
        [ "$from" != random ] || from=
        [ "$side" -eq "${rest##*,}" ] || frozen=$(judge_frozen)
        # shellcheck disable=SC2086
        "$kin" train "$data" --classes "$fit" --model "$model" ${from:+--weights "$from"} --loss softmax --size "$side" --batch "$BATCH" --steps "$STEPS" --seed 1 --save-every 1000000 ${OPTIONS:-} --out "$run" --quiet >"$out/said" 2>&1 </dev/null ||
            { echo "backbones: $model: $(tail -n 1 "$out/said")" >&2; exit 1; }
        tuned=$("$kin" embed "$data" --classes "$validation" --model "$run" --out "$run/e" --judge --quiet </dev/null | mean)
        echo "$model,${from:-random},$frozen,$tuned" >"$row.part"
        mv "$row.part" "$row"
        rm -rf "$run"
        echo "backbones: $(cat "$row")" >&2
    fi
    cat "$row" >>"$out/rows.part"
done <"$out/networks"
{ echo "network,weights,frozen,trained"; cat "$out/rows.part"; } >"$out/rows.csv"
rm "$out/rows.part"

# By chance: of 10,000 orders drawn at random, how many are as near.
awk -F, -v steps="$STEPS" -v size="$SIZE" '
    function rank(x, i,   j, less, same) { less = same = 0; for (j = 1; j <= n; j++) { less += (x[j] < x[i]); same += (x[j] == x[i]) } return less + (same + 1) / 2 }
    function below(m) { state = (state * 16598013 + 12820163) % 16777216; return int(state / 16777216 * m) + 1 }
    NR == 1 { print "| network | weights | frozen | trained, " steps " steps at " size " or its own side |\n|---|---|---|---|"; next }
    { a[++n] = $3; b[n] = $4; sub(/.*\//, "", $2); printf "| %s | %s | %.4f | %.4f |\n", $1, $2, $3, $4 }
    END {
        m = (n + 1) / 2; state = 4711
        for (i = 1; i <= n; i++) { p[i] = rank(a, i) - m; q[i] = rank(b, i) - m; xy += p[i] * q[i]; xx += p[i] * p[i]; yy += q[i] * q[i] }
        if (!(xx > 0 && yy > 0)) { print "\nno order: the figures are all alike"; exit }
        for (r = 0; r < 10000; r++) {
            for (i = n; i > 1; i--) { j = below(i); t = q[i]; q[i] = q[j]; q[j] = t }
            s = 0
            for (i = 1; i <= n; i++) s += p[i] * q[i]
            near += (s >= xy - 1e-9)
        }
        printf("\nSpearman of both orders over %d networks: %.2f; as much by chance: %.1f %%\n", n, xy / sqrt(xx * yy), near / 100)
    }' "$out/rows.csv" >"$out/table.md"
cat "$out/table.md"
