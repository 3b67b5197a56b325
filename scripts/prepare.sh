#!/usr/bin/env bash
# Brings what the tests need and pip cannot give: PostgreSQL's server and Chromium, on Debian and as
# root; the clients of browsers and of Node, from npm. Elsewhere it says what will be skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

has_postgresql() {
  command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

absent=()
has_postgresql || absent+=(postgresql)
command -v chromium >/dev/null || absent+=(chromium)
command -v npm >/dev/null || absent+=(npm)

install_packages() {
  # Nothing that is installed here may start by itself.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${absent[@]}" >/dev/null
}

if [ "${#absent[@]}" -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    install_packages
  else
    echo "Not installed, and this is not root on Debian: ${absent[*]}. Their tests will be skipped."
  fi
fi

clients=tests/flow/clients
if ! command -v npm >/dev/null; then
  echo "There is no npm: the tests with clients of browsers and of Node will be skipped."
elif [ "$clients/package-lock.json" -nt "$clients/node_modules/.package-lock.json" ]; then
  npm ci --prefix "$clients" --ignore-scripts --silent
fi
