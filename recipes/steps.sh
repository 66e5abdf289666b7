# Steps that the recipes share. Source it; it leaves the shell in the checkout's root with the environment in PATH.
#
# A step whose result exists is skipped; each result is made under another name and renamed when it is complete, so
# that an interrupted recipe goes on where it was. The folder OUT belongs to one set of settings.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 2; }

# Large blocks stay with the process instead of going back to the system at every update (glibc); idle threads sleep.
export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824 OMP_WAIT_POLICY=passive
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc 2>/dev/null || sysctl -n hw.ncpu)}

# environment EXTRAS: a virtual environment with the package in it (VENV="" takes the environment that is active).
environment() {
  VENV=${VENV-.venv}
  if [[ -n $VENV ]]; then
    if [[ ! -e $VENV/installed-$1 ]]; then
      say "installing into $VENV (once)"
      [[ -e $VENV/bin/python ]] || "${PYTHON:-python3}" -m venv "$VENV"
      "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$1]"
      touch "$VENV/installed-$1"
    fi
    export PATH="$PWD/$VENV/bin:$PATH"
    [[ $VENV != /* ]] || export PATH="$VENV/bin:$PATH"
  fi
  command -v nmt-attn >/dev/null || fail "nmt-attn must be installed: pip install -c constraints.txt -e '.[$1]'"
}

# settings FOLDER NAME...: FOLDER must be new or made with the same values of these variables.
settings() {
  local folder=$1 name wanted kept
  shift
  mkdir -p "$folder/settings" || fail "OUT must be a folder that can be written, not $OUT"
  for name in "$@"; do
    wanted=${!name}
    if [[ -e $folder/settings/$name ]]; then
      kept=$(<"$folder/settings/$name")
      [[ $kept == "$wanted" ]] ||
        fail "$folder holds another run: $name was '$kept', not '$wanted'; set OUT to a new folder, or remove $folder"
    else
      printf '%s\n' "$wanted" >"$folder/settings/$name"
    fi
  done
}

# binarise TEXT OUT: joint subwords and fairseq's binary files from TEXT/{train,valid,test}.{en,de}.
binarise() {
  local text=$1 bin=$2 set language
  [[ ! -e $bin ]] || { say "subwords: done before, kept"; return; }
  say "subwords: joint SentencePiece, $VOCABULARY pieces"
  rm -rf "$bin.part" && mkdir -p "$bin.part/pieces"
  python data_prep/subwords.py train --size "$VOCABULARY" --model "$bin.part/subwords" "$text"/train.{en,de}
  for set in train valid test; do
    for language in en de; do
      python data_prep/subwords.py encode --model "$bin.part/subwords.model" \
        "$text/$set.$language" "$bin.part/pieces/$set.$language"
    done
  done
  fairseq-preprocess --source-lang en --target-lang de --joined-dictionary --destdir "$bin.part" --workers 2 \
    --trainpref "$bin.part/pieces/train" --validpref "$bin.part/pieces/valid" --testpref "$bin.part/pieces/test" \
    >"$bin.part/preprocess.out" 2>&1 ||
    fail "fairseq-preprocess failed: see $bin.part/preprocess.out"
  mv "$bin.part" "$bin"
}

# train ARCH BIN RUN [fairseq-train flags]: UPDATES updates, a checkpoint every SAVE_EVERY, the last AVERAGE kept.
train() {
  local arch=$1 bin=$2 run=$3
  shift 3
  local flags=$*
  settings "$run" flags
  [[ ! -e $run/trained ]] || { say "$arch: trained before, kept"; return; }
  say "$arch: training for $UPDATES updates (log: $run/train.log)"
  fairseq-train "$bin" --user-dir "$(nmt-attn user-dir)" --arch "$arch" "$@" --share-all-embeddings --seed "$SEED" \
    --criterion label_smoothed_cross_entropy --label-smoothing 0.1 --optimizer adam --adam-betas '(0.9, 0.98)' \
    --lr "$LEARNING_RATE" --lr-scheduler inverse_sqrt --warmup-updates "$WARMUP" --max-tokens "$MAX_TOKENS" \
    --max-update "$UPDATES" --save-interval-updates "$SAVE_EVERY" --keep-interval-updates "$AVERAGE" \
    --validate-interval-updates "$SAVE_EVERY" --validate-interval 100000 --save-interval 100000 \
    --no-epoch-checkpoints --log-format json --log-interval "$LOG_EVERY" --save-dir "$run" 2>&1 |
    tee -a "$run/train.log" | nmt-attn progress --label "$arch" --updates "$UPDATES" >&2 ||
    fail "$arch: training failed: $(grep -v '^ ' "$run/train.log" | tail -n 1) (all of it: $run/train.log)"
  touch "$run/trained"
}

# translate RUN BIN: the average of the last AVERAGE checkpoints translates the test set.
# Without --required-batch-size-multiple 1 fairseq leaves out the longest sentences: the last of the batches, sorted by
# length, if its size is not a multiple of 8.
translate() {
  local run=$1 bin=$2
  [[ -e $run/average.pt ]] || nmt-attn average "$run" --last "$AVERAGE" --output "$run/average.pt" >&2
  [[ ! -e $run/hypotheses ]] || return 0
  say "$(basename "$run"): translating"
  fairseq-generate "$bin" --user-dir "$(nmt-attn user-dir)" --path "$run/average.pt" --gen-subset test \
    --beam 4 --lenpen 0.6 --max-len-a 1 --max-len-b 50 --max-tokens 4000 --required-batch-size-multiple 1 --post-process sentencepiece \
    --seed "$SEED" >"$run/generated" 2>"$run/generate.log" ||
    fail "$run: fairseq-generate failed: $(tail -n 1 "$run/generate.log") (all of it: $run/generate.log)"
  nmt-attn hypotheses "$run/generated" >"$run/hypotheses.part"
  mv "$run/hypotheses.part" "$run/hypotheses"
}

# result RUN BIN REFERENCES: BLEU and all that it depends on, in RUN/result.json.
result() {
  local run=$1 bin=$2 references=$3
  [[ ! -e $run/result.json ]] || return 0
  nmt-attn score --hypotheses "$run/hypotheses" --references "$references" --checkpoint "$run/average.pt" \
    --data "$bin" --train-log "$run/train.log" --translation-log "$run/generate.log" >"$run/result.part"
  mv "$run/result.part" "$run/result.json"
}

# run_arch ARCH BIN REFERENCES [fairseq-train flags]: train, average, translate, score in OUT/ARCH.
run_arch() {
  local arch=$1 bin=$2 references=$3 run=$OUT/$1
  shift 3
  train "$arch" "$bin" "$run" "$@"
  translate "$run" "$bin"
  result "$run" "$bin" "$references"
}

# side_by_side COMMAND ARGUMENT...: COMMAND for each ARGUMENT, all at the same time with the processors shared out,
# which for small models is much faster than one after the other. Fails if one fails.
side_by_side() {
  local command=$1 argument pid failed=0 pids=()
  shift
  export OMP_NUM_THREADS=$((OMP_NUM_THREADS > $# ? OMP_NUM_THREADS / $# : 1))
  trap 'stop_children $$' EXIT # a shell's background jobs ignore the interrupt key
  trap 'exit 130' INT TERM
  for argument in "$@"; do
    "$command" "$argument" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=$?; done
  ((failed == 0)) || exit "$failed"
}

stop_children() {
  local pid
  for pid in $(pgrep -P "$1"); do
    stop_children "$pid"
    kill "$pid" 2>/dev/null || true
  done
}
