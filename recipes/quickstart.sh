#!/usr/bin/env bash
# The main job on generated text, half an hour on two processors: is query-key comparison needed in self-attention, and
# in cross attention? Makes a virtual environment, generates the corpora, trains three models with three seeds and the
# positive control, translates, scores, and writes a report. A second call goes on where the first was, or shows the report.
#
#   bash recipes/quickstart.sh [flags of nmt-attn study run, such as --workers 2]
STUDY=${STUDY:-recipes/studies/quick.yaml} OUT=${OUT:-runs/studies/quick} VENV=${VENV-.venv}
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

environment study,moses
code=0
nmt-attn study run "$STUDY" --out "$OUT" "$@" || code=$?
((code < 2)) || exit "$code"
nmt-attn study report "$STUDY" --out "$OUT" # also where some runs failed
exit "$code"
