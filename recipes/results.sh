#!/usr/bin/env bash
# Everything that results/ shows, made anew in OUT: days on two processors; nmt-attn study plan says how many. A second
# call goes on where the first was. What is kept in results/ are stores, translations, tables and figures of these folders.
#
#   bash recipes/results.sh [PART...]     PART: quick, controlled, position_size, multi30k, mixers, inside, benchmarks
#
# WORKERS   runs at a time (default: one a processor)
OUT=${OUT:-runs/results} VENV=${VENV-.venv} WORKERS=${WORKERS:-}
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

PARTS="quick controlled position_size multi30k mixers inside benchmarks"
for part in "$@"; do
  [[ " $PARTS " == *" $part "* ]] || fail "a part must be one of $PARTS, not $part"
done

study() { # NAME: its report also where some runs have failed
  local file=recipes/studies/$1.yaml code=0
  nmt-attn study retry "$file" --out "$OUT/$1" ${WORKERS:+--workers "$WORKERS"} || code=$?
  ((code < 2)) || exit "$code"
  case $1 in
    quick) nmt-attn knockouts "$file" --out "$OUT/$1" --corpora fragment ;;
    multi30k) nmt-attn knockouts "$file" --out "$OUT/$1" --corpora multi30k ;;
  esac
  nmt-attn study report "$file" --out "$OUT/$1"
  failed=$((failed | code))
}

mixers() { # single runs
  local kind arch
  for kind in "" _{dynamic,light,conv,deform,deform_self0010,self0000,average,gaussian,fixed,synthesizer} \
    _{alibi,t5,shaw,deberta}; do
    VENV='' OUT=$OUT/quickstart_mixers bash recipes/generated.sh "nmt_attn_tiny$kind" >/dev/null
  done
  for kind in "" _{dynamic,deform_self0010,self0000}; do
    VENV='' OUT=$OUT/multi30k_mixers bash recipes/multi30k.sh "nmt_attn_tiny$kind" >/dev/null
  done
  for arch in nmt_attn_tiny nmt_attn_tiny_self0111 nmt_attn_tiny_cross0111 transformer; do
    VENV='' OUT=$OUT/multi30k_first bash recipes/multi30k.sh "$arch" >/dev/null
  done
}

inside() { # of the quick study's 1111
  study quick
  local corpus=$OUT/quick/fragment
  nmt-attn inspect "$corpus/nmt_attn_tiny.1000000/average.pt" --out "$OUT/inside" --show 1 --gold-words fragment \
    --source "$corpus/text/test.en" --target "$corpus/text/test.de" --gold "$corpus/text/test.align"
}

benchmarks() {
  local codes=1111,1000,1010,0110,0010,0001 all1000="nmt_attn_tiny --self-attn-mixer 1000 --cross-attn-mixer 1000"
  local all0010="nmt_attn_tiny --self-attn-mixer 0010 --cross-attn-mixer 0010" out=$OUT/benchmarks data=$OUT/multi30k_mixers/data/bin
  local archs=(nmt_attn_tiny "$all1000" nmt_attn_tiny_self0010 "$all0010")
  STEPS=prepare VENV='' OUT=$OUT/multi30k_mixers bash recipes/multi30k.sh
  export OMP_NUM_THREADS=1
  nmt-attn bench module --codes "$codes" --engine both --rounds 5 --out "$out"
  nmt-attn bench module --codes "$codes" --engine both --rounds 5 --site decoder --no-memory --out "$out"
  nmt-attn bench training --data "$data" --engine both --rounds 7 --archs "${archs[@]}" --out "$out"
  nmt-attn bench decoding --data "$data" --engine both --rounds 9 --archs "${archs[@]}" --out "$out"
  nmt-attn bench cost --data "$data" --rounds 9 --out "$out"
}

environment notebook,moses
failed=0
for part in ${*:-$PARTS}; do
  say "$part"
  if [[ -e recipes/studies/$part.yaml ]]; then study "$part"; else "$part"; fi
done
exit "$failed"
