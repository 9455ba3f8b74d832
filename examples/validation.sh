#!/bin/sh
# Validation told truly: which way of holding something out tells what a network will do on classes that it has never seen?
#
#   examples/validation.sh omniglot ARCHIVE OUT   on drawings of Omniglot; ARCHIVE is omniglot-background.tar.gz, or the folder in it
#   examples/validation.sh shop OUT               on products that kin draws
#
# RUNS settings (loss, rate, width) are each trained under four kinds of split of the same classes: the last fifth of them as one chunk;
# chunks in turn (FOLDS of five, a training for each, figures averaged); a fifth of all pictures, at random; a fifth of the classes, at random. Every
# training judges what it held out once, at its end; then it is asked for as many fresh classes as the chunk has, which nobody chose
# anything on. The page tells for each kind: the bias (validation less truth), Spearman's correlation over the settings with the interval of
# 95 % when settings are drawn anew, how often the better of two settings is told, and what picking the best by validation costs.
#
# Leaves in OUT: rows.csv (a training each), kinds.csv, validation.svg, validation.md, index.html. Rows that are there are not trained again, so
# that it goes on after any interruption. KIN is the program; QUICK=1 makes it minutes (to see that it works: the figures say
# nothing); RUNS, FOLDS, STEPS, POOL (classes to train and validate on), PRODUCTS and SIZE make it smaller.
set -eu
kin=${KIN:-./kin} what=${1:-}
usage() { echo "usage: $0 omniglot ARCHIVE OUT | shop OUT" >&2; exit 2; }
case $what in
omniglot) [ $# -eq 3 ] || usage; archive=$2 out=$3 ;;
shop) [ $# -eq 2 ] || usage; archive= out=$2 ;;
*) usage ;;
esac
case ${QUICK:-} in
'') : "${RUNS:=24}" "${FOLDS:=3}" "${STEPS:=200}" "${POOL:=700}" ;;
*) : "${RUNS:=6}" "${FOLDS:=2}" "${STEPS:=15}" "${POOL:=50}" ;;
esac
[ "$RUNS" -ge 2 ] && [ "$RUNS" -le 24 ] && [ "$FOLDS" -ge 1 ] && [ "$FOLDS" -le 5 ] && [ "$POOL" -ge 20 ] || { echo "$0: RUNS is 2 to 24, FOLDS 1 to 5, POOL 20 or more" >&2; exit 2; }
fresh=$((POOL / 5)) size=${SIZE:-28}
mkdir -p "$out/rows"
out=$(cd "$out" && pwd)
say() { echo "validation: $*" >&2; }
# Rows of another study are no rows of this one; more settings and more chunks are.
settings="$what $archive STEPS=$STEPS POOL=$POOL SIZE=$size PRODUCTS=${PRODUCTS:-}"
[ -s "$out/settings" ] || echo "$settings" >"$out/settings"
[ "$(cat "$out/settings")" = "$settings" ] || { echo "$0: $out holds another study ($(cat "$out/settings")); take another folder" >&2; exit 2; }

# ---- the pictures ----

if [ "$what" = omniglot ]; then
    data=$archive
    if [ ! -d "$archive" ]; then
        [ -d "$out/omniglot" ] || { mkdir -p "$out/unpacking"; tar xzf "$archive" -C "$out/unpacking"; mv "$out/unpacking" "$out/omniglot"; }
        data=$out/omniglot
    fi
    input="--invert --filter lanczos --size $size --channels 1"
else
    : "${PRODUCTS:=$((POOL + fresh))}"
    data=$out/shop
    [ -e "$out/shop.done" ] || { rm -rf "$data"; "$kin" synth "$data" --products "$PRODUCTS" --views 10 --size "$size" --seed 7 --quiet; : >"$out/shop.done"; }
    input="--size $size --channels 3"
fi
pool=0-$((POOL - 1)) truth=$POOL-$((POOL + fresh - 1))

