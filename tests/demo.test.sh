#!/bin/sh
# An interrupted demo goes on as a demo, and ends as if it had never stopped.
set -u
about=demo
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" demo --steps 20 --out whole --quiet >whole.out 2>&1 || bad "demo: runs" "$(tail -n 3 whole.out)"
"$kin" demo --steps 20 --out part --quiet >part.out 2>&1 &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -d part/run ]; do sleep 0.05; done
kill -TERM $pid 2>/dev/null
wait $pid
status=$?
if [ $status -eq 0 ]; then echo "skip demo: was done before the signal came"
else
    grep -q "the same kin demo goes on from there" part.out && ok "demo: says how to go on" || bad "demo: says how to go on" "$(tail -n 3 part.out)"
    expect "is no run of kin train" 2 "" "is a demo's run" train --resume part/run
    expect "goes on with the training" 0 "report.html" "goes on with the training at step" demo --steps 20 --out part
    same "demo: the same network" whole/run/model.safetensors part/run/model.safetensors
    sed 's/"seconds":.*//' whole/metrics.json >a.json
    sed 's/"seconds":.*//' part/metrics.json >b.json
    same "demo: the same figures" a.json b.json
fi
exit $failed
