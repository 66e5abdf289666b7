#!/usr/bin/env bash
# Multi30k English-German (Elliott et al. 2016): data, subwords, training, averaging, translation, scores.
#
#   bash recipes/multi30k.sh [ARCH [fairseq-train flags]]     ARCH: see nmt-attn archs; default nmt_attn_tiny
#   MULTI30K=/folder/with/train.en.gz bash recipes/multi30k.sh    takes the data from there, else downloads them
#
# ARCH "transformer" is fairseq's own, at the sizes of nmt_attn_tiny.
ARCH=${1:-nmt_attn_tiny}
MULTI30K=${MULTI30K:-} CHECKSUMS=${CHECKSUMS:-} OUT=${OUT:-runs/multi30k} VENV=${VENV-.venv}
SEED=${SEED:-1000000} UPDATES=${UPDATES:-3000} WARMUP=${WARMUP:-500} LEARNING_RATE=${LEARNING_RATE:-0.003}
MAX_TOKENS=${MAX_TOKENS:-2000} VOCABULARY=${VOCABULARY:-4000} AVERAGE=${AVERAGE:-5}
SAVE_EVERY=${SAVE_EVERY:-200} LOG_EVERY=${LOG_EVERY:-100} SCORE_FLAGS=
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

shift || true
environment study,moses
prepare multi30k --source "$MULTI30K" ${CHECKSUMS:+--checksums "$CHECKSUMS"}
run_arch "$ARCH" $(stock_sizes "$ARCH") "$@"
show
