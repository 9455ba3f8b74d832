#!/bin/sh
# Is self channel attention robust to noise? The winner of the contest had it at the end of its network, and said so. Here it is asked on the drawn shop.
#
#   examples/attention.sh OUT
#
# The same network is trained with and without sca@end, SEEDS times each, on the shop as it is; then classes that it never saw are looked for in
# pictures with more and more things behind the products and before them (the products, their poses and their light stay the same).
# Prints a table: mAP by disorder, with and without, the mean of the seeds and the difference with the interval of 95 % of a paired t-test.
#
# Leaves in OUT: rows.csv (a figure each), table.csv. What is there is not made again. KIN is the program; QUICK=1 makes it seconds (to see that it works:
# the figures say nothing); SEEDS, STEPS, PRODUCTS, VIEWS, SIZE and MODEL change it.
set -eu
kin=${KIN:-./kin}
[ $# -eq 1 ] || { echo "usage: $0 OUT" >&2; exit 2; }
out=$1
case ${QUICK:-} in
'') : "${SEEDS:=3}" "${STEPS:=600}" "${PRODUCTS:=240}" "${VIEWS:=8}" "${SIZE:=48}" "${MODEL:=resnet8}" ;;
*) : "${SEEDS:=2}" "${STEPS:=6}" "${PRODUCTS:=12}" "${VIEWS:=4}" "${SIZE:=16}" "${MODEL:=resnet8 --width 8}" ;;
esac
[ "$SEEDS" -ge 2 ] && [ "$SEEDS" -le 10 ] && [ "$PRODUCTS" -ge 12 ] || { echo "$0: SEEDS is 2 to 10, PRODUCTS 12 or more" >&2; exit 2; }
mkdir -p "$out"
seen=$((PRODUCTS * 3 / 4))
levels="0-0 4-0 8-0 0-1 0-2 4-1 8-2" # things more behind, and in front

for level in $levels; do
    shop=$out/shop-$level
    [ -e "$shop.done" ] || { rm -rf "$shop"; "$kin" synth "$shop" --products "$PRODUCTS" --views "$VIEWS" --size "$SIZE" --seed 11 --clutter "${level%-*}" --occluders "${level#*-}" --quiet; : >"$shop.done"; }
done

: >>"$out/rows.csv"
seed=1
while [ "$seed" -le "$SEEDS" ]; do
    for attention in none sca@end; do
        run=$out/run-$attention-$seed
        [ -e "$run/done" ] || {
            rm -rf "$run" # one that was stopped begins again
            # shellcheck disable=SC2086
            "$kin" train "$out/shop-0-0" --classes 0-$((seen - 1)) --model $MODEL --size "$SIZE" --channels 3 --batch-classes 8 --batch-pictures 4 --steps "$STEPS" \
                $([ $attention = none ] || echo "--attention $attention") --seed "$seed" --out "$run" --quiet
            : >"$run/done"
        }
        for level in $levels; do
            grep -q "^$level,$attention,$seed," "$out/rows.csv" && continue
            "$kin" embed "$out/shop-$level" --classes "$seen-" --model "$run" --out "$out/held" --quiet
            "$kin" eval --gallery "$out/held" --quiet >"$out/said"
            awk -v row="$level,$attention,$seed" '$1 == "mAP" { print row "," $2 }' "$out/said" >>"$out/rows.csv"
        done
    done
    seed=$((seed + 1))
done

awk -F, -v levels="$levels" -v seeds="$SEEDS" '
{ map[$1, $2, $3] = $4 }
END {
    split("0 12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", t, " ")
    print "behind,before,without,with,gain,low,high"
    n = split(levels, level, " ")
    for (k = 1; k <= n; k++) {
        a = b = sum = squares = 0
        for (s = 1; s <= seeds; s++) {
            x = map[level[k], "none", s]; y = map[level[k], "sca@end", s]
            a += x; b += y; sum += y - x; squares += (y - x) ^ 2
        }
        mean = sum / seeds; spread = (squares - sum * mean) / (seeds - 1)
        wide = t[seeds] * sqrt((spread > 0 ? spread : 0) / seeds)
        split(level[k], more, "-")
        printf "%d,%d,%.4f,%.4f,%+.4f,%+.4f,%+.4f\n", more[1], more[2], a / seeds, b / seeds, mean, mean - wide, mean + wide
    }
}' "$out/rows.csv" >"$out/table.csv"
column -t -s, "$out/table.csv" 2>/dev/null || cat "$out/table.csv"
