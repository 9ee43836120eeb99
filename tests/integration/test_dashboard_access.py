"""Who can use the dashboard of the server example: in light and dark, on a phone, by keyboard and screen reader."""

import re
import time

import pytest
from playwright.sync_api import expect

from dashboard_support import (  # noqa: F401 (fixtures)
    CLOSED,
    assert_no_serious_issue,
    browser,
    full,
    ready,
    serve,
    visit,
)


def ground(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def pixels(page):
    return page.locator("#sessions canvas").evaluate("c => c.toDataURL()")


def test_light_and_dark(full, visit):
    page = ready(visit(full, "?" + CLOSED, color_scheme="light"))
    light, bars = ground(page), pixels(page)
    page.emulate_media(color_scheme="dark")
    dark = ground(page)
    assert light != dark
    give_up = time.monotonic() + 15
    while pixels(page) == bars:  # until it is drawn again; wait_for_function is what the page's policy forbids
        assert time.monotonic() < give_up
    page.get_by_label("Theme").select_option("light")
    assert ground(page) == light and pixels(page) == bars
    expect(page).to_have_url(re.compile("theme=light"))
    page.reload()
    assert ground(ready(page)) == light
    page.get_by_label("Theme").select_option("system")
    assert ground(page) == dark


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 1280), ("dark", 375)])
def test_axe_finds_no_serious_issue(full, visit, scheme, width):
    page = ready(visit(full, "?" + CLOSED, color_scheme=scheme, width=width, reduced_motion="reduce"))
    for summary in page.locator("summary").all():
        summary.click()
    assert_no_serious_issue(page)


@pytest.mark.parametrize("width", [320, 375])
def test_it_fits_a_phone(full, visit, width):
    page = ready(visit(full, "?days=365&tz=UTC", width=width, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.locator(".tile .value, .tile h3, .funnel p, h2, dd").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0).map(one => one.textContent)"
    )
    assert cut == []
    heights = page.locator("header select:visible").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert min(heights) >= 40


def test_the_keyboard_reaches_everything_and_sees_where_it_is(full, visit):
    page = ready(visit(full, "?" + CLOSED))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the numbers")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(e => [e.id || e.name || e.dataset.name || e.localName, getComputedStyle(e).outlineStyle, e.localName])"
            "(document.activeElement)"
        )
        if at[2] not in ("body", "main"):
            reached.append(at[0])
            assert at[1] != "none", at
    assert {"summary", "load-measure", "load", "hub", "energy_kwh", "retention", "events"} <= set(reached)
    landmarks = [page.get_by_role(role).count() for role in ("banner", "main", "contentinfo")]
    assert landmarks == [1, 1, 1]
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(one => Number(one.localName[1]))")
    assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:]))
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("[aria-live=assertive], [role=alert]").count() == 0
