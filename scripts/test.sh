#!/usr/bin/env bash
# Runs every test: first those that stand side by side, then those that want the machine alone.
# With CI=true a skipped test is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

no_tests=5
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

scripts/prepare.sh
status=0
.venv/bin/pytest -n 2 --dist loadfile -m 'not serial' -rfEs --junitxml "$reports/parallel.xml" || status=$?
serial=0
.venv/bin/pytest -m serial -rfEs --junitxml "$reports/serial.xml" || serial=$?
[ "$serial" -eq "$no_tests" ] && serial=0
if [ "${CI:-}" = true ]; then
  .venv/bin/python scripts/no_skips.py "$reports"/*.xml || status=1
fi
[ "$status" -eq 0 ] && [ "$serial" -eq 0 ]
