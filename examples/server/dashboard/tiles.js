// The key figures: each beside the period before, and over time.

import { spark } from "./charts.js";
import { byId, element } from "./dom.js";
import * as format from "./format.js";

// A rate or an average over nothing is no 0: `over` says of how many it is.
const TILES = [
  { name: "Sessions", key: "total_sessions", write: format.count, about: "that stopped in the period" },
  { name: "Completion rate", key: "completion_rate", over: "sessions_started", write: format.percent, rate: true,
    about: "of the sessions started were completed" },
  { name: "Credit rate", key: "credit_rate", over: "sessions_completed", write: format.percent, rate: true,
    about: "of the completed sessions were credited" },
  { name: "Green-hour utilization", key: "utilization_rate", over: "total_sessions", write: format.percent,
    rate: true, about: "of the sessions were in an incentive window" },
  { name: "Drivers", key: "unique_users", write: format.count, about: "different ones with a session that stopped" },
  { name: "Sessions per driver", key: "sessions_per_user", over: "unique_users", write: format.decimal,
    about: "on average" },
  { name: "Energy, kWh", key: "energy_kwh", write: format.decimal, about: "charged" },
  { name: "Rewards", key: "total_rewards_usd", write: format.usd, about: "granted" },
  { name: "Average reward", key: "avg_reward_usd", over: "total_sessions", write: format.usd,
    about: "per session whose reward is known" },
  { name: "Credited", key: "credited_usd", write: format.usd, about: "to wallets" },
]; // prettier-ignore

export function known(numbers, key, over) {
  return over && numbers[over] === 0 ? null : numbers[key];
}

// From nothing to something is no percentage, and from a rate of nothing there is no way to tell.
function changeOf(tile, { current, previous, change }) {
  const [now, before] = [known(current, tile.key, tile.over), known(previous, tile.key, tile.over)];
  if (now === null || before === null) return null;
  if (tile.rate) return format.change(now - before, format.POINTS, 2);
  return format.change(change[tile.key], format.PERCENT);
}

function makeTile(tile) {
  const parts = {
    value: element("p", { class: "value" }, format.NONE),
    change: element("p", { class: "change" }),
    line: element("div", { class: "spark" }),
  };
  const item = element(
    "li", { class: "tile", "data-key": tile.key, title: `${tile.name}: ${tile.about}` },
    element("h3", {}, tile.name), parts.value, parts.change, parts.line,
  ); // prettier-ignore
  byId("tiles").append(item);
  return parts;
}

let made;

export function makeTiles() {
  made = TILES.map((tile) => ({ tile, ...makeTile(tile) }));
}

export function showTiles({ comparison, trend }) {
  const { current, previous } = comparison;
  const whole = trend.buckets.filter((bucket) => bucket.complete); // a part of a day is no fall
  const buckets = whole.length > 1 ? whole : trend.buckets;
  for (const { tile, value, change, line } of made) {
    value.textContent = tile.write(known(current, tile.key, tile.over));
    const moved = changeOf(tile, comparison);
    const before = tile.write(known(previous, tile.key, tile.over));
    change.className = `change ${moved?.direction ?? "none"}`;
    change.replaceChildren(
      element("span", { "aria-hidden": "true" }, moved ? moved.text : "no comparison"),
      element("span", { class: "hidden" }, moved ? `${moved.spoken}, ` : "no comparison, "),
      element("span", { class: "before" }, `was ${before}`),
    );
    spark(line, buckets.map((bucket) => known(bucket, tile.key, tile.over)), !tile.rate);
  }
}
