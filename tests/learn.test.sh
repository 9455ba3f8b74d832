#!/bin/sh
# The lessons: their code is the source's, their commands give the output that they print, and draw their pictures; kin learn runs them.
set -u
about=learn
. tests/support/shell.sh
root=$PWD

# A page as it would be made now: code, outputs, pictures. What was tried in it is left as it stands (`make docs` runs that).
lesson() { # PAGE
    scratch=$(mktemp -d "$folder/lesson-XXXXXX")
    awk -v kin="$kin" -v folder="$scratch" -f tests/support/lessons.awk "$1" >"$folder/made"
    why=$(awk -f tests/support/lessons_compare.awk "$1" "$folder/made")
    for picture in $(sed -n 's/^!\[.*](\([^)/]*\))$/\1/p' "$1"); do
        [ -s "$scratch/$picture" ] || why="$why; the commands draw no $picture"
        [ -s "${1%/*}/$picture" ] || why="$why; $picture is not beside the page"
    done
    rm -rf "$scratch"
    report "$1" "${why:+$why (make docs makes it anew)}"
}

# Trainings are for the plain build: sanitizers take ten times as long for them, and tests of their own have them under those.
for page in docs/learn/[0-9]*.md docs/reading.md docs/extending.md; do
    case $BUILD in */cc | */gcc) ;; *)
        if grep -q '^ *\(fit\|kin train\) ' "$page"; then echo "skip learn: $page: trains, which the plain build does"; continue; fi ;;
    esac
    lesson "$page"
done

# ---- that a page which drifts is found ----
printf '```sh\necho 12 apples\n```\n```text\n12 pears\n```\n' >"$folder/drift.md"
awk -v kin="$kin" -v folder="$folder" -f tests/support/lessons.awk "$folder/drift.md" >"$folder/made"
[ -n "$(awk -f tests/support/lessons_compare.awk "$folder/drift.md" "$folder/made")" ] && report "another word is seen" "" || report "another word is seen" "taken for the same"
printf '```sh\necho 0.52 apples\n```\n```text ~0.1\n0.58 apples\n```\n```text\n```\n' >"$folder/near.md"
awk -v kin="$kin" -v folder="$folder" -f tests/support/lessons.awk "$folder/near.md" >"$folder/made"
report "a number within what is allowed" "$(awk -f tests/support/lessons_compare.awk "$folder/near.md" "$folder/made")"
sed 's/~0.1/~0.01/' "$folder/near.md" >"$folder/far.md"
sed 's/~0.1/~0.01/' "$folder/made" >"$folder/far"
[ -n "$(awk -f tests/support/lessons_compare.awk "$folder/far.md" "$folder/far")" ] && report "a number beyond it" "" || report "a number beyond it" "taken for the same"
printf '```c base/real.h:nothing_there\n```\n' >"$folder/source.md"
awk -v kin="$kin" -v folder="$folder" -f tests/support/lessons.awk "$folder/source.md" | grep -q 'not found: nothing_there in base/real.h' && report "code that is gone is seen" "" || report "code that is gone is seen" "passed over"