# What a random split holds out, the same for all settings: pictures and classes are put in an order by a number of their own (a
# multiplication modulo a prime), and the first fifth goes.
if [ ! -s "$out/classes.csv" ]; then
    "$kin" data "$data" --classes $pool --quiet --out "$out/pool.csv" >/dev/null
    awk -F, 'NR > 1 { print ++n * 7919 % 104729 "," $1 }' "$out/pool.csv" | sort -n | awk -F, '{ id[NR] = $2 } END { print "id"; for (i = 1; i <= NR / 5; i++) print id[i] }' >"$out/pictures.csv"
    awk -F, 'NR > 1 && !seen[$2]++ { print ++n * 7919 % 104729 "," $2 }' "$out/pool.csv" | sort -n | awk -F, '{ id[NR] = $2 } END { print "class"; for (i = 1; i <= NR / 5; i++) print id[i] }' >"$out/classes.part"
    mv "$out/classes.part" "$out/classes.csv"
fi

# ---- the trainings ----

# Setting N of 24: three losses, four rates, two widths; neighbours differ in all three.
setting() { # N
    case $(($1 % 3)) in 0) printf %s "--loss triplet-hard" ;; 1) printf %s "--loss softmax" ;; 2) printf %s "--loss contrastive" ;; esac
    case $(($1 / 3 % 4)) in 0) printf %s " --lr 0.001" ;; 1) printf %s " --lr 0.0002" ;; 2) printf %s " --lr 0.005" ;; 3) printf %s " --lr 0.02" ;; esac
    case $(($1 / 12 + $1 % 2)) in 1) printf %s " --width 8" ;; *) printf %s " --width 24" ;; esac
}

train_one() { # NAME N SPLIT...: leaves rows/NAME, "validation,truth,R@1 of the truth"
    row=$out/rows/$1 n=$2
    shift 2
    [ ! -s "$row" ] || return 0
    run=$out/run
    rm -rf "$run"
    # shellcheck disable=SC2046,SC2086
    "$kin" train "$data" --classes $pool $input --model conv4 --batch-classes 16 --batch-pictures 4 --batch 64 $(setting "$n") --seed $((n + 1)) --steps "$STEPS" \
        --validate-every "$STEPS" --save-every 1000000 "$@" --out "$run" --quiet >"$out/said" 2>&1 || { say "$row failed: $(tail -n 1 "$out/said")"; exit 1; }
    held=$(sed -n 's/.*"validation_mAP":\([0-9.e-]*\).*/\1/p' "$run/log.jsonl" | tail -n 1)
    said=$("$kin" embed "$data" --classes "$truth" --model "$run" --out "$run/fresh" --judge --quiet)
    echo "$held,$(echo "$said" | sed -n 's/.*mAP \([0-9.]*\).*/\1/p' | head -n 1),$(echo "$said" | sed -n 's/.*R@1 \([0-9.]*\).*/\1/p' | head -n 1)" >"$row.part"
    mv "$row.part" "$row"
    rm -rf "$run"
    say "$(basename "$row"): $(cat "$row")"
}

n=0
while [ $n -lt "$RUNS" ]; do
    train_one chunk-$n $n --validate 0.2
    fold=1
    # From the second fifth on, from behind: the last is the chunk already.
    while [ $fold -le "$FOLDS" ]; do
        if [ $fold -eq 1 ]; then [ -s "$out/rows/rotated-$n-1" ] || cp "$out/rows/chunk-$n" "$out/rows/rotated-$n-1"
        else train_one rotated-$n-$fold $n --validate-fold $((6 - fold))/5; fi
        fold=$((fold + 1))
    done
    train_one pictures-$n $n --validate-list "$out/pictures.csv"
    train_one classes-$n $n --validate-list "$out/classes.csv"
    n=$((n + 1))
done

# ---- what came of it ----

