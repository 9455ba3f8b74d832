#!/bin/sh
# The study of attention under disorder, as small as can be: it runs, goes on where it stopped, and its table is of its rows.
set -u
about=disorder
. tests/support/shell.sh

run() { KIN=$kin QUICK=1 STEPS=2 examples/attention.sh "$folder/study" >"$folder/said" 2>"$folder/err"; }
run && ok "disorder: runs" || bad "disorder: runs" "$(tail -n 2 "$folder/err")"
[ "$(wc -l <"$folder/study/rows.csv")" -eq 28 ] && ok "disorder: a row for each network and disorder" || bad "disorder: a row for each network and disorder" "$(cat "$folder/study/rows.csv")"
[ "$(wc -l <"$folder/study/table.csv")" -eq 8 ] && grep -q "^8,2,0\.[0-9]*,0\.[0-9]*,[+-]0" "$folder/study/table.csv" && ok "disorder: the table" || bad "disorder: the table" "$(cat "$folder/study/table.csv")"
cp "$folder/study/table.csv" "$folder/first.csv"
sed -i '$d' "$folder/study/rows.csv"
run && cmp -s "$folder/first.csv" "$folder/study/table.csv" && ok "disorder: goes on where it stopped, with the same figures" || bad "disorder: goes on where it stopped, with the same figures" "$(cat "$folder/err" "$folder/study/table.csv")"
rm "$folder/study/run-none-1/done"
sed -i '/,none,1,/d' "$folder/study/rows.csv"
run && cmp -s "$folder/first.csv" "$folder/study/table.csv" && ok "disorder: a training that was stopped begins again" || bad "disorder: a training that was stopped begins again" "$(cat "$folder/err" "$folder/study/table.csv")"
printf '#!/bin/sh\n[ "$1" != eval ] || exit 1\nexec "%s" "$@"\n' "$kin" >"$folder/broken"
chmod +x "$folder/broken"
sed -i '$d' "$folder/study/rows.csv"
! KIN=$folder/broken QUICK=1 STEPS=2 examples/attention.sh "$folder/study" >/dev/null 2>&1 && [ "$(wc -l <"$folder/study/rows.csv")" -eq 27 ] && ok "disorder: what could not be judged is no row" || bad "disorder: what could not be judged is no row" "$(tail -n 2 "$folder/study/rows.csv")"
cd "$folder" || exit 1
expect "more than the limit" 2 "" "--clutter" synth no --clutter 21
expect "occluders below 0" 2 "" "--occluders" synth no --occluders -1
exit $failed
