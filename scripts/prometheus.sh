#!/usr/bin/env bash
# Installs what `npm run test:monitoring` needs on Debian or Ubuntu, as root: Prometheus and promtool, unpacked from the system's
# package into a directory of their own, so that no service is installed or started. Safe to run again.
set -euo pipefail
root=${PROMETHEUS_ROOT:-/opt/prometheus}

if ! [ -x "$root/usr/bin/prometheus" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  apt-get update -qq
  chmod 777 "$work"
  cd "$work"
  apt-get download -qq prometheus >/dev/null
  mkdir -p "$root"
  dpkg -x prometheus_*.deb "$root"
fi
"$root/usr/bin/prometheus" --version 2>&1 | head -1
