# A page with code of the source and commands with their output, as both are now:
#     awk -v kin=PROGRAM -v folder=SCRATCH [-v tried=1] -f lessons.awk PAGE
# ```c FILE:NAME becomes the function, table or macro NAME of FILE with the comment above it (FILE:head: its first comment); the ```text behind a
# ```sh what its commands print when they are run in SCRATCH, `kin` being PROGRAM. Blocks ```sh tried, and what stands behind them, are left as they
# are, unless tried=1.
function source(file, name,    text, line, comment, on, found) {
    text = comment = ""; on = found = call = macro = table = 0
    while ((getline line < file) > 0) {
        if (name == "head") { text = text line "\n"; if (line ~ /\*\/$/) break; continue }
        if (on) { text = text line "\n"; if (line ~ /^}/ || (table && line ~ /};$/) || (macro && line !~ /\\$/) || (call && line ~ /;$/)) break; continue }
        if (index(name, "(") && index(line, name) == 1) { found = on = 1; text = comment line "\n"; if (line ~ /[;)]$/) break; call = 1; continue }
        if (line ~ /^\/\*/ || in_comment) { comment = comment line "\n"; in_comment = line !~ /\*\/$/; continue }
        at = index(line, name)
        after = substr(line, at + length(name), 1); before = at > 1 ? substr(line, at - 1, 1) : " "
        macro = line ~ /^#define/
        if (at && line ~ /^[a-zA-Z#]/ && line !~ /;$/ && (before == " " || before == "*") && (after == "(" || after == " " || after == "[") || at && line ~ /^[a-zA-Z].*}$/ && after == "(" && (before == " " || before == "*")) {
            found = 1; text = comment line "\n"
            if (line ~ /}$/ || (macro && line !~ /\\$/)) break
            table = line ~ /= {/; on = 1; continue
        }
        comment = ""
    }
    close(file); in_comment = 0
    return text == "" ? "not found: " name " in " file "\n" : text
}
function run(commands,    line, text, status) {
    script = folder "/.commands"
    print "kin() { \"" kin "\" \"$@\"; }\n" commands > script
    close(script)
    status = system("cd '" folder "' && sh -eu .commands >.out 2>.err </dev/null")
    text = ""
    while ((getline line < (folder "/.out")) > 0) text = text line "\n"
    close(folder "/.out")
    if (status) {
        text = text "FAILED with status " status "\n"
        while ((getline line < (folder "/.err")) > 0) text = text line "\n"
        close(folder "/.err")
    }
    return text
}
skip { if ($0 ~ /^```$/) { skip = 0; print } else if (skip == 2) print; next }
/^```c [^ ]+:[^ ]+$/ { print; split($2, part, ":"); printf "%s", source(part[1], part[2]); skip = 1; next }
/^```sh( tried)?$/ {
    print; commands = ""; wanted = ($2 != "tried" || tried)
    while ((getline line) > 0) { print line; if (line == "```") break; commands = commands line "\n" }
    if (wanted) { output = run(commands); have = 1 }
    next
}
/^```text/ { print; if (have) { printf "%s", output; skip = 1 } else skip = 2; have = 0; next }
{ print }
