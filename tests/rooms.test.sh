#!/bin/sh
# The drawn structure holds: what a room includes lies below it, headers include and files call one another in no circle,
# the function main of the program is alone in its file, and what trains stands apart from what prints.
set -u
about=rooms
. tests/support/shell.sh

# ROOM and what it may include, as docs/architecture.md draws it.
cat >"$folder/arrows" <<'END'
base
reference base
kernels base
autograd base kernels
nn base kernels autograd
losses base kernels autograd nn
models base kernels autograd nn losses
retrieval base kernels
data base kernels
photos base kernels autograd nn data retrieval
train base kernels autograd nn losses models data retrieval
cli base kernels autograd nn losses models data retrieval train photos
END
awk -F '[/"]' '/^#[ \t]*include "/ { split(FILENAME, at, "/"); if (NF > 3 && at[1] != $2) print at[1], $2, FILENAME }' \
    $(find base reference kernels autograd nn losses models retrieval data photos train cli -name '*.[ch]' 2>/dev/null) |
    sort -u >"$folder/found"
report "no arrow points up" "$(awk 'NR == FNR { known[$1]; for (i = 2; i <= NF; i++) may[$1, $i]; next } !(($1, $2) in may) { print $3 " includes " $2 "/" }' "$folder/arrows" "$folder/found" | head -n 3)"
report "there are such arrows to look at" "$([ "$(wc -l <"$folder/found")" -gt 100 ] || wc -l <"$folder/found")"
report "each room of the page is looked at" "$(sed -n '/^base\/ /,/^cli\//p' docs/architecture.md | awk -F / '/^[a-z]+\/ / { print $1 }' | while read -r room; do grep -q "^$room\( \|\$\)" "$folder/arrows" || echo "$room/"; done)"

# tsort names the files of a circle.
find base reference kernels autograd nn losses models retrieval data photos train cli -name '*.h' 2>/dev/null |
    xargs awk -F '"' '/^#[ \t]*include "/ { print FILENAME, $2 }' >"$folder/headers"
report "headers include one another in no circle" "$(tsort "$folder/headers" 2>&1 >/dev/null | head -n 4)"

# Who needs a name that who defines, by the objects; a kernel is one file, for however many sets it is compiled. Objects
# without a source are of another commit.
objects=${BUILD:-build/cc}/float
(cd "$objects" 2>/dev/null && find base kernels autograd nn losses models retrieval data photos train cli -name '*.o') |
    while read -r object; do
        case $object in *.*.o) source=${object%.*.o}.simd.c ;; *) source=${object%.o}.c ;; esac
        [ -e "$source" ] && echo "$object"
    done >"$folder/objects"
(cd "$objects" 2>/dev/null && xargs nm -A <"$folder/objects" 2>/dev/null) | awk '
    { split($1, at, ".o:"); file = at[1]; sub(/\.[^\/]*$/, ".simd", file) }
    $(NF - 1) ~ /^[TDBRVCSG]$/ { defines[$NF] = file }
    $(NF - 1) == "U" { needs[++n] = $NF; where[n] = file }
    END { for (i = 1; i <= n; i++) if (needs[i] in defines && defines[needs[i]] != where[i]) print where[i], defines[needs[i]] }' |
    sort -u >"$folder/calls"
if [ "$(wc -l <"$folder/calls")" -gt 1000 ]; then
    report "files call one another in no circle" "$(tsort "$folder/calls" 2>&1 >/dev/null | head -n 4)"
else echo "skip rooms: files call one another in no circle: no objects that nm reads in $objects"; fi

report "what trains reads no command line" "$(grep -lE '"cli/|argv|getopt' train/*.[ch] train/*/*.[ch] | head -n 3)"
report "main is alone in its file" "$(grep -lE '^int main\(' cli/*.c cli/*/*.c | grep -v '^cli/kin.c$')"
report "files of train/ have 600 lines at most" "$(wc -l train/*.[ch] train/*/*.[ch] | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 }')"
exit $failed
