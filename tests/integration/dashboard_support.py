"""The server example with its dashboard open in Chromium, and what tests of the page share."""

import contextlib
import datetime
import json
import re
import subprocess
import urllib.parse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright
from replay_support import PROGRAMS
from server_support import EVENTS, ask, serving

CLOSED = "first=2026-02-02&last=2026-03-01&tz=Europe%2FBerlin"  # lies whole in the simulated days
PERIOD = {"from": "2026-02-02", "to": "2026-03-02", "tz": "Europe/Berlin"}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    events, store = folder / "events.ndjson", f"sqlite:///{folder}/a.db"
    simulate = ["simulate", "--days", "120", "--end", "2026-04-01T00:00:00Z", "--users", "120", "--hubs", "12"]
    simulate += ["--sessions-per-day", "40", "--region", "austin", "--region", "dallas", "-q", "-o", events]
    for program, *arguments in (simulate, ["replay", events, "--store", store, "-q"]):
        subprocess.run([PROGRAMS / program, *arguments], check=True, stdout=subprocess.DEVNULL, timeout=120)
    with serving(store, ANALYTICS_RETENTION_ENABLED="false") as server:
        yield server


@pytest.fixture
def serve():
    """serve(...) starts a server, as serving does, which outlives the pages."""
    with contextlib.ExitStack() as servers:
        yield lambda *args, **options: servers.enter_context(serving(*args, **options))


@pytest.fixture
def visit(browser, serve):
    """visit(server, query) opens the page. Whatever it is: nothing is asked elsewhere, and nothing goes wrong."""
    contexts, wrong, expected = [], [], []

    def open_page(server, query="", **options):
        origin = f"http://127.0.0.1:{server.port}"
        width = options.pop("width", 1280)
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        context.on("request", lambda request: request.url.startswith(origin + "/") or wrong.append(request.url))
        context.on("weberror", lambda error: wrong.append(str(error.error)))

        def console(message):
            if message.type in ("error", "warning") and not any(re.search(one, message.text) for one in expected):
                wrong.append(message.text)

        context.on("console", console)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(f"{origin}/{query}")
        return page

    open_page.expected = expected
    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def ready(page):
    expect(page.locator("#dashboard")).to_have_attribute("aria-busy", "false")
    return page


def answer(server, path, **parameters):
    query = urllib.parse.urlencode(parameters)
    status, _, body = ask(server, "GET", f"/v1/analytics/{path}?{query}")
    assert status == 200, body
    return json.loads(body)


def tile(page, key):
    return page.locator(f".tile[data-key={key}] .value")


def post(server, *events):
    status, _, body = ask(server, "POST", EVENTS + "?flush=true", json.dumps(events))
    assert status == 202, body


def session(number, **fields):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    base = {"session_id": f"s{number}", "user_id": f"u{number}", "hub_id": "hub_1", "timestamp": now, **fields}
    return (
        {**base, "event_type": "charge_started", "event_id": f"a{number}"},
        {**base, "event_type": "charge_stopped", "event_id": f"b{number}", "kwh_consumed": 10, "total_reward_usd": 1.25},
    )


def percent(value):
    return f"{value:,.2f}\u202f%"


def usd(value):
    return f"${value:,.2f}"


def cells(page, place):
    """The rows of a table's body as text."""
    rows = page.locator(f"{place} tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def assert_no_serious_issue(page):
    found = Axe().run(page).response
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    told = [(one["id"], [node["target"] for node in one["nodes"]][:5]) for one in serious]
    assert told == [] and len(found["passes"]) > 10
