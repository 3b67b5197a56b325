#!/usr/bin/env bash
# Imports the rewards data into a fresh home and puts the journeys in force.
#   examples/rewards/run.sh DATA_FOLDER HOME
# DATA_FOLDER holds profile.json.gz and transcript.jsonl.xz; nothing in it is changed.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 DATA_FOLDER HOME" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
data=$1 home=$2
courtesy=$(command -v courtesy || echo "$here/../../.venv/bin/courtesy")

"$courtesy" --home "$home" init
"$courtesy" --home "$home" import people "$data/profile.json.gz" --mapping "$here/people.yaml"
"$courtesy" --home "$home" import events "$data/transcript.jsonl.xz" --mapping "$here/events.yaml"
"$courtesy" --home "$home" apply "$here/workspace"
