// How the pipeline is, who charges, and the latest events.

import { byId, element, facts, show, table } from "./dom.js";
import * as format from "./format.js";

const plural = (number, one) => `${format.count(number)} ${one}${number === 1 ? "" : "s"}`;

export function showPeople(active, streaks) {
  facts(byId("people"), [
    ["Today", format.count(active.dau)],
    ["In 7 days", format.count(active.wau)],
    ["In 30 days", format.count(active.mau)],
    ["Stickiness", active.mau === 0 ? format.NONE : format.percent(active.stickiness), "Drivers of today ÷ of 30 days"],
    ["Longest current streak", plural(streaks.max_current_streak, "day"), "Days in a row with a session"],
    ["Longest streak ever", plural(streaks.max_longest_streak, "day")],
  ]);
}

const short = (id) => (typeof id === "string" && id.length > 13 ? `${id.slice(0, 8)}…` : id);

// What there is to say of an event beside its type.
function detail(event) {
  const parts = [];
  if (event.hub_id) parts.push(event.hub_id);
  if (event.window_id) parts.push(event.window_id);
  if (typeof event.kwh_consumed === "number") parts.push(format.kwh(event.kwh_consumed));
  if (typeof event.total_reward_usd === "number") parts.push(format.usd(event.total_reward_usd));
  if (typeof event.amount_cents === "number") parts.push(format.usd(event.amount_cents / 100));
  return parts.join(" · ");
}

export function showEvents({ events }, tz) {
  const rows = [...events].reverse().map((event) => [
    format.clock(event.timestamp, tz),
    element("td", { class: "text" }, event.event_type.replace(/^analytics_/, "").replaceAll("_", " ")),
    element("td", { class: "text" }, event.region ?? ""),
    element("td", { class: "text", title: event.session_id }, short(event.session_id) ?? ""),
    element("td", { class: "text", title: event.user_id }, short(event.user_id) ?? ""),
    element("td", { class: "text" }, detail(event)),
  ]);
  const columns = ["Time", "Event", "Region", "Session", "Driver", "What"];
  show(byId("events"), table("The last 20 events that were stored, the newest first.", columns, rows, { class: "ticker" }));
}

// The smallest limit that so many percent of the values do not exceed, in seconds; null over nothing.
export function percentile({ count, buckets }, percent) {
  let left = Math.ceil((count * percent) / 100);
  for (const [limit, number] of buckets) {
    left -= number;
    if (left <= 0) return limit === null ? Infinity : limit / 1e6;
  }
  return null;
}

const latency = (histogram, percent) => {
  const seconds = percentile(histogram, percent);
  return seconds === null ? format.NONE : seconds === Infinity ? "over an hour" : `≤ ${format.duration(seconds)}`;
};

const STATES = { healthy: "Healthy", degraded: "Degraded", unhealthy: "Unhealthy" };

export function showPipeline(health, tz) {
  const list = element("dl", { class: "facts" });
  const commits = health.histograms.commit_latency_us;
  facts(list, [
    ["Events stored", format.count(health.total_events)],
    ["Waiting in the queue", format.count(health.pending)],
    ["The oldest waits for", health.pending === 0 ? format.NONE : format.duration(health.oldest_pending_seconds)],
    ["Last commit", format.time(health.last_commit_time, tz)],
    ["Commit latency, median", latency(commits, 50), "Of this process since its start"],
    ["Commit latency, 99\u202f%", latency(commits, 99)],
    ["Dead letters", format.count(health.dead_lettered), "Events that the store refused, since the start"],
    ["Rejected at the door", format.count(health.rejected)],
    ["Duplicates", format.count(health.duplicates)],
    ["Conflicts", format.count(health.conflicts), "The same event_id with another payload"],
    ["Journal", format.bytes(health.journal.bytes)],
  ]);
  const said = [health.reason, ...health.warnings, ...health.alerts.map((alert) => alert.message)].filter(Boolean);
  show(
    byId("pipeline"),
    element("p", { class: `state ${health.status}` }, STATES[health.status] ?? health.status),
    ...(said.length ? [element("ul", { class: "warnings" }, ...said.map((text) => element("li", {}, text)))] : []),
    list,
  );
}
