#!/usr/bin/env bash
# Installs the engine of `npm run test:kql` beside the tree: a virtual environment of Python 3.11 or later. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv-kql/bin/python ] || python3 -m venv .venv-kql
.venv-kql/bin/pip install --quiet --disable-pip-version-check -r test/kql/requirements.txt
