# Steps that the recipes share. Source it; it leaves the shell in the checkout's root with the environment in PATH.
#
# A step whose result exists is skipped; each result is made under another name and renamed when it is complete, so
# that an interrupted recipe goes on where it was. The data in OUT and each run belong to one set of settings.
#
# STEPS           which of them to do; all by default: "prepare train average translate score"
# DIRECTION       languages of the translation, source-target; by default those of the corpus
# PREPARE_FLAGS   more flags for data_prep, such as "--without duplicate"
# RUN_NAME        folder of the run in OUT; by default the architecture's name
# ENGINE          fast (the default): the same numbers up to rounding in less time; plain: without nmt_attn/engine
# TRACKING        more flags for fairseq-train, of which the numbers do not depend, such as "--wandb-project attention"

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source recipes/launch.sh

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

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
  [[ ${ARCH:-} != nmt* ]] || nmt-attn describe "$ARCH" >/dev/null || exit 2
}

ALL_STEPS="prepare train average translate score"
STEPS=${STEPS:-$ALL_STEPS} PREPARE_FLAGS=${PREPARE_FLAGS:-} RUN_NAME=${RUN_NAME:-} TRACKING=${TRACKING:-}
ENGINE=${ENGINE:-}
[[ $ENGINE =~ ^(|plain|fast)$ ]] || fail "ENGINE must be plain or fast, not $ENGINE"
for name in $STEPS; do
  [[ " $ALL_STEPS " == *" $name "* ]] || fail "STEPS must be some of $ALL_STEPS, not $name"
done

# check_settings: the numbers among a recipe's variables, before an hour of preparation.
check_settings() {
  local name
  for name in SEED UPDATES WARMUP MAX_TOKENS VOCABULARY AVERAGE SAVE_EVERY LOG_EVERY; do
    [[ ${!name} =~ ^(0|[1-9][0-9]*)$ ]] || fail "$name must be a whole number, not ${!name}"
  done
  [[ $LEARNING_RATE =~ ^[0-9]*\.?[0-9]+(e-?[0-9]+)?$ ]] || fail "LEARNING_RATE must be a number, not $LEARNING_RATE"
  ((SAVE_EVERY > 0 && UPDATES % SAVE_EVERY == 0 && AVERAGE > 0 && UPDATES / SAVE_EVERY >= AVERAGE)) ||
    fail "UPDATES ($UPDATES) must be SAVE_EVERY ($SAVE_EVERY) times AVERAGE ($AVERAGE) or more, without a remainder"
}
[[ -z ${ARCH:-} ]] || check_settings # quickstart.sh and the tests have none

# wants STEP: whether the recipe shall do this step.
wants() { [[ " $STEPS " == *" $1 "* ]]; }

# needs FILE STEP: FILE must be there, as STEP makes it.
needs() { [[ -e $1 ]] || fail "$1 must be there to go on, but is not: do the step before it first (STEPS=$2)"; }

# settings FOLDER NAME...: FOLDER must be new or made with the same values of these variables.
settings() {
  local folder=$1 name
  same_settings "$@"
  shift
  mkdir -p "$folder/settings" || fail "OUT must be a folder that can be written, not $OUT"
  for name in "$@"; do
    printf '%s\n' "${!name}" >"$folder/settings/$name.part"
    mv "$folder/settings/$name.part" "$folder/settings/$name"
  done
}

# same_settings FOLDER NAME...: those of them that FOLDER was made with must have the same values.
same_settings() {
  local folder=$1 name kept
  shift
  for name in "$@"; do
    [[ -e $folder/settings/$name ]] || continue
    kept=$(<"$folder/settings/$name")
    [[ $kept == "${!name}" ]] ||
      fail "$folder holds another run: $name was '$kept', not '${!name}'; set OUT to a new folder, or remove $folder"
  done
}

# prepare CORPUS [flags]: the module data_prep.CORPUS fills OUT/data; done before, it is left as it is.
prepare() {
  local corpus=$1
  shift
  wants prepare || return 0
  same_settings "$OUT" VOCABULARY PREPARE_FLAGS
  say "data: $corpus, $VOCABULARY joint subwords"
  python -m "data_prep.$corpus" --out "$OUT/data" --vocabulary "$VOCABULARY" "$@" $PREPARE_FLAGS >&2
  settings "$OUT" VOCABULARY PREPARE_FLAGS
}

# manifest EXPRESSION: a value out of the manifest of OUT/data, named m.
manifest() { python -c "import json, sys; m = json.load(open(sys.argv[1])); print($1)" "$OUT/data/manifest.json"; }