{
    echo "kind,setting,options,validation,truth"
    n=0
    while [ $n -lt "$RUNS" ]; do
        for kind in chunk rotated pictures classes; do
            cat "$out/rows/$kind-$n" "$out/rows/$kind-$n"-* 2>/dev/null | awk -F, -v head="$kind,$n,$(setting $n)" '{ v += $1; t += $2 } END { printf "%s,%.5f,%.5f\n", head, v / NR, t / NR }'
        done
        n=$((n + 1))
    done
} >"$out/rows.csv"

# Ranks with ties shared; Spearman is Pearson of the ranks. Settings are drawn anew 2,000 times, by a generator of 24 bits.
awk -F, '
    function draw(n) { state = (state * 16598013 + 12820163) % 16777216; return int(state / 16777216 * n) + 1 }
    function ranks(x, n, r,   i, j, less, same) { for (i = 1; i <= n; i++) { less = same = 0; for (j = 1; j <= n; j++) { less += x[j] < x[i]; same += x[j] == x[i] } r[i] = less + (same + 1) / 2 } }
    function spearman(x, y, n,   i, a, b, p, q, xy, xx, yy, m) {
        ranks(x, n, p); ranks(y, n, q); m = (n + 1) / 2; xy = xx = yy = 0
        for (i = 1; i <= n; i++) { a = p[i] - m; b = q[i] - m; xy += a * b; xx += a * a; yy += b * b }
        return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0
    }
    NR > 1 { k = $1; if (!(k in count)) order[++kinds] = k; i = ++count[k]; v[k, i] = $4; t[k, i] = $5 }
    END {
        state = 4711
        print "kind,settings,validation,truth,bias,bias_low,bias_high,spearman,low,high,better_of_two,best_chosen,best_there_is"
        for (o = 1; o <= kinds; o++) {
            k = order[o]; n = count[k]; sv = st = right = pairs = 0; best = chosen = 1
            for (i = 1; i <= n; i++) {
                x[i] = v[k, i]; y[i] = t[k, i]; sv += x[i]; st += y[i]
                if (y[i] > y[best]) best = i
                if (x[i] > x[chosen]) chosen = i
                for (j = 1; j < i; j++) { pairs++; d = (x[i] - x[j]) * (y[i] - y[j]); right += d > 0 ? 1 : d == 0 ? .5 : 0 }
            }
            rho = spearman(x, y, n)
            for (r = 1; r <= 2000; r++) {
                b = 0
                for (i = 1; i <= n; i++) { j = draw(n); px[i] = x[j]; py[i] = y[j]; b += px[i] - py[i] }
                rhos[r] = spearman(px, py, n); biases[r] = b / n
            }
            shell(rhos, 2000); shell(biases, 2000)
            printf "%s,%d,%.4f,%.4f,%.4f,%.4f,%.4f,%.3f,%.3f,%.3f,%.3f,%.4f,%.4f\n", k, n, sv / n, st / n, (sv - st) / n, biases[50], biases[1951], rho, rhos[50], rhos[1951], right / pairs, y[chosen], y[best]
        }
    }
    function shell(x, n,   gap, i, j, v) { for (gap = 701; gap >= 1; gap = int(gap / 2.3)) for (i = gap + 1; i <= n; i++) { v = x[i]; for (j = i - gap; j >= 1 && x[j] > v; j -= gap) x[j + gap] = x[j]; x[j + gap] = v } }
' "$out/rows.csv" >"$out/kinds.csv"

