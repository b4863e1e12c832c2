#!/usr/bin/env bash
# Installs what `npm run test:kubernetes` needs beside the tree: Kubernetes' schemas in a virtual environment of Python, and kustomize where
# neither it nor kubectl is there and Go can build it. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! python3 -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
fi
[ -x .venv-kubernetes/bin/python ] || python3 -m venv .venv-kubernetes
.venv-kubernetes/bin/pip install --quiet --disable-pip-version-check -r test/kubernetes/requirements.txt
if command -v kustomize >/dev/null || command -v kubectl >/dev/null || [ -x .venv-kubernetes/bin/kustomize ]; then exit 0; fi
command -v go >/dev/null || { echo 'kustomize, kubectl or Go is needed: install one of them' >&2; exit 1; }
GOBIN=$PWD/.venv-kubernetes/bin go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.0
