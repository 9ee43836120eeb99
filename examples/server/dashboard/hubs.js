// The hubs, sorted by any column.

import { byId, element, show } from "./dom.js";
import * as format from "./format.js";
import { known } from "./tiles.js";

const COLUMNS = [
  { key: "hub", name: "Hub" },
  { key: "total_sessions", name: "Sessions", write: format.count },
  { key: "completion_rate", name: "Completed", over: "sessions_started", write: format.percent },
  { key: "credit_rate", name: "Credited", over: "sessions_completed", write: format.percent },
  { key: "utilization_rate", name: "Green hour", over: "total_sessions", write: format.percent },
  { key: "unique_users", name: "Drivers", write: format.count },
  { key: "energy_kwh", name: "Energy, kWh", write: format.decimal },
  { key: "total_rewards_usd", name: "Rewards", write: format.usd },
  { key: "avg_reward_usd", name: "Average reward", over: "total_sessions", write: format.usd },
];

// What is not known comes last, either way.
function ordered(rows, column, descending) {
  const names = new Intl.Collator("en", { numeric: true });
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [known(a, column.key, column.over), known(b, column.key, column.over)];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (column.key === "hub" ? names.compare(x, y) : x - y) || names.compare(a.hub ?? "", b.hub ?? "");
  });
}

function header(column, sorted, descending, onSort) {
  const is = sorted === column;
  const button = element("button", { type: "button", "data-name": column.key }, column.name,
    element("span", { "aria-hidden": "true", class: "arrow" }, is ? (descending ? "▼" : "▲") : "")); // prettier-ignore
  button.addEventListener("click", () => onSort((is ? !descending : column.key !== "hub") ? `-${column.key}` : column.key));
  return element("th", { scope: "col", "aria-sort": is ? (descending ? "descending" : "ascending") : null }, button);
}

const line = (name, numbers, attributes) =>
  element("tr", attributes, element("th", { scope: "row" }, name),
    ...COLUMNS.slice(1).map(({ key, over, write }) => element("td", {}, write(known(numbers, key, over))))); // prettier-ignore

export function showHubs({ breakdown }, sort, onSort) {
  const descending = sort.startsWith("-");
  const sorted = COLUMNS.find(({ key }) => key === sort.replace("-", "")) ?? COLUMNS[1];
  const rows = ordered(breakdown.rows, sorted, descending).map((row) => line(row.hub ?? "without a hub", row));
  if (breakdown.other && breakdown.others > 0) {
    rows.push(line(`${format.count(breakdown.others)} further hubs`, breakdown.other, { class: "other" }));
  }
  if (rows.length === 0) rows.push(line("none in this period", {}));
  show(
    byId("hubs"),
    element(
      "table",
      { class: "sortable" },
      element("caption", {}, "Sessions of each hub in the period. The names of the columns sort."),
      element("thead", {}, element("tr", {}, ...COLUMNS.map((one) => header(one, sorted, descending, onSort)))),
      element("tbody", {}, ...rows),
    ),
  );
}
