# chain COMMAND...: synth, train, embed, search, check and eval in this folder by `COMMAND... synth`; what is learnt must be found. For scripts that
# have read shell.sh; `about` names whose chain it is. A program's paths may differ from ours (chroot): they are those of WITHIN here.
chain() {
    within=${WITHIN:-.}
    step() { name=$1; shift; if "$@" >"$folder/said" 2>"$folder/complaint" </dev/null; then report "$name" ""; else report "$name" "$(tail -n 1 "$folder/complaint")"; fi; }
    step "a shop is drawn" "$@" synth shop --products 24 --views 6 --size 16 --seed 1 --quiet
    step "a network is trained" "$@" train shop --classes 0-15 --size 16 --channels 3 --batch-classes 4 --batch-pictures 4 --steps 40 --out run --quiet
    step "products never seen are embedded" "$@" embed shop --classes 16- --model run --out held --quiet
    step "and searched" "$@" search --gallery held --top 5 --out ranks.csv --quiet
    step "the lists are sound" "$@" check ranks.csv --gallery held
    step "the lists are judged" "$@" eval ranks.csv --gallery held
    step "all of them are judged" "$@" eval --gallery held
    if awk '$1 == "mAP" { good = $2 > 0.4 } END { exit !good }' "$folder/said"; then report "what was learnt is found" ""
    else report "what was learnt is found" "$(grep '^mAP' "$folder/said")"; fi
    if [ "$(wc -l <"$within/ranks.csv")" -eq 49 ]; then report "a list for each picture" ""; else report "a list for each picture" "$(wc -l <"$within/ranks.csv") lines"; fi
}
