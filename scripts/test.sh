#!/usr/bin/env bash
# Runs every test, side by side. With CI=true a skipped test is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

report=$(mktemp)
trap 'rm -f "$report"' EXIT

scripts/prepare.sh
# The workers share the cores: threads of their own would only wait for each other.
export POLARS_MAX_THREADS=1
status=0
.venv/bin/pytest -n 2 --dist loadfile -rfEs --junitxml "$report" || status=$?
if [ "${CI:-}" = true ]; then
  .venv/bin/python scripts/no_skips.py "$report" || status=1
fi
exit "$status"
