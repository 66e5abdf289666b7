#!/usr/bin/env bash
# The main job on the embedded corpus, in minutes on a laptop: is query-key comparison needed in self-attention, and
# in cross attention? Makes a virtual environment, generates the corpus, trains three models for the same number of
# updates, translates, scores, prints a table and draws it. A second call skips what is done.
#
#   bash recipes/quickstart.sh
ARCHS=${ARCHS:-nmt_attn_tiny nmt_attn_tiny_self0111 nmt_attn_tiny_cross0111}
OUT=${OUT:-runs/quickstart} VENV=${VENV-.venv}
SEED=${SEED:-1000000} UPDATES=${UPDATES:-1000} WARMUP=${WARMUP:-150} LEARNING_RATE=${LEARNING_RATE:-0.003}
MAX_TOKENS=${MAX_TOKENS:-1200} VOCABULARY=${VOCABULARY:-2000} AVERAGE=${AVERAGE:-3}
SAVE_EVERY=${SAVE_EVERY:-100} LOG_EVERY=${LOG_EVERY:-50} SCORE_FLAGS=
TRAIN=${TRAIN:-20000} VALID=${VALID:-200} TEST=${TEST:-500}
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

environment plot,moses
same_settings "$OUT" SEED TRAIN VALID TEST
if wants prepare && [[ ! -e $OUT/text ]]; then
  say "corpus: $TRAIN + $VALID + $TEST sentence pairs"
  rm -rf "$OUT/text.part"
  nmt-attn corpus fragment --out "$OUT/text.part" --train "$TRAIN" --valid "$VALID" --test "$TEST" --seed "$SEED"
  mv "$OUT/text.part" "$OUT/text"
  settings "$OUT" SEED TRAIN VALID TEST
fi
prepare own --source-lang en --target-lang de --train "$OUT/text/train" --valid "$OUT/text/valid" \
  --test "$OUT/text/test" --without ratio # generated pairs are right at any length
side_by_side run_arch $ARCHS
wants score || exit 0
results=()
for arch in $ARCHS; do results+=("$OUT/$arch/result.json"); done
nmt-attn table "${results[@]}" --figure "$OUT/bleu.png" | tee "$OUT/table.md" >&2
say "figure: $OUT/bleu.png   texts and translations: $OUT/text/test.en, $OUT/*/translations"
python -c 'import json, sys; print(json.dumps([json.load(open(path)) for path in sys.argv[1:]]))' "${results[@]}"
