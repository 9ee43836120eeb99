"""The dashboard of the server example, in Chromium: what it shows, and how it follows the store."""

import json
import re
import subprocess
import time
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import expect
from server_support import EVENTS, ask, serving

from dashboard_support import (  # noqa: F401 (fixtures)
    CLOSED,
    PERIOD,
    answer,
    assert_no_serious_issue,
    browser,
    cells,
    full,
    percent,
    post,
    ready,
    serve,
    session,
    tile,
    usd,
    visit,
)


def test_the_key_figures_are_those_of_the_api(full, visit):
    page = ready(visit(full, "?" + CLOSED))
    comparison = answer(full, "kpis", compare="previous", **PERIOD)["comparison"]
    now, before, change = comparison["current"], comparison["previous"], comparison["change"]
    write = {
        "total_sessions": lambda v: f"{v:,}", "unique_users": lambda v: f"{v:,}", "completion_rate": percent,
        "credit_rate": percent, "utilization_rate": percent, "sessions_per_user": lambda v: f"{v:,.2f}",
        "energy_kwh": lambda v: f"{v:,.2f}", "total_rewards_usd": usd, "avg_reward_usd": usd, "credited_usd": usd,
    }  # fmt: skip
    assert page.locator(".tile").count() == len(write)
    for key, text in write.items():
        expect(tile(page, key)).to_have_text(text(now[key]))
        moved = page.locator(f".tile[data-key={key}] .change")
        expect(moved).to_contain_text(f"was {text(before[key])}")
        is_rate = key.endswith("_rate")
        rate, unit = (now[key] - before[key], "pp") if is_rate else (change[key], "%")
        digits = Decimal("0.01" if is_rate else "0.1")
        shown = str(Decimal(str(round(abs(rate), 2))).quantize(digits, ROUND_HALF_UP))
        expect(moved).to_contain_text(f"{shown}\u202f{unit}")
        if float(shown) > 0:
            expect(moved).to_have_class(re.compile("up" if rate > 0 else "down"))
            expect(moved).to_contain_text(f"{'up' if rate > 0 else 'down'} {shown} percent")


def test_the_panels_have_the_numbers_of_the_api(full, visit):
    page = ready(visit(full, "?" + CLOSED))
    funnel = answer(full, "funnel", **PERIOD)
    steps = [f"{funnel[key]:,}" for key in ("sessions_started", "sessions_completed", "sessions_credited")]
    assert page.locator("#funnel strong").all_inner_texts() == steps
    lost = f"{funnel['sessions_started'] - funnel['sessions_completed']:,} not completed"
    expect(page.locator("#funnel")).to_contain_text(lost)
    expect(page.locator("#funnel")).to_contain_text(f"{funnel['median_time_to_credit_s']:.1f}\u202fs")
    expect(page.locator("#funnel-facts")).to_contain_text(usd(funnel["rewards_owed_usd"]))

    load = answer(full, "load", **PERIOD)["cells"]
    shown = [row[1:] for row in cells(page, "#load")]
    assert shown == [[str(load[24 * day + hour]["sessions_started"]) for hour in range(24)] for day in range(7)]
    page.get_by_role("combobox", name="Show").select_option("peak_concurrency")
    assert [c for row in cells(page, "#load") for c in row[1:]] == [str(cell["peak_concurrency"]) for cell in load]
    assert "load=peak_concurrency" in page.url

    cohorts = answer(full, "retention", **{**PERIOD, "from": "2025-12-08", "interval": "week"})["buckets"]
    rows = cells(page, "#retention")
    cohorts = [one for one in cohorts if one["new_users"]]
    assert [row[1] for row in rows] == [str(one["new_users"]) for one in cohorts]
    for row, one in zip(rows, cohorts):
        share = [f"{int(100 * k / one['new_users'] + 0.5)}\u202f%" for k in one["retained"][1:]]
        assert row[2 : 2 + len(share)] == share

    people = answer(full, "active-users", at="2026-03-02", tz="Europe/Berlin")
    assert page.locator("#people dd").all_inner_texts()[:3] == [str(people[key]) for key in ("dau", "wau", "mau")]
    last = json.loads(ask(full, "GET", EVENTS + "?after=-20")[2])["events"]
    assert [row[1] for row in cells(page, "#events")] == [
        one["event_type"].replace("analytics_", "").replace("_", " ") for one in reversed(last)
    ]
    expect(page.locator("#pipeline .state")).to_have_text("Healthy")
    stored = answer(full, "stats")["total_events"]
    expect(page.locator("#pipeline dl")).to_contain_text(f"Events stored{stored:,}")