# ---- kin learn ----
cd "$folder" || exit 1
expect "the list" 0 "2. A gradient by hand" "" learn --list
expect "no such lesson" 2 "" "was expected; see" learn 11
expect "a lesson runs its commands" 0 "by differences" "" learn 2
[ -s learn/02-gradient/02-tape.svg ] && grep -q 'href="02-tape.svg"><img class="drawing" src="data:image/svg+xml;base64,' learn/02-gradient/index.html && report "its page and its picture" "" || report "its page and its picture" "$(ls learn/*)"
grep -q 'r \* r  ' learn/02-gradient/index.html && report "the page has the output of this run" "" || report "the page has the output of this run" "it is missing"
grep -q "default-src 'none'; img-src data:" learn/02-gradient/index.html && ! grep -q '<script' learn/02-gradient/index.html && report "a page as all of kin's" "" || report "a page as all of kin's" "another head"
grep -q 'href="02-gradient/index.html"' learn/index.html && [ "$(grep -c 'not yet read' learn/index.html)" = 9 ] && report "the pages of all lessons" "" || report "the pages of all lessons" "not so: $(cat learn/index.html)"
expect "what was read is told" 0 "read 2. A gradient" "" learn --list
expect "again, in a folder of its own" 0 "learn/02-gradient-2/index.html" "" learn 2
expect "with what was tried" 0 "13.54" "" learn 2 --answers
expect "without it, where it is" 0 "with --answers" "" learn 2
grep -q 'href="02-gradient-4/index.html"' learn/index.html && report "the last of several" "" || report "the last of several" "not so: $(grep href= learn/index.html)"
expect "the first that was not read" 0 "learn/01-alike/index.html" "" learn
expect "a drawing without a file" 2 "" "--out FILE is missing" learn --draw tape
expect "a drawing that there is not" 2 "" "did you mean tape?" learn --draw tap --out t.svg
expect "a drawing of nothing" 2 "" "--gallery E is missing" learn --draw map --out t.svg
expect "a drawing of too many" 2 "" "2 to 16" learn --draw reciprocal --gallery learn/01-alike/pixels --out t.svg
expect "a result that there is not" 2 "" "0 to 8" learn --draw conv --from 9 --out t.svg
if [ -z "${RUNNER:-}" ]; then
    path=$PATH PATH=/usr/bin:/bin
    expect "where kin is not found, how it will be" 0 'so that kin is found: export PATH="'"${kin%/*}:" "" learn 2
    PATH=${kin%/*}:$path
    expect "where it is found" 0 "cd learn/02-gradient" "" learn 2
    grep -q 'so that kin is found' "$out/out" && report "nothing is said of the path" "it is" || report "nothing is said of the path" ""
    PATH=$path
fi
expect "how a picture flows, of nothing" 2 "" "needs --model RUN" learn --draw flow --gallery learn/01-alike/pixels --out f.svg
cd learn/01-alike || exit 1
expect "a map of descriptors" 0 "" "" learn --draw map --gallery pixels --out map.svg
grep -c '^<path.*<title>' map.svg | grep -qx 80 && report "a mark for each" "" || report "a mark for each" "$(grep -c '^<path' map.svg)"
grep -c '<image .*product-00' map.svg | grep -qx 10 && report "a line and a picture for each class" "" || report "a line and a picture for each class" "$(grep -c '<image' map.svg)"
sed 's/shop/gone/' pixels.csv >blind.csv && cp pixels.npy blind.npy
expect "pictures that are gone are left out of it" 0 "" "" learn --draw map --gallery blind --out blind.svg
[ "$(grep -c '<image' blind.svg)" = 0 ] && grep -q '>product-0040<' blind.svg && report "the names stay" "" || report "the names stay" "$(grep -c '<image' blind.svg)"
mkdir "$folder/closed" && : >"$folder/closed/learn"
expect "no folder can be made" 1 "" "learn" learn 2 --folder "$folder/closed/learn/x"
cd "$root" || exit 1

# ---- no page's link is broken ----
why=
for page in README.md CHANGELOG.md docs/*.md docs/learn/*.md; do
    case $page in */*) at=${page%/*} ;; *) at=. ;; esac
    for link in $(grep -o '](\(\.\./\)*[^)# ]*)' "$page" | sed 's/](\(.*\))/\1/' | grep -v '^http'); do
        [ -e "$at/$link" ] || why="$why $page: $link is not there;"
    done
done
report "no page's link is broken" "$why"

# ---- each lesson has its parts, leads to the next, and stands in the list of the folder; no link is broken ----
for page in docs/learn/[0-9]*.md; do
    name=${page##*/} why=
    grep -q '^Next: \[' "$page" || why="it leads to no next one"
    for link in $(grep -o '](\(\.\./\)*[^)# ]*)' "$page" | sed 's/](\(.*\))/\1/' | grep -v '^http'); do
        [ -e "docs/learn/$link" ] || why="$why; $link is not there"
    done
    grep -q "($name)" docs/learn/README.md || why="$why; docs/learn/README.md does not name it"
    for heading in 'The question' '## The idea' '## In kin' '## Run it' '## Change something' '## The paper'; do
        grep -q "$heading" "$page" || why="$why; it has no \"$heading\""
    done
    [ "$(grep -c '^<details>' "$page")" -ge 3 ] || why="$why; fewer than three things to change"
    report "$name is whole" "$why"
done
exit $failed
