#!/usr/bin/env bash
# install_test.sh BUILD_DIR SOURCE_DIR CXX CC -DNERAVA_SANITIZE=...
# Installs the build into a temporary prefix and uses it from there: from C++ and C with
# find_package, from C with pkg-config.
set -euo pipefail
build=$1 source=$2 cxx=$3 cc=$4 sanitize=$5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >/dev/null

cmake -S "$source/consumer" -B "$work/consumer" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_COMPILER="$cc" \
  "$sanitize" >/dev/null
cmake --build "$work/consumer" >/dev/null
[ "$("$work/consumer/consumer_cpp")" = "1 session, completion 100 %" ]
[ "$("$work/consumer/consumer_c")" = "1 event" ]
if [ -e "$work/prefix/include/nerava/analytics/redis" ]; then
  [ "$("$work/consumer/consumer_redis")" = "no Redis there" ]
fi

# The prefix in the file is the one of the build: it is told where it is now.
libdir=$(dirname "$(find "$work/prefix" -name nerava_analytics.pc)")
flags=$(PKG_CONFIG_PATH=$libdir pkg-config --define-prefix --cflags --libs nerava_analytics)
flags+=" -Wl,-rpath,$(dirname "$libdir")"
case $sanitize in *=) ;; *) flags+=" -fsanitize=${sanitize#*=}" ;; esac
# shellcheck disable=SC2086 # flags are words
"$cc" -std=c99 -Wall -Wextra -Wpedantic -Werror "$source/consumer/consumer.c" $flags \
  -o "$work/with_pkg_config"
[ "$("$work/with_pkg_config")" = "1 event" ]
echo "installed, found, linked and run"
