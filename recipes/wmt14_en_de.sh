#!/usr/bin/env bash
# WMT14 English-German: data, subwords, training, averaging, translation, scores, with the settings of the base
# Transformer (Vaswani et al. 2017; learning rate and averaging as in fairseq's and Wu et al.'s base runs).
#
#   bash recipes/wmt14_en_de.sh [ARCH [fairseq-train flags]]     ARCH: see nmt-attn archs; default nmt_attn_base
#   WMT14=/folder/of/the/archives bash recipes/wmt14_en_de.sh    takes the data from there, else downloads 1.7 GB
#   STEPS=prepare bash recipes/wmt14_en_de.sh                    that step alone
#
# At most TOKENS tokens with padding an update, about 25,000 target tokens, on any number of GPUs: --update-freq is worked
# out. Under Slurm, also on several nodes:
# recipes/slurm/recipe.sbatch. Scores: newstest2014 in full (result.json) and as filtered (result-test1.json).
ARCH=${1:-nmt_attn_base}
WMT14=${WMT14:-} CHECKSUMS=${CHECKSUMS:-} OUT=${OUT:-runs/wmt14_en_de} VENV=${VENV-.venv}
SEED=${SEED:-1000000} UPDATES=${UPDATES:-100000} WARMUP=${WARMUP:-4000} LEARNING_RATE=${LEARNING_RATE:-0.0007}
TOKENS=${TOKENS:-32768} MAX_TOKENS=${MAX_TOKENS:-4096} VOCABULARY=${VOCABULARY:-37000} AVERAGE=${AVERAGE:-5}
SAVE_EVERY=${SAVE_EVERY:-1250} LOG_EVERY=${LOG_EVERY:-100} SCORE_FLAGS=
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

shift || true
environment study,moses
prepare wmt14_en_de --source "$WMT14" ${CHECKSUMS:+--checksums "$CHECKSUMS"}
run_arch "$ARCH" "$@"
show
