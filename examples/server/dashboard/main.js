// The page: what is asked, when, and what becomes of the answers.

import { Problem, ask, askHealth, forget, hasKey, setKey } from "./api.js";
import { fillControls, showView, watchControls } from "./controls.js";
import { byId } from "./dom.js";
import { showFunnel } from "./funnel.js";
import { time } from "./format.js";
import { showHubs } from "./hubs.js";
import { listen } from "./live.js";
import { showLoad, showRetention } from "./matrices.js";
import { showEvents, showPeople, showPipeline } from "./operation.js";
import { repaint } from "./charts.js";
import { makeTiles, showTiles } from "./tiles.js";
import { showTrends } from "./trends.js";
import { questionsOf, readView, writeView } from "./view.js";

const REST = 1000; // between two looks, however much is committed
const ROLL = 60_000; // a rolling period moves on by itself
const RETRY = [1, 2, 4, 8, 15]; // seconds after a failure

let view;
let answers; // to the last view that was answered
let asking = null; // AbortController of the look under way
let wanted = false; // something changed meanwhile
let failures = 0;
let timer;
let stream = null;

function plan(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(look, milliseconds);
}

// Something changed: look again, soon, once.
function changed() {
  wanted = true;
  if (!asking && failures === 0) plan(Math.max(0, lastLook + REST - Date.now()));
}

let lastLook = -REST;

async function look() {
  if (document.hidden) return void (wanted = true);
  clearTimeout(timer);
  asking?.abort();
  const mine = (asking = new AbortController());
  wanted = false;
  lastLook = Date.now();
  try {
    const questions = questionsOf(view);
    const got = await Promise.all(
      Object.entries(questions).map(async ([name, target]) => [
        name,
        await (name === "health" ? askHealth : ask)(target, mine.signal),
      ]),
    );
    if (mine !== asking) return;
    answers = Object.fromEntries(got);
    recovered();
    showAnswers();
  } catch (problem) {
    if (mine !== asking || problem.name === "AbortError") return;
    failed(problem);
  }
  asking = null;
  if (failures === 0) plan(wanted ? REST : ROLL);
}

function recovered() {
  failures = 0;
  byId("problem").hidden = true;
  byId("key").hidden = true;
  if (!stream) connect();
}

function failed(problem) {
  if (!(problem instanceof Problem)) console.error(problem);
  if (problem.kind === "key" || problem.kind === "forbidden") return askForKey(problem);
  const seconds = Math.max(problem.retrySeconds ?? 0, RETRY[Math.min(failures, RETRY.length - 1)]);
  failures += 1;
  const banner = byId("problem");
  banner.textContent = `${problem.message} The numbers are the last ones known; trying again in ${seconds} s.`;
  banner.hidden = false;
  if (problem.kind === "offline") tell("offline");
  plan(seconds * 1000);
}

function askForKey(problem) {
  stream?.abort();
  stream = null;
  byId("problem").hidden = true;
  byId("dashboard").hidden = true;
  byId("empty").hidden = true;
  byId("key-problem").textContent = problem.message;
  tell("locked");
  if (byId("key").hidden) {
    byId("key").hidden = false;
    byId("key-input").focus();
  }
  failures = 1; // nothing more is asked until there is a key
  clearTimeout(timer);
}

const STATES = {
  live: "Live",
  asking: "Every 15 s",
  offline: "Offline",
  locked: "Locked",
};

function tell(state) {
  const pill = byId("connection");
  if (pill.dataset.state === state) return;
  pill.dataset.state = state;
  pill.textContent = STATES[state];
}

function connect() {
  stream = new AbortController();
  listen(stream.signal, back, tell);
}

// Who hears of a change has a server again.
function back() {
  if (failures > 0 && byId("key").hidden) {
    failures = 0;
    plan(0);
  }
  changed();
}

function showAnswers() {
  const { kpis, regions, funnel, load, retention, active, streaks, events, health } = answers;
  const empty = health.total_events === 0;
  byId("empty").hidden = !empty;
  byId("dashboard").hidden = empty;
  showView(view, regions.breakdown.rows);
  if (empty) return;
  const { from, to } = kpis.comparison.current;
  byId("period").textContent = `${time(from, view.tz)} to ${time(to, view.tz)}, compared with as long before`;
  showTiles(kpis);
  showFunnel(funnel);
  showTrends(kpis);
  showTables();
  showRetention(retention);
  showPeople(active, streaks);
  showEvents(events, view.tz);
  showPipeline(health, view.tz);
  byId("updated").textContent = `Exact, as of ${time(kpis.generated_at, view.tz)}, ${view.tz}.`;
  byId("dashboard").setAttribute("aria-busy", "false");
}

function showTables() {
  const { selectedOptions } = byId("load-measure");
  showLoad(answers.load, view.load, selectedOptions[0].textContent, view.tz);
  showHubs(answers.kpis, view.sort, (sort) => setView({ ...view, sort }));
}

// What only looks different is not asked again.
function setView(next) {
  const before = view;
  view = next;
  history.replaceState(null, "", writeView(view));
  showView(view);
  if (next.theme !== before.theme) repaint();
  const [old, asked] = [questionsOf(before), questionsOf(next)];
  if (JSON.stringify(old) === JSON.stringify(asked)) {
    if (answers) showTables();
    return;
  }
  forget();
  byId("note").hidden = true;
  byId("dashboard").setAttribute("aria-busy", "true");
  if (byId("key").hidden) look();
}

function start() {
  const { view: asked, wrong } = readView(location.search);
  view = asked;
  if (wrong.length > 0) {
    byId("note").textContent = `Of this address not all could be used: ${wrong.join("; ")}.`;
    byId("note").hidden = false;
  }
  history.replaceState(null, "", writeView(view));
  fillControls();
  showView(view);
  watchControls(() => view, setView);
  makeTiles();
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    setKey(byId("key-input").value.trim());
    byId("key-input").value = "";
    forget();
    failures = 0;
    look();
  });
  document.addEventListener("visibilitychange", () => !document.hidden && wanted && look());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  connectExample();
  look();
}

// The command of the empty store, as it works from where this page came.
function connectExample() {
  const event = { event_type: "charge_started", session_id: "my-first", event_id: "my-first-start", user_id: "me", hub_id: "my_hub" };
  const command = () =>
    `curl '${location.origin}/v1/analytics/events?flush=true'${hasKey() ? " -H 'X-API-Key: YOUR_WRITE_KEY'" : ""} \\\n  -d '${JSON.stringify(event)}'`;
  const fill = () => {
    byId("first-event").textContent = command();
    byId("key-hint").hidden = !hasKey();
  };
  fill();
  byId("key-form").addEventListener("submit", fill);
  byId("copy").hidden = !navigator.clipboard;
  byId("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(command()).then(
      () => (byId("copied").textContent = "Copied."),
      () => (byId("copied").textContent = "The browser does not let this page copy; select the text."),
    );
  });
}

start();
