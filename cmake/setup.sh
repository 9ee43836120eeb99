#!/usr/bin/env bash
# Installs what the project needs from Debian's packages. Quick when nothing is missing.
#   cmake/setup.sh           what building and running needs
#   cmake/setup.sh --tests   and what the tests need
#   cmake/setup.sh --list    prints the packages, installs nothing
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache
  libsqlite3-dev      # the embedded store
  libabsl-dev         # status, time, hash maps, mutexes
  libfmt-dev          # messages
  nlohmann-json3-dev  # JSON
  libroaring-dev      # exact user sets
  libisal-dev         # CRC32C of the journal's records
  libsodium-dev       # pseudonyms of users
  tzdata              # the time zones of trends
  libcli11-dev        # command lines of the examples
  libhiredis-dev      # the optional component for Redis
  libboost-dev zlib1g-dev  # Asio, Beast and gzip of the HTTP server
  libjs-chart.js      # the charts of its dashboard
)
test_packages=(
  catch2              # unit and property tests
  clang-14 libclang-rt-14-dev  # ThreadSanitizer, -Wthread-safety and libFuzzer
  abigail-tools       # the C ABI is held against a recorded one
  libbenchmark-dev libspdlog-dev libcpp-httplib-dev wrk slowhttptest  # tests/bench
  curl                # the commands that the demo prints are run
  sqlite3             # the documented shell commands are run
  python3 python3-venv python3-pip python3-pytest
  gunicorn uwsgi-core uwsgi-plugin-python3  # servers that fork what uses the library
  python3-jsonschema  # answers are held against the OpenAPI description
  python3-fastapi python3-httpx python3-uvicorn  # nerava_analytics.fastapi in a real application
  prometheus          # reads /metrics, and tries alert rules and the dashboard's queries
  redis-server        # takes what is published to it
  chromium            # shows the dashboard
  pkg-config
  strace              # checks the fault injection of tests/faults
)

case "${1:-}" in
  "") ;;
  --tests) packages+=("${test_packages[@]}") ;;
  --list) printf '%s\n' "${packages[@]}" "${test_packages[@]}" | sort -u; exit 0 ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  # shellcheck disable=SC2016 # a format of dpkg-query's
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
    missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: this is no Debian; install these and try again: ${missing[*]}" >&2
  exit 1
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "setup: run this as root, or install sudo; missing: ${missing[*]}" >&2
    exit 1
  }
  root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${root[@]}" apt-get update && "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
# Debian starts these, now and at every boot; the tests start their own.
for service in prometheus redis-server; do
  if [[ " ${missing[*]} " == *" $service "* && -d /run/systemd/system ]]; then
    "${root[@]}" systemctl --quiet disable --now "$service"
  fi
done