def test_charts_have_their_numbers_as_tables(full, visit):
    page = ready(visit(full, "?" + CLOSED))
    days = answer(full, "trends", interval="day", **PERIOD)["buckets"]
    expected = {
        "#sessions": [[f"{one['sessions_started']:,}", f"{one['sessions_completed']:,}"] for one in days],
        "#rewards": [[usd(one["total_rewards_usd"]), usd(one["credited_usd"])] for one in days],
        "#green": [[percent(one["utilization_rate"]) if one["total_sessions"] else "—"] for one in days],
    }
    for place, numbers in expected.items():
        page.locator(f"{place} summary").press("Enter")
        expect(page.locator(f"{place} tbody tr")).to_have_count(28)
        assert [row[1:] for row in cells(page, place)] == numbers
        assert "The numbers are in the table below" in page.locator(f"{place} canvas").get_attribute("aria-label")
        drawn = page.locator(f"{place} canvas").evaluate(
            "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
        )
        assert drawn > 10


def test_hubs_are_sorted_by_mouse_and_keyboard(full, visit):
    page = ready(visit(full, "?" + CLOSED))
    rows = answer(full, "kpis", breakdown="hub", top=50, **PERIOD)["breakdown"]["rows"]
    names = lambda key, sign: [  # noqa: E731
        one["hub"] for one in sorted(rows, key=lambda one: (sign * one[key], one["hub"]))
    ]
    shown = lambda: [row[0] for row in cells(page, "#hubs")]  # noqa: E731
    header = lambda name: page.get_by_role("columnheader", name=name)  # noqa: E731
    assert shown() == names("total_sessions", -1)
    expect(header("Sessions")).to_have_attribute("aria-sort", "descending")
    header("Energy").get_by_role("button").click()
    assert shown() == names("energy_kwh", -1)
    expect(header("Energy")).to_have_attribute("aria-sort", "descending")
    page.keyboard.press("Enter")  # the focus is where it was
    assert shown() == names("energy_kwh", 1)
    expect(header("Energy")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("#hubs [aria-sort]")).to_have_count(1)
    ready(page.reload() and page)
    assert shown() == names("energy_kwh", 1)
    first = cells(page, "#hubs")[0]
    one = min(rows, key=lambda row: row["energy_kwh"])
    assert first[1:4] == [f"{one['total_sessions']:,}", percent(one["completion_rate"]), percent(one["credit_rate"])]


def test_pickers_change_numbers_and_address_and_a_link_shows_the_same(full, visit):
    page = ready(visit(full, "?days=365&tz=UTC"))
    region = page.get_by_label("Region")
    expect(region.locator("option")).to_have_text(["All regions", "austin", "dallas"])
    region.select_option("dallas")
    page.get_by_label("Period").select_option("custom")
    page.get_by_label("Last day").fill("2026-03-01")
    page.get_by_label("First day").fill("2026-02-02")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    numbers = answer(full, "kpis", region="dallas", **PERIOD)
    expect(tile(page, "total_rewards_usd")).to_have_text(usd(numbers["revenue_metrics"]["total_rewards_usd"]))
    expect(tile(page, "unique_users")).to_have_text(f"{numbers['streak_metrics']['unique_users']:,}")
    expect(page).to_have_url(re.compile(r"\?first=2026-02-02&last=2026-03-01&region=dallas&tz=Europe%2FBerlin$"))
    ready(page)
    link = ready(visit(full, page.url.partition("/?")[2] and "?" + page.url.partition("/?")[2], timezone_id="Asia/Tokyo"))
    for place in ("#tiles", "#period", "#funnel", "#load", "#hubs", "#retention"):
        assert link.locator(place).inner_text() == page.locator(place).inner_text(), place
    expect(link.get_by_label("Region")).to_have_value("dallas")
    expect(link.get_by_label("First day")).to_have_value("2026-02-02")
    # A period that ends before it begins is told, and not asked for.
    link.get_by_label("Last day").fill("2026-01-01")
    assert "the last day is before the first" in link.get_by_label("Last day").evaluate("e => e.validationMessage")
    expect(link).to_have_url(re.compile("last=2026-03-01"))
    link.get_by_label("Period").select_option("90")
    expect(link.get_by_label("Last day")).to_be_hidden()
    expect(link).to_have_url(re.compile(r"\?days=90&region=dallas&tz=Europe%2FBerlin$"))


