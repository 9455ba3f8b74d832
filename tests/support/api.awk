# The reference of the public headers, docs/api.md: `make api`. Reads kin.h and what it includes, in that order.
#
#   awk -f tests/support/api.awk kin.h base/error.h ... >docs/api.md
#   awk -v undocumented=1 -f tests/support/api.awk ...      functions without a comment, a line each
#
# A function is documented by the comment above it, or above the lines that it stands among without an empty one
# between.

function finish_header() {
    sub(/\n+$/, "", body)
    if (body != "") pages = pages "\n### " path "\n\n```c\n" body "\n```\n"
    body = ""
}

# The name of the function that a declaration's text declares; "" for none.
function declared(text,    name) {
    if (text ~ /^(static|typedef|#|enum|struct|extern const|extern kin_|\/)/ || text !~ /\);[^;]*$/) return ""
    if (!match(text, /[^a-z_0-9]\*?kin_[a-z0-9_]+\(/)) return ""
    name = substr(text, RSTART, RLENGTH - 1)
    sub(/^.*kin_/, "kin_", name)
    return name
}

FNR == 1 {
    if (path != "") finish_header()
    path = FILENAME
    documented = in_comment = blank = 0
    text = ""
    if (path ~ /\//) room = substr(path, 1, index(path, "/") - 1)
    if (path != "kin.h" && room != last_room) pages = pages "\n## " room "/\n"
    if (path != "kin.h") last_room = room
}

path == "kin.h" { next }
/^#(ifndef|define) KIN_[A-Z0-9_]+_H$/ || /^#include/ { next }
/^#ifdef __cplusplus/ { skipping = 1 }
skipping { if (/^#endif/) skipping = 0; next }
/^#endif$/ && !conditional { next }
/^#if/ { conditional++ }
/^#endif/ { conditional-- }

{
    if (body != "" || $0 != "") body = ($0 == "" && body ~ /\n\n$/) ? body : body $0 "\n"
    if ($0 == "") documented = 0
    if (/^\/\*/) in_comment = 1
    if (in_comment) { if (/\*\//) { in_comment = 0; documented = 1 } next }
    if (/^[a-z].*\(/ || text != "") text = text (text == "" ? "" : " ") $0
    if (text != "" && /[;}][^;}]*$/) {
        name = declared(text)
        if (name != "") {
            functions[++count] = name
            where[name] = path
            if (undocumented && !documented && text !~ /\/\*/) print path ": " name
        }
        text = ""
    }
}

# Names in order, by insertion: there are some hundreds.
function sort(n,    i, j, held) {
    for (i = 2; i <= n; i++) {
        held = functions[i]
        for (j = i - 1; j > 0 && functions[j] > held; j--) functions[j + 1] = functions[j]
        functions[j + 1] = held
    }
}

function anchor(file) {
    gsub(/[\/.]/, "", file)
    return file
}

END {
    if (undocumented) exit
    finish_header()
    print "# The library, header by header\n"
    print "Made from the public headers by `make api`. `#include <kin/kin.h>` has all of them. Whoever begins finds a way in at"
    print "[learn/](learn/README.md), whole programs in [examples/](../examples), and how to add what is missing in"
    print "[extending.md](extending.md).\n"
    printf "%d functions:\n\n", count
    sort(count)
    for (i = 1; i <= count; i++) {
        letter = substr(functions[i], 5, 1)
        if (letter != last_letter) printf "%s", (i > 1 ? "\n\n" : "")
        else printf ",\n"
        last_letter = letter
        printf "[%s](#%s)", functions[i], anchor(where[functions[i]])
    }
    print "\n" pages
}
