#!/bin/sh
# The ladder's script at a tiny size: killed and gone on with it ends with the same journal; the open classes are opened once a row, and the log
# tells; the journal as a table, a picture and a page.
set -u
about=ladder
. tests/support/shell.sh
script=$PWD/examples/ladder.sh
cd "$folder" || exit 1

# ---- the journal as a table, a picture, a page ----
row='{"data": "d", "row": "%s", "title": "<%s> | x", "on": "%s", "validation": 0.5, "mAP": %s, "R@1": 0.5, "low": %s, "high": %s, "seeds": [0.4, 0.5], "seconds": 1, "memory": 1000000, "command": "kin"}\n'
# shellcheck disable=SC2059
{ printf "$row" a a "" 0.5 0.4 0.6; printf "$row" b b a 0.55 0.5 0.6; printf "$row" c c a 0.4 0.3 0.5; printf '{"data": "d", "ro'; } >j.jsonl
expect "a gain within chance" 0 '| <b> \| x | .5500 | +.0500, within chance | ±0.050 | .1000 |' "" ladder j.jsonl
expect "none" 0 '| .4000 | −.1000, no gain |' "" ladder j.jsonl
expect "a drawing of names with signs" 0 "" "" ladder j.jsonl --svg j.svg
report "escapes them" "$(grep -q '&lt;b&gt; | x' j.svg || echo "they are not")"
sed "s/\"<a> | x\"/\"$(printf '%060d' 0)\"/" j.jsonl >wordy.jsonl
expect "a page with names that are too long" 0 "" "" ladder wordy.jsonl --out wordy.html
report "cuts them to their column, and draws them for a telephone, too" "$([ "$(grep -o '>0\{58\}…<' wordy.html | wc -l)" -eq 2 ] && grep -q '<div class="narrow"><svg' wordy.html || echo "it does not")"
echo '{"data": "d", "row": "n", "title": "none", "mAP": 0, "low": 0, "high": 0}
{"data": "d", "row": "o", "title": "all", "on": "n", "mAP": 1, "low": 1, "high": 1}' >ends.jsonl
expect "all of it, and what was not measured" 0 '| all | 1.0000 | +1.0000 | ±0.000 | | | | | |' "" ladder ends.jsonl
{ head -n 1 j.jsonl; head -n 1 j.jsonl; } >twice.jsonl
expect "a row that is there twice" 1 "" "was there already" ladder twice.jsonl
echo '{"data": "d", "row": "a", "title": "a", "mAP": 7}' >odd.jsonl
expect "figures that are none" 1 "" "odd.jsonl:1: the line has neither a reason nor figures between 0 and 1" ladder odd.jsonl
: >empty.jsonl
expect "nothing yet" 1 "" "no row is finished yet" ladder empty.jsonl

# ---- what commands took ----
KIN_USAGE=usage "$kin" models >/dev/null
KIN_USAGE=usage "$kin" data "no such 'place'" >/dev/null 2>&1
report "KIN_USAGE keeps what commands took" "$([ "$(grep -c '"status": [01], "seconds": [0-9.]*, "memory": [0-9]*}$' usage)" -eq 2 ] && grep -qF "kin data 'no such '\\\\''place'\\\\'''" usage || echo "not so: $(cat usage)")"
long=$(printf '%5000s' '' | tr ' ' x)
for i in 1 2 3 4 5 6; do KIN_USAGE=together "$kin" data "$long" >/dev/null 2>&1 & done
wait
report "a long line is written at once" "$([ "$(grep -c '^{"command": "kin data x*", "status": 1, ' together)" -eq 6 ] || echo "not so: $(cut -c 1-60 together)")"
KIN_USAGE=$folder expect "a file of usage that cannot be written" 0 "kin" "KIN_USAGE: cannot add a line" --version

# ---- the ladder itself ----
case $BUILD in *address* | *thread*) echo "skip ladder: the script, with sanitizers: its commands have tests of their own"; exit $failed ;; esac
export QUICK=1 PRODUCTS=10 VIEWS=10 STEPS=2 ROWS="frozen pixels softmax best-verified pixels-* *-expansion *-mutual ensemble"

