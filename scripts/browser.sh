#!/usr/bin/env bash
# Installs the Chromium of `npm run test:browser` on Debian or Ubuntu, as root. Starts nothing. Safe to run again.
# Where another browser is used: CHROMIUM=/path/to/chromium npm run test:browser
set -euo pipefail
chromium=${CHROMIUM:-/usr/bin/chromium}
export DEBIAN_FRONTEND=noninteractive

if ! [ -x "$chromium" ]; then
  apt-get update -qq
  # Fonts, so that texts in other scripts are drawn.
  apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-noto-core >/dev/null
fi
echo "browser: $("$chromium" --version)"