def test_the_time_zone_is_the_browsers_unless_said(full, visit):
    page = ready(visit(full, "?first=2026-02-02&last=2026-02-02", timezone_id="America/Chicago"))
    expect(page.get_by_label("Time zone")).to_have_value("America/Chicago")
    expect(page).to_have_url(re.compile("tz=America%2FChicago"))
    day = {"from": "2026-02-02", "to": "2026-02-03"}
    here, utc = (answer(full, "kpis", tz=tz, **day)["revenue_metrics"] for tz in ("America/Chicago", "UTC"))
    assert here["energy_kwh"] != utc["energy_kwh"]
    expect(tile(page, "energy_kwh")).to_have_text(f"{here['energy_kwh']:,.2f}")
    expect(page.locator("#period")).to_contain_text("2 Feb 2026, 00:00 to 3 Feb 2026, 00:00")


@pytest.mark.parametrize(
    "query, note",
    [
        ("?days=8&theme=neon", "days cannot be “8”; theme cannot be “neon”"),
        ("?tz=Mars/Base", "tz cannot be “Mars/Base”"),
        ("?first=2026-02-30&last=2026-03-01", "must be dates"),
        ("?first=2026-02-02&last=2026-01-01", "the last day is before the first"),
        ("?first=1980-02-02&last=2026-01-01", "at most"),
        ("?load=<script>&sort=;", "load cannot be “<script>”"),
    ],
)
def test_what_is_wrong_in_the_address_is_told(full, visit, query, note):
    page = ready(visit(full, query, timezone_id="UTC"))
    expect(page.locator("#note")).to_contain_text(note)
    expect(page).to_have_url(re.compile(r"/\?days=7&tz=UTC$"))
    expect(page.locator("#problem")).to_be_hidden()


def test_it_follows_what_is_committed_by_whatever_process(tmp_path, serve, visit):
    store = f"sqlite:///{tmp_path}/a.db"
    server, other = serve(store, "--rate", "0"), serve(store)
    post(server, *session(1))
    page = ready(visit(server))
    expect(page.locator("#connection")).to_have_text("Live")
    expect(tile(page, "total_sessions")).to_have_text("1")
    asked = []
    page.on("request", lambda request: "/kpis?" in request.url and asked.append(request.url))
    for number, host in ((2, server), (3, other)):
        began = time.monotonic()
        post(host, *session(number))
        expect(tile(page, "total_sessions")).to_have_text(str(number))
        expect(tile(page, "total_rewards_usd")).to_have_text(usd(1.25 * number))
        took = time.monotonic() - began
        print(f"on the page after {took:.2f} s")
        assert took < 5
    expect(page.locator("#events tbody tr").first).to_contain_text("charge stopped")
    expect(page.locator("#events tbody tr")).to_have_count(6)
    expect(page.locator("#pipeline dl")).to_contain_text("Events stored6")
    # However many commits there are, it looks about once a second.
    asked.clear()
    began = time.monotonic()
    last = 3
    while time.monotonic() - began < 5:  # messages come twice a second
        last += 1
        post(server, *session(last))
    expect(tile(page, "total_sessions")).to_have_text(f"{last:,}")
    assert len(asked) <= time.monotonic() - began + 2
    for one in page.get_by_role("columnheader", name="Drivers").get_by_role("button").all():
        one.focus()
    post(server, *session(last + 1))
    expect(tile(page, "total_sessions")).to_have_text(f"{last + 1:,}")
    expect(page.get_by_role("columnheader", name="Drivers").get_by_role("button")).to_be_focused()


def test_without_a_stream_it_asks_every_15_seconds(serve, visit):
    server = serve("memory:", "--max-streams", "0")
    visit.expected.append("status of 503")
    post(server, *session(1))
    page = ready(visit(server))
    expect(page.locator("#connection")).to_have_text("Every 15 s")
    page.clock.install()
    page.reload()
    ready(page)
    post(server, *session(2))
    expect(tile(page, "total_sessions")).to_have_text("2")  # not yet known by a message
    page.clock.run_for(100)
    post(server, *session(3))
    page.clock.fast_forward(16_000)
    expect(tile(page, "total_sessions")).to_have_text("3")


def test_an_empty_store_says_how_to_begin_and_begins(serve, visit):
    server = serve()
    page = visit(server, permissions=["clipboard-read", "clipboard-write"])
    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    expect(page.locator("#dashboard")).to_be_hidden()
    expect(page.locator("#key-hint")).to_be_hidden()
    command = page.locator("#first-event").inner_text()
    assert f"http://127.0.0.1:{server.port}/" in command
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copied")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == command
    assert_no_serious_issue(page)
    done = subprocess.run(["bash", "-c", command], capture_output=True, encoding="utf-8", timeout=30)
    assert '"accepted":1' in done.stdout, done
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator("#dashboard")).to_be_visible()
    expect(page.locator("#events tbody tr")).to_have_count(1)
    expect(page.locator("#funnel strong")).to_have_text(["1", "0", "0"])
    # Of nothing there is no rate and no change.
    expect(tile(page, "credit_rate")).to_have_text("—")
    expect(tile(page, "utilization_rate")).to_have_text("—")
    expect(page.locator(".tile[data-key=credit_rate] .change")).to_contain_text("no comparison")


