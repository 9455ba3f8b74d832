#!/bin/sh
# Pages whose code, outputs and pictures are kin's own: lessons.sh refresh KIN PAGE... writes them anew, with what was tried in them.
set -u
case $1 in refresh) ;; *) echo "lessons.sh refresh KIN PAGE..." >&2; exit 2 ;; esac
kin=$2; shift 2
case $kin in /*) ;; *) kin=$PWD/$kin ;; esac
here=$(dirname "$0")
for page; do
    folder=$(mktemp -d) || exit 1
    echo "$page"
    awk -v kin="$kin" -v folder="$folder" -v tried="${TRIED-1}" -f "$here/lessons.awk" "$page" >"$page.new" && mv "$page.new" "$page"
    sed -n 's/^!\[.*](\([^)/]*\))$/\1/p' "$page" | while read -r picture; do
        if [ -f "$folder/$picture" ]; then cp "$folder/$picture" "$(dirname "$page")/"; else echo "$page: $picture was not drawn" >&2; fi
    done
    rm -rf "$folder"
done
