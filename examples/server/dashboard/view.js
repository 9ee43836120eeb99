// What is shown, as the address bar has it: ?days=30&region=austin&tz=UTC&theme=dark, or ?first=2026-01-01&last=2026-01-31.

const DAY = 86_400_000;
const DAYS = ["1", "7", "30", "90", "365"];
const MOST_DAYS = 3650;
const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export const timeZones = () => [...new Set(["UTC", ownZone(), ...Intl.supportedValuesOf("timeZone")])];

function isTimeZone(name) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name })) && !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

const epochDay = (text) => Date.parse(`${text}T00:00:00Z`) / DAY;

function isDate(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(epochDay(text))) return false;
  return text >= "1970-01-01" && nextDay(text, 0) === text;
}

function nextDay(text, days = 1) {
  return new Date((epochDay(text) + days) * DAY).toISOString().slice(0, 10);
}

// Why these two are no period, or null.
export function wrongDays(first, last) {
  if (!isDate(first) || !isDate(last)) return "first and last must be dates, like 2026-01-31";
  if (last < first) return "the last day is before the first";
  if (epochDay(last) - epochDay(first) >= MOST_DAYS) return `a period has at most ${MOST_DAYS} days`;
  return null;
}

// The view of a query, and what of the query could not be used.
export function readView(search) {
  const query = new URLSearchParams(search);
  const wrong = [];
  const choose = (name, fallback, isGood) => {
    const value = query.get(name);
    if (value === null || value === "") return fallback;
    if (isGood(value)) return value;
    wrong.push(`${name} cannot be “${value.slice(0, 60)}”`);
    return fallback;
  };
  const view = {
    days: choose("days", "7", (v) => DAYS.includes(v)),
    first: "",
    last: "",
    region: choose("region", "", () => true),
    tz: choose("tz", ownZone(), isTimeZone),
    theme: choose("theme", "system", (v) => v === "light" || v === "dark"),
    load: choose("load", "sessions_started", (v) => v in LOAD_MEASURES),
    sort: choose("sort", "-total_sessions", (v) => /^-?[a-z_]+$/.test(v)),
  };
  if (query.has("first") || query.has("last")) {
    const [first, last] = [query.get("first") ?? "", query.get("last") ?? ""];
    const why = wrongDays(first, last);
    if (why) wrong.push(why);
    else Object.assign(view, { days: "custom", first, last });
  }
  return { view, wrong };
}

export const LOAD_MEASURES = {
  sessions_started: 0,
  total_sessions: 0,
  energy_kwh: 0,
  avg_concurrency: 1,
  peak_concurrency: 0,
}; // with decimals shown

// The query of a view; the time zone always, so that a link shows others the same.
export function writeView(view) {
  const query = new URLSearchParams();
  if (view.days === "custom") {
    query.set("first", view.first);
    query.set("last", view.last);
  } else {
    query.set("days", view.days);
  }
  if (view.region) query.set("region", view.region);
  query.set("tz", view.tz);
  if (view.theme !== "system") query.set("theme", view.theme);
  if (view.load !== "sessions_started") query.set("load", view.load);
  if (view.sort !== "-total_sessions") query.set("sort", view.sort);
  return `?${query}`;
}

const lengthOf = (view) =>
  view.days === "custom" ? epochDay(view.last) - epochDay(view.first) + 1 : Number(view.days);

export function intervalOf(view) {
  const days = lengthOf(view);
  return days <= 2 ? "hour" : days <= 92 ? "day" : days <= 731 ? "week" : "month";
}

// Whom and when to ask the server about.
function periodOf(view, leastDays = 0) {
  const days = Math.max(lengthOf(view), leastDays);
  if (view.days !== "custom") return { days };
  return { from: nextDay(view.last, 1 - days), to: nextDay(view.last) };
}

const RETENTION_DAYS = 84;

// The questions of a view, by the name under which panels take the answers.
export function questionsOf(view) {
  const path = (name, parameters) => {
    const query = new URLSearchParams({ ...parameters, tz: view.tz });
    if (view.region && parameters.breakdown !== "region") query.set("region", view.region);
    return `/v1/analytics/${name}?${query}`;
  };
  const period = periodOf(view);
  const retained = periodOf(view, RETENTION_DAYS);
  const at = period.to && Date.parse(period.to) < Date.now() ? { at: period.to } : {};
  return {
    kpis: path("kpis", {
      ...period, compare: "previous", interval: intervalOf(view), breakdown: "hub", top: 50,
    }),
    regions: path("kpis/conversion-funnel", { ...period, breakdown: "region", top: 100 }),
    funnel: path("funnel", period),
    load: path("load", period),
    retention: path("retention", {
      ...retained, interval: Math.max(lengthOf(view), RETENTION_DAYS) > 200 ? "month" : "week",
    }),
    active: path("active-users", at),
    streaks: path("streaks", at),
    events: "/v1/analytics/events?after=-20",
    health: "/v1/analytics/health",
  };
}
