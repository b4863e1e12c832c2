#!/usr/bin/env bash
# Installs the real receivers of `npm run test:receivers` and `npm run test:faults` on Debian or Ubuntu, as root: rsyslog from its
# packages, and syslog-ng unpacked beside it, since the two packages conflict; and what the docs' commands use. Starts nothing. Safe
# to run again.
set -euo pipefail
root=${SYSLOG_NG_ROOT:-/opt/syslog-ng}
export DEBIAN_FRONTEND=noninteractive

# What the commands of the docs use, and a network of their own.
for tool in ip:iproute2 curl:curl jq:jq; do
  command -v "${tool%:*}" >/dev/null && continue
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${tool#*:}" >/dev/null
done

if ! [ -x /usr/sbin/rsyslogd ] || ! ls /usr/lib/*/rsyslog/lmnsd_ossl.so /usr/lib/*/rsyslog/imrelp.so >/dev/null 2>&1; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends rsyslog rsyslog-openssl rsyslog-relp >/dev/null
fi

if ! [ -x "$root/usr/sbin/syslog-ng" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  apt-get update -qq
  cd "$work"
  # Its libraries that other packages carry are installed; the package itself is unpacked.
  libraries=$(apt-cache depends syslog-ng-core | awk '$1 == "Depends:" && $2 ~ /^lib/ {print $2}')
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $libraries >/dev/null
  chmod 777 "$work"
  apt-get download -qq syslog-ng-core >/dev/null
  mkdir -p "$root"
  dpkg -x syslog-ng-core_*.deb "$root"
fi
echo "receivers: $(/usr/sbin/rsyslogd -v | head -1), syslog-ng in $root"
