#!/bin/sh
# kin's own network: part of the program, and joined with what is counted by hand.
set -u
about=own_network
. tests/support/shell.sh
file=$PWD/models/default/kin.safetensors card=$PWD/docs/model-card.md
data=${KIN_TEST_DATA:-$PWD/../shared/data}
cd "$folder" || exit 1

# ---- the file ----
digest=$(sha256sum "$file" | cut -d ' ' -f 1)
report "it takes 2 MB at most" "$([ "$(wc -c <"$file")" -le 2000000 ] || wc -c <"$file")"
report "its card tells the digest" "$(grep -q "$digest" "$card" || echo "$digest is not in docs/model-card.md")"
expect "kin weights knows it" 0 "its SHA-256 is the known one" "" weights "$file"
report "and says how to use it: its layers alone would give other numbers" "$(grep -q '^  use        kin embed DATA --model kin --out E$' "$out/out" || echo "not so: $(tail -n 1 "$out/out")")"
expect "kin weights names it" 0 "$digest" "" weights lite0_front
{ head -c 1000000 "$file" && printf '\1\1' && tail -c +1000003 "$file"; } >kin.safetensors
expect "another version under its name" 1 "NOT as kin.safetensors" "is another one" weights kin.safetensors

# ---- what it describes ----
"$kin" synth shop --quiet --products 4 --views 3 --size 48 --seed 5 || exit 1
expect "an index is by kin, unless another is named" 0 "described by kin;" "" index shop
expect "and is kept up by it" 0 "12 as before" "" index shop --model kin
for threads in 1 2; do "$kin" embed shop --quiet --model kin --threads $threads --out threads-$threads || exit 1; done
same "own_network: the same bits for 1 and 2 threads" threads-1.npy threads-2.npy
report "640 numbers by hand and 256 of the network" "$(head -c 128 threads-1.npy | grep -q '(12, 896)' || echo "not so: $(head -c 100 threads-1.npy)")"
expect "the network alone" 0 "" "" embed shop --quiet --model kin --output raw --out alone
report "has 256" "$(head -c 128 alone.npy | grep -q '(12, 256)' || echo "not so: $(head -c 100 alone.npy)")"
for option in weights size resize scales; do
    expect "--$option does nothing" 2 "" "--$option does nothing with --model kin" embed shop --model kin --$option 1 --out no
done
cp shop/product-0001/view-01.png elsewhere.png
expect "a picture finds itself" 0 "1.0000" "" find elsewhere.png --index shop --top 1 --quiet

# ---- indexes made otherwise ----
cp -r shop by-hand && rm by-hand/.kin-index
expect "by hand where it is told to" 0 "described by handmade;" "" index by-hand --model handmade
expect "is told apart" 2 "" "was made by --model handmade; say the same options or none, or --force, which makes it anew by kin" index by-hand --model kin
expect "and kept up as it was made" 0 "12 as before, 0 new, 0 changed, 0 moved, 0 gone; described by handmade;" "" index by-hand
expect "and still searched" 0 "1.0000" "" find elsewhere.png --index by-hand --top 1 --quiet
"$kin" convert elsewhere.png --grey --out grey.png --quiet || exit 1
for of in shop by-hand; do expect "the average of a grey and a coloured one, $of" 0 "product-0001/view-01.png" "" find grey.png elsewhere.png --index $of --matches --max-distance .002 --quiet; done
expect "one's picture in the other" 2 "" "described by kin, and the index searched by handmade" find 'shop#product-0001/view-01.png' --index by-hand
old=$(head -c 4000 shop/.kin-index | tr '",' '\n\n' | LC_ALL=C grep -axE '[0-9a-f]{64}' | head -n 1)
LC_ALL=C sed "s/$old/0000$(echo "$old" | cut -c 5-)/" shop/.kin-index >other && mv other shop/.kin-index
expect "by another version of it" 1 "" "was made by other weights than kin has now; kin index FOLDER --force makes it anew" find elsewhere.png --index shop
expect "nor is it added to" 2 "" "was made by --model kin with other options or weights" index shop --model kin
expect "whatever is typed" 1 "" "was made by other weights than kin has now; kin index FOLDER --force makes it anew" index shop
expect "made anew" 0 "12 new" "" index shop --model kin --force --quiet
# ---- copies: what is counted by hand decides ----
"$kin" convert shop/product-0001/view-01.png --resize 40 --out shop/small.png --quiet && cp shop/small.png by-hand/
"$kin" index shop --model kin --quiet >log && "$kin" index by-hand --quiet >log
"$kin" duplicates shop --csv kin.csv --quiet >log && "$kin" duplicates by-hand --csv hand.csv --quiet >log
sed 's/by-hand/shop/' hand.csv >expected.csv
same "own_network: duplicates are those by hand" kin.csv expected.csv

# ---- figures ----
figure() { # NAME FLOOR CEILING OPTIONS...: of the classes 45-47
    name=$1 low=$2 high=$3; shift 3
    map=$("$kin" embed "$data/grocery:train+val" --classes 45-47 "$@" --out figure --judge --quiet --force | sed 's/.*mAP //')
    report "$name on 90 photographs" "$(awk -v m="$map" -v l="$low" -v h="$high" 'BEGIN { exit !(m >= l && m <= h) }' || echo "mAP $map is not in $low .. $high")"
}
if [ -d "$data/grocery" ]; then
    figure "kin" .694 .705 --model kin
    figure "the network alone" .704 .715 --model kin --output raw
else echo "skip own_network: figures: $data/grocery is not there"; fi
exit $failed
