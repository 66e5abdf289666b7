#!/usr/bin/env bash
# A generated corpus: texts, subwords, training, averaging, translation, scores. Nothing to download.
#
#   bash recipes/generated.sh [ARCH [fairseq-train flags]]     ARCH: see nmt-attn archs; default nmt_attn_tiny
#   CORPUS=recall VOCABULARY=1300 bash recipes/generated.sh    another corpus: see nmt-attn corpus --help
#
# CORPUS_FLAGS     parameters of the corpus, such as "--length 20-30 --distance 24"
# PREPARE_FLAGS    "--subwords word" for one subword a word, with VOCABULARY the number of words and one more
#
# ARCH "transformer" is fairseq's own, at the sizes of nmt_attn_tiny. Where the corpus has sentences longer than those
# of its training, they are a second test set.
ARCH=${1:-nmt_attn_tiny}
CORPUS=${CORPUS:-fragment} CORPUS_FLAGS=${CORPUS_FLAGS:-} CORPUS_SEED=${CORPUS_SEED:-1000000}
OUT=${OUT:-runs/$CORPUS} VENV=${VENV-.venv}
SEED=${SEED:-1000000} UPDATES=${UPDATES:-1000} WARMUP=${WARMUP:-150} LEARNING_RATE=${LEARNING_RATE:-0.003}
MAX_TOKENS=${MAX_TOKENS:-1200} VOCABULARY=${VOCABULARY:-2000} AVERAGE=${AVERAGE:-3}
SAVE_EVERY=${SAVE_EVERY:-100} LOG_EVERY=${LOG_EVERY:-50} SCORE_FLAGS=
TRAIN=${TRAIN:-20000} VALID=${VALID:-200} TEST=${TEST:-500}
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

shift || true
environment study,moses
same_settings "$OUT" CORPUS CORPUS_FLAGS CORPUS_SEED TRAIN VALID TEST
if wants prepare && [[ ! -e $OUT/text ]]; then
  say "corpus $CORPUS: $TRAIN + $VALID + $TEST sentence pairs"
  rm -rf "$OUT/text.part"
  nmt-attn corpus "$CORPUS" --out "$OUT/text.part" --train "$TRAIN" --valid "$VALID" --test "$TEST" --seed "$CORPUS_SEED" \
    $CORPUS_FLAGS
  mv "$OUT/text.part" "$OUT/text"
  settings "$OUT" CORPUS CORPUS_FLAGS CORPUS_SEED TRAIN VALID TEST
fi
longer=
[[ ! -e $OUT/text/long.en ]] || longer=$OUT/text/long
prepare own --source-lang en --target-lang de --train "$OUT/text/train" --valid "$OUT/text/valid" \
  --test "$OUT/text/test" ${longer:+"$longer"} --without ratio # generated pairs are right at any length
run_arch "$ARCH" $(stock_sizes "$ARCH") "$@"
show
