"""The files of examples/monitoring with a real Prometheus, which scrapes the server example."""

import itertools
import json
import math
import re
import shlex
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from server_support import ask, serving, started

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "examples" / "monitoring"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DASHBOARD = json.loads((MONITORING / "grafana" / "dashboard.json").read_text())
SECONDS = 60  # until something has come about


def promtool(*arguments, text=None):
    done = subprocess.run(
        ["promtool", *arguments], cwd=MONITORING, input=text, capture_output=True, encoding="utf-8"
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def until(condition, process, what):
    """What the condition says once it is true. `what` is missing till then."""
    end = time.monotonic() + SECONDS
    while not (result := condition()):
        assert process.poll() is None, "it ended"
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return result


def scrape(server):
    status, headers, body = ask(server, "GET", "/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return body.decode()


def families(text):
    """Of every family its type, labels but le, and help."""
    found = {}
    for name, kind, about in re.findall(r"^# HELP (\S+) (?=.*\n# TYPE \S+ (\w+))(.*)$", text, re.M):
        labels = re.findall(rf"^{name}{{(.*)}} ", text, re.M)
        names = {label for each in labels for label in re.findall(r'(\w+)="', each)}
        found[name] = (kind, names - {"le"}, about)
    return found


def post(server, number):
    """A session that completes, one that does not, and events that are refused: enough for error_rate."""
    stopped = {
        "event_type": "charge_stopped", "session_id": f"s{2 * number}", "event_id": f"stop{number}",
        "user_id": f"u{number % 3}", "kwh_consumed": 5, "total_reward_usd": 1.5,
    }  # fmt: skip
    good = [{**started(2 * number + i), "window_id": "green_hour"} for i in range(2)]
    ask(server, "POST", "/v1/analytics/events?flush=true", json.dumps([*good, stopped]))
    ask(server, "POST", "/v1/analytics/events", json.dumps([{"event_type": "charge_started"}] * 3))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    with serving(f"sqlite:///{folder}/a.db", "--rate", "0") as process:
        for number in range(20):
            post(process, number)
        yield process


def is_ready(prometheus):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{prometheus.port}/-/ready", timeout=30):
            return True
    except urllib.error.HTTPError as error:
        assert error.code == 503  # it listens before it has opened its files
        return False


@pytest.fixture(scope="module")
def prometheus(server, tmp_path_factory):
    """Started by the command of the documentation, with its configuration, at another port and faster."""
    folder = tmp_path_factory.mktemp("prometheus")
    config = (MONITORING / "prometheus.yml").read_text()
    for old, new in {
        "127.0.0.1:8000": f"127.0.0.1:{server.port}",
        "_interval: 15s": "_interval: 250ms",
        "alerts.yml]": f"{MONITORING}/alerts.yml]",
    }.items():
        assert old in config
        config = config.replace(old, new)
    (folder / "prometheus.yml").write_text(config)
    (line,) = re.findall(r"^(prometheus .*)$", OPERATIONS, re.M)
    assert "examples/monitoring/prometheus.yml" in line and "build/prometheus" in line
    line = line.replace("examples/monitoring", str(folder)).replace("build/prometheus", f"{folder}/data")
    process = subprocess.Popen(
        [*shlex.split(line), "--web.listen-address=127.0.0.1:0"], stderr=subprocess.PIPE, encoding="utf-8"
    )
    try:
        log = []
        for text in process.stderr:
            log.append(text)
            if found := re.search(r'msg="Listening on" address=127\.0\.0\.1:(\d+)', text):
                break
        else:
            pytest.fail("".join(log))
        drain = threading.Thread(target=process.stderr.read)  # that it never waits for a reader
        drain.start()
        process.port = int(found[1])
        until(lambda: is_ready(process), process, "Prometheus that is ready")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)
    drain.join()


def api(prometheus, path, **parameters):
    url = f"http://127.0.0.1:{prometheus.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        pytest.fail(f"{path} {parameters}: {error.read().decode()}")


def queries():
    """Every query of the dashboard, with its variables as Grafana puts them in."""
    (period,) = (v for v in DASHBOARD["templating"]["list"] if v["name"] == "period")
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            for value in period["query"].split(","):
                text = target["expr"].replace("$instance", ".+").replace("$__rate_interval", "5s")
                yield text.replace("$period", value)


def test_promtool_accepts_all_files_and_a_scrape(server):
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")
    promtool("check", "metrics", text=scrape(server))


def test_every_alert_is_tested_and_explained():
    alerts = re.findall(r"- alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    assert len(alerts) == len(set(alerts)) >= 12
    tests = (MONITORING / "alerts_test.yml").read_text()
    assert set(re.findall(r"- alertname: (\w+)", tests)) == set(alerts)
    assert re.findall(r"^\| `(Nerava\w+)` \|", OPERATIONS, re.M) == alerts


def test_the_documented_metrics_are_those_of_a_scrape(server):
    rows = re.findall(r"^\| `(nerava_analytics_\w+)` \| (\w+) \|(.*?)\| (.*) \|$", OPERATIONS, re.M)
    documented = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)), about) for name, kind, labels, about in rows
    }
    assert len(documented) == len(rows)

    # Before, the alerts have no labels.
    until(lambda: 'watch="error_rate"' in scrape(server), server, "an alert")
    assert documented == families(scrape(server))


def test_rules_and_dashboard_ask_for_metrics_that_are_there(server):
    known = families(scrape(server))
    texts = [*queries(), (MONITORING / "alerts.yml").read_text()]
    asked = set(itertools.chain(*(re.findall(r"nerava_analytics_\w+", text) for text in texts)))
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= set(known)


def test_every_query_of_the_dashboard_has_an_answer(server, prometheus):
    missing = set(queries())
    assert len(missing) > 50
    numbers = itertools.count(1000)

    def answered():
        post(server, next(numbers))  # so that rates are of something
        for query in list(missing):
            samples = api(prometheus, "query", query=query)["result"]
            if any(not math.isnan(float(sample["value"][1])) for sample in samples):
                missing.remove(query)
        return not missing

    until(answered, prometheus, missing)
    (funnel,) = api(prometheus, "query", query='nerava_analytics_kpi_completion_rate_percent{period="7d"}')[
        "result"
    ]
    assert float(funnel["value"][1]) == 50  # post's
    instance = api(prometheus, "label/instance/values", **{"match[]": "nerava_analytics_build_info"})
    assert instance == [f"127.0.0.1:{server.port}"]  # the variable's query


def test_alerts_fire_in_prometheus(server, prometheus):
    def firing():
        groups = api(prometheus, "rules")["groups"]
        rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
        assert {rule.get("lastError") for rule in rules.values()} == {None}
        unhealthy = [rule for rule in rules.values() if rule["health"] != "ok"]
        return not unhealthy and rules["NeravaErrorRate"]["state"] == "firing" and rules

    rules = until(firing, prometheus, "NeravaErrorRate")
    for name in ("NeravaTargetDown", "NeravaUnhealthy", "NeravaStoreUnreachable", "NeravaWatchFiring"):
        assert rules[name]["state"] == "inactive"


def test_panels_do_not_overlap_and_are_told_apart():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == ["Business", "Pipeline"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
