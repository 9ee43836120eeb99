#!/usr/bin/env bash
# Installs the Python package into a fresh virtual environment, as a user would, and runs the example
# from outside of the source tree. Usage: install_test.sh PYTHON SOURCE_DIR SCRATCH_DIR
set -euo pipefail
python=$1 source=$2 scratch=$3

unset PYTHONPATH NERAVA_ANALYTICS_LIBRARY  # nothing but what pip installs
rm -rf "$scratch/venv" "$scratch/elsewhere"
mkdir -p "$scratch/elsewhere"
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check \
  --config-settings build-dir="$scratch/build" "$source/bindings/python"  # kept: faster next time

cp "$source/examples/quickstart.py" "$scratch/elsewhere/"
cd "$scratch/elsewhere"
"$scratch/venv/bin/python" quickstart.py | tee output
[ "$(wc -l < output)" -eq 4 ]
grep -q '"sessions_credited":1' output
"$scratch/venv/bin/python" -c '
import pathlib, nerava_analytics
from nerava_analytics._library import abi
folder = pathlib.Path(nerava_analytics.__file__).parent
assert pathlib.Path(abi().path) == folder / "libnerava_analytics.so", abi().path
assert (folder / "py.typed").exists()'
# Only the package: no headers, no C++ library.
[ -z "$(find "$scratch/venv" -name '*.h' -path '*nerava*')" ]
