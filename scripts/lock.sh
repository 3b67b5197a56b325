#!/usr/bin/env bash
# Writes constraints.txt: the exact version of everything that .[dev] installs in a fresh environment.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet '.[dev]'
{
  echo "# Exact versions, for every environment that the Makefile makes. Renew with: make lock"
  "$scratch/venv/bin/python" -m pip freeze --exclude courtesy
} > constraints.txt