# Four panels, validation across and truth upwards, with the line on which validation tells the truth.
awk -F, '
    BEGIN { name["chunk"] = "one chunk of classes"; name["rotated"] = "chunks in turn"; name["pictures"] = "random pictures"; name["classes"] = "random classes" }
    FNR == NR { if (FNR > 1) { rho[$1] = $8; low[$1] = $9; high[$1] = $10; bias[$1] = $5 }; next }
    FNR > 1 { k = $1; if (!(k in count)) order[++kinds] = k; i = ++count[k]; v[k, i] = $4; t[k, i] = $5; label[k, i] = $3; if ($4 > most) most = $4; if ($5 > most) most = $5 }
    END {
        side = 240; top = most * 1.06 > 0 ? most * 1.06 : 1; step = top > .5 ? .2 : top > .2 ? .1 : .02
        printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d 360\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Validation and truth for four kinds of split\">\n", 70 + kinds * (side + 40)
        print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
        for (o = 1; o <= kinds; o++) {
            k = order[o]; left = 60 + (o - 1) * (side + 40); base = 60 + side
            printf "<text x=\"%d\" y=\"22\" font-size=\"14\" font-weight=\"bold\">%s</text>\n<text x=\"%d\" y=\"42\" fill=\"#555\">Spearman %.2f (%.2f to %.2f), bias %+.3f</text>\n", left, name[k], left, rho[k], low[k], high[k], bias[k]
            printf "<rect x=\"%d\" y=\"60\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#999\"/>\n<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"60\" stroke=\"#bbb\" stroke-dasharray=\"4 4\"/>\n", left, side, side, left, base, left + side
            for (s = 0; s <= top; s += step) {
                printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%.2g</text>\n", left + s / top * side, base + 16, s
                if (o == 1) printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#555\">%.2g</text>\n", left - 6, base - s / top * side + 4, s
            }
            printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">mAP in validation</text>\n", left + side / 2, base + 36
            for (i = 1; i <= count[k]; i++) printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"#1f77b4\" fill-opacity=\".7\"><title>%s: %.4f, truly %.4f</title></circle>\n", left + v[k, i] / top * side, base - t[k, i] / top * side, label[k, i], v[k, i], t[k, i]
        }
        printf "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">mAP on fresh classes</text>\n</svg>\n", 60 + side / 2
    }' "$out/kinds.csv" "$out/rows.csv" >"$out/validation.svg"

awk -F, -v what="$what" -v steps="$STEPS" -v folds="$FOLDS" -v pool="$POOL" -v fresh="$fresh" -v quick="${QUICK:-}" '
    BEGIN { name["chunk"] = "one chunk of classes"; name["rotated"] = "chunks in turn"; name["pictures"] = "random pictures"; name["classes"] = "random classes" }
    NR == 1 { next }
    NR == 2 {
        printf "%s: %d settings of %d steps each, trained on %d classes less what is held out, asked for %d fresh ones; chunks in turn: %d trainings a setting.\n", what, $2, steps, pool, fresh, folds
        if (quick != "") print "\n**QUICK: too few and too short for any figure to mean something.**"
        print "\n| held out | validation | truth | bias (95 %) | Spearman (95 %) | better of two told | best chosen | best there is |\n|---|---|---|---|---|---|---|---|"
    }
    { printf "| %s | %.4f | %.4f | %+.4f (%+.4f to %+.4f) | %.2f (%.2f to %.2f) | %.0f %% | %.4f | %.4f |\n", name[$1], $3, $4, $5, $6, $7, $8, $9, $10, 100 * $11, $12, $13 }' "$out/kinds.csv" >"$out/validation.md"

{
    printf '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Validation told truly</title>\n'
    printf '<style>body{font:16px/1.5 sans-serif;max-width:75rem;margin:auto;padding:1rem}svg{width:100%%;height:auto}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}div{overflow-x:auto}</style>\n<h1>Validation told truly</h1>\n'
    awk '/^\|---/ { next } /^\|/ { cell = ++rows == 1 ? "th" : "td"; if (rows == 1) print "<div><table>"; line = "<tr>"; m = split($0, part, "|"); for (i = 2; i < m; i++) line = line "<" cell ">" part[i] "</" cell ">"; print line "</tr>"; next } NF { gsub(/\*\*/, ""); print "<p>" $0 "</p>" } END { print "</table></div>" }' "$out/validation.md"
    cat "$out/validation.svg"
    echo '<p>A point is a setting; on the dashed line validation tells the truth.</p></html>'
} >"$out/index.html"
cat "$out/validation.md"
