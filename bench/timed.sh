# To be sourced: timed COMMAND... runs it in silence and prints its seconds by the clock and of CPU.
timed() { bash -c 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>&1' run "$@" 2>&1 | awk '{ print $1, $2 + $3 }'; }