RUN_SETTINGS="SEED UPDATES WARMUP LEARNING_RATE TOKENS AVERAGE SAVE_EVERY DIRECTION ENGINE arch flags data"
# Flags of fairseq-train that variables of the recipe, or its steps, decide.
OWN_FLAGS="--source-lang --target-lang --user-dir --arch --share-all-embeddings --seed --max-tokens --update-freq
  --restore-file --lr --warmup-updates --max-update --save-interval --save-interval-updates --keep-interval-updates
  --validate-interval --validate-interval-updates --no-epoch-checkpoints --log-format --log-interval --save-dir
  --amp --fp16 --distributed-world-size --engine --criterion"

# run_arch ARCH [fairseq-train flags]: train, average, translate and score in OUT/RUN_NAME, or OUT/ARCH, or
# OUT/ARCH.DIRECTION if that is not the direction of the corpus. Leaves the folder's name in RUN.
run_arch() {
  local arch=$1 number direction name tests flags data
  shift
  RUN=$OUT/${RUN_NAME:-$arch}
  check_flags "$@"
  [[ $STEPS != prepare ]] || return 0
  needs "$OUT/data/manifest.json" prepare
  direction=$(manifest 'm["source_lang"] + "-" + m["target_lang"]')
  DIRECTION=${DIRECTION:-$direction}
  [[ $DIRECTION == "$direction" || -n $RUN_NAME ]] || RUN=$OUT/$arch.$DIRECTION
  lock "$RUN"
  TARGET=${DIRECTION#*-} TOKENS=${TOKENS:-$MAX_TOKENS} flags=$*
  data=$(manifest '", ".join(file["sha256"][:16] for file in m["steps"]["bin"]["outputs"].values())')
  [[ -e $RUN/trained ]] || compgen -G "$RUN/checkpoint*.pt" >/dev/null || rm -rf "$RUN/settings" # nothing was made with them
  choose_engine "$RUN"
  settings "$RUN" $RUN_SETTINGS
  if wants train || wants translate; then python -m data_prep.check "$OUT/data/bin" >&2; fi
  ! wants train || train "$arch" "$RUN" "$@"
  ! wants average || average "$RUN"
  tests=($(manifest '*m["tests"], sep="\n"'))
  for ((number = ${#tests[@]} - 1; number >= 0; number--)); do # the first test last: with its result the run is done
    name=test${number/#0/}
    ! wants translate || translate "$RUN" "$name"
    ! wants score || result "$RUN" "$name" "${tests[number]}"
  done
}

# check_flags FLAG...: none may be one that the recipe gives itself, also not shortened, as argparse allows.
check_flags() {
  local flag own
  for flag in "$@"; do
    for own in $OWN_FLAGS; do
      [[ $flag != --* || $own != "${flag%%=*}"* ]] ||
        fail "flags must leave $own to the recipe, not give $flag: see the variables in its first lines"
    done
  done
}

# lock RUN: from here on the folder is this recipe's alone, until it and all that it started have ended.
lock() {
  local owner
  mkdir -p "$1" || fail "OUT must be a folder that can be written, not $OUT"
  exec 9>>"$1/lock"
  python -m nmt_attn.lock 9 ||
    { owner=$(tail -n 1 "$1/lock"); fail "$1 is in use by ${owner:-another process} (lock: $1/lock): wait for it"; }
  echo "process $$ on $(uname -n) since $(date '+%F %T')" >"$1/lock"
}

# train ARCH RUN [fairseq-train flags]: UPDATES updates of TOKENS tokens with padding (MAX_TOKENS at a time at most, shared
# out among all processes), a checkpoint every SAVE_EVERY, the last AVERAGE kept.
train() {
  local arch=$1 run=$2 all parts mixed before stopped
  shift 2
  [[ ! -e $run/trained ]] || { say "$arch: trained before, kept"; return; }
  COUNTED_GPUS=$(devices)
  all=$(processes)
  parts=$(batch "$TOKENS" "$MAX_TOKENS" "$all")
  mixed=$(precision)
  settings "$run" parts mixed # fairseq loses its place in the data if the number of processes changes
  nmt-attn environment >>"$run/environments.jsonl"
  say "$arch: training for $UPDATES updates, $parts $mixed (log: $run/train.log)"
  : >>"$run/train.log"
  before=$(wc -c <"$run/train.log")
  launch_training "$OUT/data/bin" --source-lang "${DIRECTION%-*}" --target-lang "$TARGET" \
    --user-dir "$(nmt-attn user-dir)" --arch "$arch" --share-all-embeddings --seed "$SEED" $parts $mixed \
    $(engine "$arch") --label-smoothing 0.1 --optimizer adam --adam-betas '(0.9, 0.98)' \
    --lr-scheduler inverse_sqrt "$@" --lr "$LEARNING_RATE" --warmup-updates "$WARMUP" \
    --max-update "$UPDATES" --save-interval-updates "$SAVE_EVERY" --keep-interval-updates "$AVERAGE" \
    --validate-interval-updates "$SAVE_EVERY" --validate-interval 100000 --save-interval 100000 \
    --no-epoch-checkpoints --log-format json --log-interval "$LOG_EVERY" --save-dir "$run" $TRACKING 2>&1 |
    (trap '' INT TERM USR1 && tee -a "$run/train.log" | nmt-attn progress --label "$arch" --updates "$UPDATES" >&2) &
  attend "$(jobs -p | tail -n 1)" $! || {
    stopped=$(tail -c "+$((before + 1))" "$run/train.log" | grep -a '^nmt_attn: stopped by ' | tail -n 1) || true
    [[ -z $stopped ]] || { say "$arch: ${stopped#nmt_attn: }"; exit 143; }
    fail "$arch: training failed: $(failure "$run/train.log") (all of it: $run/train.log)"
  }
  touch "$run/trained"
}

# choose_engine RUN: ENGINE as given, else that which the run was begun with, plain before there was a choice; or fast.
choose_engine() {
  local kept=$1/settings/ENGINE
  [[ ! -d $1/settings || -e $kept ]] || echo plain >"$kept"
  ENGINE=${ENGINE:-$(cat "$kept" 2>/dev/null || echo fast)}
}

# engine ARCH: flags of the criterion and, for our architectures, of the matrix products.
engine() {
  local criterion=label_smoothed_cross_entropy
  [[ $ENGINE == plain || $1 != nmt_attn* && $1 != transformer* ]] || criterion=fused_$criterion
  echo "--criterion $criterion"
  [[ $1 != nmt_attn* ]] || echo "--engine $ENGINE"
}

# average RUN: the mean of the last AVERAGE checkpoints. What was made of another average goes.
average() {
  needs "$1/trained" train
  [[ ! -e $1/average.pt ]] || return 0
  rm -rf "$1/translations"
  nmt-attn average "$1" --last "$AVERAGE" --output "$1/average.pt" >&2
}

# translate RUN SUBSET: RUN/translations/SUBSET.
# Without --required-batch-size-multiple 1 fairseq leaves out the longest sentences: the last of the batches, sorted by
# length, if its size is not a multiple of 8.
translate() {
  local run=$1 subset=$2 out=$1/translations
  needs "$run/average.pt" average
  [[ ! -e $out/$subset ]] || return 0
  mkdir -p "$out"
  rm -f "$(result_file "$run" "$subset")"
  say "$(basename "$run"): translating $subset"
  fairseq-generate "$OUT/data/bin" --source-lang "${DIRECTION%-*}" --target-lang "$TARGET" \
    --user-dir "$(nmt-attn user-dir)" --path "$run/average.pt" --gen-subset "$subset" --beam 4 --lenpen 0.6 \
    --max-len-a 1 --max-len-b 50 --max-tokens 4000 --required-batch-size-multiple 1 --post-process sentencepiece \
    --seed "$SEED" >"$out/$subset.generated" 2>"$out/$subset.log" ||
    fail "$run: fairseq-generate failed: $(tail -n 1 "$out/$subset.log") (all of it: $out/$subset.log)"
  nmt-attn hypotheses "$out/$subset.generated" >"$out/$subset.part"
  mv "$out/$subset.part" "$out/$subset"
}

# result_file RUN SUBSET: RUN/result.json or, if it is not the corpus' first test set, RUN/result-SUBSET.json.
result_file() { if [[ $2 == test ]]; then echo "$1/result.json"; else echo "$1/result-$2.json"; fi; }

# result RUN SUBSET NAME: the scores of test set NAME and all that they depend on. References are those of the corpus,
# untouched.
result() {
  local run=$1 subset=$2 name=$3 file
  file=$(result_file "$run" "$subset")
  needs "$run/translations/$subset" translate
  [[ ! -e $file ]] || return 0
  nmt-attn score --hypotheses "$run/translations/$subset" --references "$OUT/data/raw/$subset.$TARGET" \
    --target-lang "$TARGET" --test-set "$name" ${SCORE_FLAGS:-} --checkpoint "$run/average.pt" --data "$OUT/data/bin" \
    --run "$run" --translation-log "$run/translations/$subset.log" >"$file.part"
  mv "$file.part" "$file"
}

# stock_sizes ARCH: flags that give fairseq's own architecture "transformer" the sizes of nmt_attn_tiny; none for others.
stock_sizes() {
  local side
  [[ $1 == transformer ]] || return 0
  for side in encoder decoder; do
    echo "--$side-embed-dim 128 --$side-ffn-embed-dim 256 --$side-layers 3 --$side-attention-heads 4"
  done
}

# show: the result of the last run on the first test set, as the recipe's last line.
show() { ! wants score || cat "$RUN/result.json"; }
