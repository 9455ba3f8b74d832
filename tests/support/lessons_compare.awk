# Whether a page as it stands is the page as it is made now: awk -f lessons_compare.awk PAGE MADE. Prints what differs; numbers within ```text may be
# off by a hundredth of themselves, or by X (of percentages by X hundred) behind ```text ~X, since machines round in different ways; all else is compared as it is.
function fields(line, words, numbers,    n) {
    n = 0; rest = line; shape = ""
    while (match(rest, /[0-9]+\.?[0-9]*/)) {
        shape = shape substr(rest, 1, RSTART - 1) "#"; numbers[++n] = substr(rest, RSTART, RLENGTH)
        hundredths[n] = substr(rest, RSTART + RLENGTH, 2) == " %" ? 100 : 1
        rest = substr(rest, RSTART + RLENGTH)
    }
    shape = shape rest; gsub(/ +/, " ", shape); gsub(/-#/, "#", shape)
    count = n
    return shape
}
function size(x) { return x < 0 ? -x : x }
NR == FNR { page[NR] = $0; lines = NR; next }
{
    want = page[FNR]; made = FNR
    if (want ~ /^```text/) { inside = 1; within = want ~ /~/ ? substr(want, index(want, "~") + 1) + 0 : 0 } else if (want ~ /^```/) inside = 0
    if (want == $0) next
    bad = !inside
    if (inside) {
        a = fields(want, x, x); n = count; b = fields($0, y, y)
        if (a != b || n != count) bad = 1
        for (i = 1; i <= n && !bad; i++) if (size(x[i] - y[i]) > within * hundredths[i] + 0.01 * size(x[i])) bad = 1
    }
    if (bad && !said++) print "line " FNR " of the page is \"" want "\" and would be \"" $0 "\""
}
END { if (made != lines && !said) print "the page has " lines " lines and would have " made }