def test_a_server_that_goes_and_comes_back_is_noticed(tmp_path, visit):
    visit.expected.append("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY|ERR_CONNECTION_RESET")
    store = f"sqlite:///{tmp_path}/a.db"
    with serving(store) as server:
        post(server, *session(1))
        page = ready(visit(server))
        expect(page.locator("#connection")).to_have_text("Live")
        port = server.port
    expect(page.locator("#connection")).to_have_text("Offline")
    page.get_by_label("Period").select_option("30")
    expect(page.locator("#problem")).to_contain_text("The server does not answer. The numbers are the last ones known")
    expect(tile(page, "total_sessions")).to_have_text("1")
    with serving(store, port=port) as server:
        post(server, *session(2))
        expect(tile(page, "total_sessions")).to_have_text("2")
        expect(page.locator("#problem")).to_be_hidden()
        expect(page.locator("#connection")).to_have_text("Live")
        post(server, *session(3))
        expect(tile(page, "total_sessions")).to_have_text("3")


@pytest.mark.parametrize("status, words", [(429, "send fewer"), (503, "a little later"), (500, "the service's log")])
def test_a_refusal_is_told_and_tried_again(full, visit, status, words):
    visit.expected.append(f"status of {status}")
    page = ready(visit(full, "?days=365"))
    refusal = {"status": status, "json": {"detail": words}, "headers": {"Retry-After": "1"}}
    page.route("**/v1/analytics/funnel?*", lambda route: route.fulfill(**refusal))
    page.get_by_label("Region").select_option("austin")
    expect(page.locator("#problem")).to_contain_text(words)
    page.unroute("**/v1/analytics/funnel?*")
    expect(page.locator("#problem")).to_be_hidden()
    ready(page)


def test_a_key_is_asked_for_and_kept_in_the_tab_only(serve, visit):
    visit.expected.append("status of 40[13]")
    reader, writer = "reader-0123456789", "writer-0123456789"
    server = serve("memory:", NERAVA_API_KEYS=f"read {reader};write {writer}")
    page = visit(server, "?days=30&tz=UTC")
    key = page.get_by_label("Key", exact=True)
    expect(key).to_be_focused()
    expect(page.locator("#dashboard")).to_be_hidden()
    expect(page.locator("#key-problem")).to_be_empty()
    assert_no_serious_issue(page)
    for wrong, words in (("nonsense", "does not know"), ("naïve 🔑", "cannot be a key"), (writer, "may not read")):
        key.fill(wrong)
        key.press("Enter")
        expect(page.locator("#key-problem")).to_contain_text(words)
        expect(key).to_have_value("")
    key.fill(reader)
    page.get_by_role("button", name="Show the numbers").click()
    expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    expect(page.locator("#key")).to_be_hidden()
    expect(page.locator("#key-hint")).to_be_visible()
    expect(page.locator("#connection")).to_have_text("Live")
    command = page.locator("#first-event").inner_text()
    assert reader not in command + page.url
    done = subprocess.run(
        ["bash", "-c", command.replace("YOUR_WRITE_KEY", writer)], capture_output=True, timeout=30
    )
    assert b'"accepted":1' in done.stdout
    expect(page.locator("#dashboard")).to_be_visible()
    stored = page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]")
    assert stored == [[reader], [], ""]
    page.reload()
    ready(page)
    expect(page.locator("#key")).to_be_hidden()
    other = visit(server)  # another tab, without
    expect(other.get_by_label("Key", exact=True)).to_be_visible()


def test_what_looks_like_markup_is_text(serve, visit):
    evil = "<img src=x onerror=window.hacked=1>"
    script = "<script>window.hacked=1</script>"
    server = serve()
    post(server, *session(1, hub_id=evil, region=script, window_id=evil, user_id="'\"><svg/onload=hacked=1>"))
    page = ready(visit(server))
    expect(page.locator("#hubs tbody th")).to_have_text([evil])
    expect(page.locator("#events tbody tr").first).to_contain_text(script)
    page.get_by_label("Region").select_option(script)
    expect(page).to_have_url(re.compile("region=%3Cscript%3E"))
    ready(page.reload() and page)
    expect(tile(page, "total_sessions")).to_have_text("1")
    expect(page.get_by_label("Region")).to_have_value(script)
    assert page.evaluate("[window.hacked, document.querySelectorAll('main img, main script, main svg').length]") == [
        None, 0,
    ]  # fmt: skip
