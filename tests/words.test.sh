#!/bin/sh
# kin help on words of the field, and what it gives shells for completion.
set -u
about=words
. tests/support/shell.sh
root=$PWD

expect "a word" 0 "stands for a picture" "" help embedding
expect "another word for it" 0 "stands for a picture" "" help Descriptor
expect "with a hyphen or without" 0 "mutual nearest neighbours" "" help reranking
expect "mAP is no map" 0 "The mean of AP" "" help mAP
expect "nor a map an mAP" 0 "What a convolution gives" "" help map
expect "of two words, without quotes" 0 "How far weights move" "" help learning rate
expect "of two words" 0 "nearer than it should be" "" help hard-negative
expect "a command comes first" 0 "Usage: kin whiten" "" help whiten
expect "a slip" 2 "" "did you mean 'embedding'?" help embeding
expect "a slip of a command" 2 "" "did you mean 'train'?" help trian
expect "no word at all" 2 "" "kin help words" help xyzzyplugh
"$kin" help words >"$folder/words"
why=
for word in embedding gallery query anchor triplet mAP re-ranking expansion collapse backbone head attention threshold; do
    grep -q "^$word " "$folder/words" || why="$why $word"
done
report "the words that papers begin with" "${why:+missing:$why}"
# every word has its screen, in 80 columns and 25 lines
why=
while read -r word _; do
    case $word in hard) word=hard-negative ;; batch) word=pk ;; learning) word=lr ;; local) word=key-point ;; esac
    "$kin" help "$word" >"$folder/screen" || why="$why; $word fails"
    awk -v word="$word" '{ gsub(/[\200-\277]/, "") } length > 80 { print word ": " $0 } END { if (NR > 25) print word ": " NR " lines" }' "$folder/screen" >"$folder/wide"
    [ ! -s "$folder/wide" ] || why="$why; $(head -n 1 "$folder/wide")"
done <"$folder/words"
report "each is a screen" "$why"

# ---- completion ----
expect "no such shell" 2 "" "bash, zsh, fish" help --completion tcsh
for shell in bash zsh fish; do
    "$kin" help --completion $shell >"$folder/kin.$shell" || bad "words: $shell" "fails"
    # what can be had of the shell's own judgement
    if ! command -v $shell >/dev/null; then echo "skip words: $shell reads it: there is no $shell here"; continue; fi
    if said=$($shell -n "$folder/kin.$shell" 2>&1); then report "$shell reads it" ""; else report "$shell reads it" "$said"; fi
done
why=
for name in train retrieve learn; do
    grep -q " -a $name " "$folder/kin.fish" || why="$why; fish: $name"
    grep -q "^    '$name:" "$folder/kin.zsh" || why="$why; zsh: $name"
done
grep -q -- "--metric\[.*(cosine euclid inner)'" "$folder/kin.zsh" || why="$why; zsh: the values of --metric"
grep -q -- "-l metric -x -a 'cosine euclid inner'" "$folder/kin.fish" || why="$why; fish: the values of --metric"
report "commands, options and values" "$why"
if command -v bash >/dev/null; then
    complete() { # WORD...: what bash offers behind them
        bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kin; echo "${COMPREPLY[*]}"' - "$folder/kin.bash" "$@"
    }
    offered() { got=$(complete kin $3); [ "$got" = "$2" ] && report "$1" "" || report "$1" "bash offers '$got'"; } # NAME WANTED WORDS
    offered "bash: a command" "retrieve" "retr"
    offered "bash: an option" "--max-distance" "search --max-d"
    offered "bash: a value" "euclid" "search --metric eu"
    offered "bash: a shell" "zsh" "help --completion z"
fi
exit $failed