# A kin that is killed in its 2nd, 5th, ... call, and what called it with it; in a training some time after it began.
cat >fragile <<'END'
#!/bin/sh
n=$(($(cat calls 2>/dev/null || echo 0) + 1))
echo $n >calls
case $n in 4 | 11 | 23 | 37) ;; *) exec "$REAL" "$@" ;; esac
"$REAL" "$@" &
sleep 0.05
kill -9 $! $PPID
END
chmod +x fragile
climb() { OUT=$1 KIN=$2 "$script" shop >said 2>err; } # OUT KIN
figures() { sed -e 's/"seconds": [0-9.]*, "memory": [0-9.]*, //' -e "s|$1/|OUT/|g" "$1/shop.jsonl"; }

climb whole "$kin" || bad "ladder: from end to end" "$(tail -n 1 err)"
REAL=$kin; export REAL
kills=0
while [ $kills -lt 9 ]; do
    climb parts ./fragile && break
    kills=$((kills + 1))
done
report "killed four times" "$([ $kills -ge 3 ] || echo "$kills times")"
figures whole >a && figures parts >b
same "the same journal" a b
report "a line for each opening" "$(for out in whole parts; do [ "$(grep -c ' opened ' $out/opened.log)" -eq "$(grep -c '"mAP"' $out/shop.jsonl)" ] || echo "not so: $(cat $out/opened.log)"; done)"
report "the plan is told before it begins" "$(grep -q 'rows to do, about [0-9]* minutes' err || echo "not so: $(head -n 1 err)")"

cp whole/shop.jsonl before
climb whole "$kin" && same "what is finished is not run again" before whole/shop.jsonl
sed '/"row": "softmax"/d' before >whole/shop.jsonl
climb whole "$kin"
report "a row is not opened twice" "$([ $? = 1 ] && grep -q 'softmax: the open classes were looked at before' err || echo "not so: $(tail -n 2 err)")"
AGAIN=softmax climb whole "$kin"
report "unless it is told to" "$([ "$(grep -c ' softmax opened ' whole/opened.log)" -eq 2 ] && grep -q '"row": "softmax"' whole/shop.jsonl || echo "not so: $(tail -n 1 err)")"

# a plan, of what a kill tore and of nothing
cp before whole/shop.jsonl && printf '{"data": "shop", "row": "pixels-x"' >>whole/shop.jsonl
find whole -type f -exec cksum {} + | sort >planned.before
PLAN=1 climb whole "$kin"; code=$?
find whole -type f -exec cksum {} + | sort >planned.after
report "a plan tells what there is to do" "$([ $code -eq 0 ] && grep -q 'shop: 0 rows to do' err || echo "not so: $(cat err)")"
same "and changes nothing" planned.before planned.after
PLAN=1 climb nothing "$kin"
report "nor makes a folder" "$([ ! -e nothing ] && grep -q 'rows to do' err || echo "not so: $(cat err)")"
cp before whole/shop.jsonl

# phases of which only the recipe was written when they were killed
mkdir -p early/shop/net/two-phases && echo "steps = 1" >early/shop/net/two-phases/recipe.conf
ROWS=two-phases climb early "$kin"
report "phases that were killed before their first checkpoint begin again" "$(grep -q '"row": "two-phases", .*"mAP"' early/shop.jsonl || echo "not so: $(tail -n 1 err)")"

report "a rung that the set does not have tells why" "$(grep -q 'published network, nothing trained | — | no one has' whole/shop.md || echo "not so: $(cat whole/shop.md)")"
report "the drawing" "$([ "$(grep -o '<rect class="b[01]"' whole/shop.svg | wc -l)" -eq $(($(grep -c '"mAP"' before) + 10)) ] && tail -n 1 whole/shop.svg | grep -q '</svg>$' || echo "bars are missing")"
report "the page" "$(grep -q 'All figures' whole/shop.html && grep -q 'kin embed' whole/shop.html || echo "figures or commands are missing")"
exit $failed
