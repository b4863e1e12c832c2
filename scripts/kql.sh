#!/usr/bin/env bash
# Installs the engine of `npm run test:kql` beside the tree: a virtual environment of Python 3.11 or later. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! python3 -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
fi
[ -x .venv-kql/bin/python ] || python3 -m venv .venv-kql
.venv-kql/bin/pip install --quiet --disable-pip-version-check -r test/kql/requirements.txt
