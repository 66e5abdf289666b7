#!/usr/bin/env bash
# IWSLT14 German-English (or DIRECTION=en-de), TED talks: data, subwords, training, averaging, translation, scores.
#
#   bash recipes/iwslt14_de_en.sh [ARCH [fairseq-train flags]]     ARCH: see nmt-attn archs; default nmt_attn_small
#   IWSLT14=/folder/with/de-en.tgz bash recipes/iwslt14_de_en.sh    takes the data from there, else downloads them
#
# Learning rate, warm-up, dropout, weight decay and batch are those of fairseq's recipe; its beam (5, no length penalty) and
# checkpoint (the best) are not. Text and scores are lower-cased.
ARCH=${1:-nmt_attn_small}
IWSLT14=${IWSLT14:-} CHECKSUMS=${CHECKSUMS:-} OUT=${OUT:-runs/iwslt14_de_en} VENV=${VENV-.venv}
SEED=${SEED:-1000000} UPDATES=${UPDATES:-50000} WARMUP=${WARMUP:-4000} LEARNING_RATE=${LEARNING_RATE:-0.0005}
TOKENS=${TOKENS:-4096} MAX_TOKENS=${MAX_TOKENS:-4096} VOCABULARY=${VOCABULARY:-10000} AVERAGE=${AVERAGE:-5}
SAVE_EVERY=${SAVE_EVERY:-1000} LOG_EVERY=${LOG_EVERY:-100} SCORE_FLAGS=--lowercase
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

shift || true
environment study,moses
prepare iwslt14_de_en --source "$IWSLT14" ${CHECKSUMS:+--checksums "$CHECKSUMS"}
run_arch "$ARCH" --dropout 0.3 --weight-decay 0.0001 "$@"
show
