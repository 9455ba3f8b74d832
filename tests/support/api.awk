# The reference of the public headers, docs/api.md: `make api`. Reads kin.h and what it includes, in that order.
#
#   awk -f tests/support/api.awk kin.h base/error.h ... >docs/api.md
#   awk -v undocumented=1 -f tests/support/api.awk ...      functions without a comment, a line each
#
# Each room begins with where to learn it, and its part of examples/groups.c, which the tests compile and run.
#
# A function is documented by the comment above it, or above the lines that it stands among without an empty one
# between.

BEGIN {
    guide["autograd"] = "To learn it: lessons [2](learn/02-gradient.md) (the tape), [3](learn/03-convolution.md) (convolution), [4](learn/04-softmax.md) (softmax). To add to it: [an op](extending.md#an-op), [a kernel](extending.md#a-kernel-for-an-instruction-set)."
    guide["base"] = "What all other rooms stand on; how it is used shows in any of [the examples](../examples)."
    guide["data"] = "To learn it: lesson [1](learn/01-alike.md); [datasets.md](datasets.md), [augmentation.md](augmentation.md), [photographs.md](photographs.md). To add to it: [a transform](extending.md#a-transform), [a data set](extending.md#a-data-set)."
    guide["losses"] = "To learn it: lessons [4](learn/04-softmax.md) and [5](learn/05-triplets.md); [losses.md](losses.md). To add to it: [a loss](extending.md#a-loss)."
    guide["models"] = "To learn it: lessons [6](learn/06-backbone.md) (backbones) and [8](learn/08-branches.md) (heads); [networks.md](networks.md), [heads.md](heads.md). To add to it: [a backbone](extending.md#a-backbone), [a head](extending.md#a-head)."
    guide["nn"] = "To learn it: lessons [6](learn/06-backbone.md) (layers, norm) and [7](learn/07-attention.md) (attention); [attention.md](attention.md), [weights.md](weights.md). To add to it: [a layer](extending.md#a-layer)."
    guide["retrieval"] = "To learn it: lessons [1](learn/01-alike.md), [9](learn/09-searching.md) (re-ranking) and [10](learn/10-believing.md) (figures); [retrieval.md](retrieval.md), [local.md](local.md)."
    guide["train"] = "To learn it: lessons [5](learn/05-triplets.md) and [10](learn/10-believing.md); [recipes.md](recipes.md), [sweep.md](sweep.md). A program of one's own: [the catalogue](extending.md#the-catalogue)."
    while ((getline line < "examples/groups.c") > 0) {
        if (line ~ /^int main/) group = ""
        if (match(line, /^\/\* [a-z]+: /)) group = substr(line, 4, RLENGTH - 5)
        if (group != "") example[group] = example[group] line "\n"
    }
    close("examples/groups.c")
}

function room_begins(room,    text) {
    text = example[room]
    sub(/\n+$/, "", text)
    return "\n## " room "/\n\n" guide[room] "\n\n```c examples/groups.c\n" text "\n```\n"
}

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
    if (path != "kin.h" && room != last_room) pages = pages room_begins(room)
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
    print "[extending.md](extending.md). Each room of the library begins with an example of its own; all of them are one program,"
    print "[examples/groups.c](../examples/groups.c) (`make examples`).\n"
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
