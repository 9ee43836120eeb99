// The three charts over time, all of the same buckets.

import { draw } from "./charts.js";
import { byId } from "./dom.js";
import * as format from "./format.js";
import { known } from "./tiles.js";

const EACH = { hour: "hour", day: "day", week: "week", month: "month" };

function summarise(title, series, write) {
  const all = series.map(({ name, values }) => {
    const there = values.filter((value) => value !== null);
    if (there.length === 0) return `${name}: no data`;
    return `${name}: from ${write(Math.min(...there))} to ${write(Math.max(...there))}`;
  });
  return `${title}. ${all.join("; ")}. The numbers are in the table below.`;
}

function drawTrend(place, trend, { title, series, ...rest }) {
  const filled = series.map(({ key, over, ...one }) => ({
    ...one,
    values: trend.buckets.map((bucket) => known(bucket, key, over)),
  }));
  const full = `${title}, by ${EACH[trend.interval]}`;
  draw(byId(place), {
    title: full,
    summary: summarise(full, filled, rest.write),
    labels: trend.buckets.map((one) => format.bucket(one.bucket, trend.interval)),
    complete: trend.buckets.map((one) => one.complete),
    series: filled,
    axis: format.count,
    ...rest,
  });
}

export function showTrends({ trend }) {
  const bars = trend.buckets.length <= 45; // more would be hairlines
  drawTrend("sessions", trend, {
    title: "Sessions",
    series: [
      { name: "Started", key: "sessions_started", tone: "blue", kind: bars ? "bar" : "area" },
      { name: "Completed", key: "sessions_completed", tone: "teal", kind: bars ? "bar" : "line" },
    ],
    write: format.count,
    precision: 0,
    most: 4,
  });
  drawTrend("rewards", trend, {
    title: "Rewards",
    series: [
      { name: "Granted", key: "total_rewards_usd", tone: "blue", kind: "area" },
      { name: "Credited", key: "credited_usd", tone: "orange", kind: "line" },
    ],
    write: format.usd,
    axis: (value) => `$${value.toLocaleString("en-US")}`,
    most: 1,
  });
  drawTrend("green", trend, {
    title: "Sessions in an incentive window",
    series: [{ name: "Utilization", key: "utilization_rate", over: "total_sessions", tone: "teal", kind: "area" }],
    write: format.percent,
    axis: (value) => `${value}\u202f%`,
    most: 100,
  });
}
