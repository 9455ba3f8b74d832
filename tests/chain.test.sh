#!/bin/sh
# From a drawn shop to figures, at a size that an emulated machine does in a few minutes; where another machine's code runs by itself, the demo
# too, which must end with its page.
# Also by RUNNER.
set -u
cd "$(dirname "$0")/.." || exit 1
about=chain
. tests/support/shell.sh
. tests/support/chain.sh
cd "$folder" || exit 1
chain "$kin"
[ -n "${RUNNER:-}" ] || exit $failed # elsewhere demo.test.sh has it
case $RUNNER in *qemu*) echo "skip chain: the demo: an emulated machine takes more than ten minutes for it"; exit $failed ;; esac
step "the demo" "$kin" demo --steps 5 --out demo --quiet
if grep -q '"trained embedding"\|trained' demo/metrics.json && [ -s demo/report.html ]; then report "its page and figures" ""; else report "its page and figures" "$(ls demo)"; fi
exit $failed
