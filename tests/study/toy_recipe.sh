#!/usr/bin/env bash
# A recipe for tests of the runner: to a study it is as the real ones, but its training is a row of numbers.
#
# COUNTS is a folder outside that of the study. What was done stands in its file counts, a line for each
#   CORPUS prepared | RUN begun PID | RUN step UPDATE PID | RUN saved UPDATE | RUN completed
# and files in it make things fail: fail.prepare and fail.RUN_NAME with the last words, if any; late.RUN_NAME after the
# result was written. With a file deaf, runs are deaf to SIGTERM. A folder environments gets that of every call.
ARCH=${1:-nmt_attn_tiny}
OUT=${OUT:-runs/toy} VENV=${VENV-.venv} COUNTS=${COUNTS:-} PACE=${PACE:-0.01}
SEED=${SEED:-1000000} UPDATES=${UPDATES:-6} SAVE_EVERY=${SAVE_EVERY:-2}
MAX_TOKENS=${MAX_TOKENS:-100} TOKENS=${TOKENS:-$MAX_TOKENS} VOCABULARY=${VOCABULARY:-50}
STEPS=${STEPS:-prepare train average translate score} RUN_NAME=${RUN_NAME:-} TRACKING=${TRACKING:-}

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
shift || true

fail() { printf 'error: %s\n' "$*" >&2; exit 2; }

count() { printf '%s\n' "$*" >>"$COUNTS/counts"; }

# fail_if NAME: with the words in this file, or without any if it is empty.
fail_if() {
  [[ -e $COUNTS/$1 ]] || return 0
  [[ -s $COUNTS/$1 ]] || exit 3
  fail "$(<"$COUNTS/$1")"
}

corpus=${OUT##*/} run=$OUT/$RUN_NAME name=${OUT##*/}/$RUN_NAME
[[ ! -d $COUNTS/environments ]] || env >"$COUNTS/environments/$corpus.${RUN_NAME:-prepare}"

if [[ $STEPS == prepare ]]; then
  fail_if fail.prepare
  [[ ! -e $OUT/data/raw/test.de ]] || exit 0
  mkdir -p "$OUT/data/raw"
  printf 'ein Satz in %s\n' "$corpus" >"$OUT/data/raw/test.part"
  mv "$OUT/data/raw/test.part" "$OUT/data/raw/test.de"
  count "$corpus prepared"
  exit 0
fi

[[ ! -e $COUNTS/deaf ]] || trap '' TERM
mkdir -p "$run/settings"
exec 9>>"$run/lock"
python -m nmt_attn.lock 9 || fail "$run is in use by $(<"$run/lock")"
echo "process $$" >"$run/lock"
count "$name begun $$"
printf 'en-de\n' >"$run/settings/DIRECTION"

update=0 state=$((SEED + ${#ARCH}))
[[ ! -e $run/checkpoint ]] || read -r update state <"$run/checkpoint"
while ((update < UPDATES)); do
  update=$((update + 1)) state=$(((state * 1103515245 + 12345) % 2147483648))
  count "$name step $update $$"
  printf '2026-01-01 | INFO | train_inner | {"epoch": 1, "ppl": "9.5", "num_updates": "%d", "wall": "%d"}\n' \
    "$update" "$SECONDS" >>"$run/train.log"
  if ((update % SAVE_EVERY == 0)); then
    printf '%s %s\n' "$update" "$state" >"$run/checkpoint.part"
    mv "$run/checkpoint.part" "$run/checkpoint"
    count "$name saved $update"
  fi
  sleep "$PACE"
  fail_if "fail.$RUN_NAME"
done

if [[ ! -e $run/translations/test ]]; then
  mkdir -p "$run/translations"
  printf 'Satz %d\n' "$state" >"$run/translations/part"
  mv "$run/translations/part" "$run/translations/test"
fi
if [[ ! -e $run/result.json ]]; then
  cat >"$run/result.part" <<JSON
{"preset": "$ARCH", "encoder_self": "1111", "decoder_self": "1111", "cross": "1111", "absolute_positions": "none",
"seed": $SEED, "updates": $UPDATES, "parameters": 1361280, "multiply_adds": 53000000, "data_sha256": "d$VOCABULARY",
"code_version": "0.1.0", "settings": {"SEED": "$SEED", "UPDATES": "$UPDATES", "TOKENS": "$TOKENS", "flags": "$*"},
"training_seconds": $SECONDS.5, "translation_seconds": 4.6, "curve": [[$UPDATES, 2.5]], "bleu": $((state % 100)).25,
"signature": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0", "scorer": "sacrebleu 2.6.0", "sentences": 1,
"test_sha256": "2eea6a25"}
JSON
  mv "$run/result.part" "$run/result.json"
  count "$name completed"
fi
fail_if "late.$RUN_NAME"
