#!/bin/sh
# From a drawn shop to figures, at a size that an emulated machine does in a minute; the demo too, which must end with its page.
# Also by RUNNER.
set -u
cd "$(dirname "$0")/.." || exit 1
about=chain
. tests/support/shell.sh
. tests/support/chain.sh
cd "$folder" || exit 1
chain "$kin"
[ -n "${RUNNER:-}" ] || exit $failed # elsewhere examples.test.sh and train.test.sh have it
step "the demo" "$kin" demo --steps 5 --out demo --quiet
if grep -q '"trained embedding"\|trained' demo/metrics.json && [ -s demo/report.html ]; then report "its page and figures" ""; else report "its page and figures" "$(ls demo)"; fi
exit $failed
