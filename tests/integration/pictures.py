"""Takes the pictures of docs/images anew; not a test, and run by hand after the dashboard changed:

    NERAVA_EXAMPLES=build/release/examples build/release/tests/integration/playwright-*/bin/python \\
      -m pytest -q -p no:cacheprovider tests/integration/pictures.py
"""

from pathlib import Path

import pytest

from dashboard_support import CLOSED, browser, full, ready, serve, visit  # noqa: F401 (fixtures)

IMAGES = Path(__file__).parents[2] / "docs" / "images"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dashboard(full, visit, scheme):
    page = ready(visit(full, "?" + CLOSED, color_scheme=scheme, reduced_motion="reduce"))
    page.screenshot(path=IMAGES / f"dashboard-{scheme}.png")
