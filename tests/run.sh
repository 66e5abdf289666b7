#!/usr/bin/env bash
# All checks on a fresh machine: makes an environment, installs, runs lint, types and tests.
#
#   bash tests/run.sh [pytest arguments]     e.g. -m slow
VENV=${VENV-.venv-test}
source "$(dirname "${BASH_SOURCE[0]}")/../recipes/steps.sh"

environment test
workers=$OMP_NUM_THREADS # before it is set: nproc goes by it, too
export OMP_NUM_THREADS=1
say "lint"
ruff check .
ruff format --check .
say "types"
mypy
say "tests"
python -m pytest -n "$workers" "$@"
