"""What the tests of the example programs share."""

import json
import os
import subprocess
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ.get("NERAVA_EXAMPLES", ROOT / "build/release/examples"))


def run(program, *arguments, stdin=""):
    """Runs an example program; the result has returncode, stdout and stderr as text."""
    return subprocess.run(
        [PROGRAMS / program, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=240,
    )


def replay(*arguments, stdin="", returncode=0):
    """Runs replay --json. Its report, with what it said on stderr under "stderr"."""
    done = run("replay", "--json", *arguments, stdin=stdin)
    assert done.returncode == returncode, done.stderr
    report = json.loads(done.stdout)
    report["stderr"] = done.stderr
    return report


def rounded(number):
    """Rounded to 2 decimals, half away from zero, as the KPIs are."""
    return float(Decimal(number).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def ratio(numerator, denominator, scale=1):
    return rounded(Decimal(numerator) * scale / denominator) if denominator else 0.0
