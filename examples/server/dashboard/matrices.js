// Tables whose cells are shaded by their number: load by the hour of the week, and retention.

import { byId, element, show, table } from "./dom.js";
import * as format from "./format.js";
import { LOAD_MEASURES } from "./view.js";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

function shaded(text, share, title) {
  const cell = element("td", { class: "shaded", title }, text);
  cell.style.setProperty("--share", `${Math.round(share * 100)}%`);
  return cell;
}

const digits = (value, number) =>
  value.toLocaleString("en-US", { minimumFractionDigits: number, maximumFractionDigits: number });

export function showLoad(load, measure, title, tz) {
  const most = Math.max(...load.cells.map((cell) => cell[measure]), 1e-9);
  const decimals = LOAD_MEASURES[measure];
  const rows = WEEKDAYS.map((day, i) => [
    element("abbr", { title: day }, day.slice(0, 3)),
    ...load.cells
      .filter((cell) => cell.weekday === i + 1)
      .map((cell) => {
        const exact = cell[measure].toLocaleString("en-US");
        const hour = String(cell.hour).padStart(2, "0");
        return shaded(digits(cell[measure], decimals), cell[measure] / most, `${day}, ${hour}:00: ${exact}`);
      }),
  ]);
  const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
  const caption = `${title}, by weekday and hour in ${tz}, over all weeks of the period. The stronger the colour, the more.`;
  show(byId("load"), table(caption, ["Day", ...hours], rows, { class: "matrix" }));
}

export function showRetention(retention) {
  const cohorts = retention.buckets.filter((bucket) => bucket.new_users > 0);
  if (cohorts.length === 0) {
    show(byId("retention"), element("p", { class: "nothing" }, "Nobody charged for the first time in these weeks."));
    return;
  }
  const ended = retention.buckets.at(-1).complete; // the last week, which each row ends with
  const unit = retention.interval === "month" ? "month" : "week";
  const longest = Math.max(...cohorts.map(({ retained }) => retained.length));
  const rows = cohorts.map(({ bucket, new_users: users, retained }) => [
    format.bucket(bucket, "week") + (unit === "month" ? ` ${bucket.slice(0, 4)}` : ""),
    element("td", {}, format.count(users)),
    ...Array.from({ length: longest - 1 }, (_, i) => {
      const still = retained[i + 1];
      if (still === undefined) return element("td", { class: "none" }, element("span", { class: "hidden" }, "not yet"));
      const share = still / users;
      const cell = shaded(`${Math.round(share * 100)}\u202f%`, share, `${still} of ${users}`);
      if (!ended && i + 2 === retained.length) cell.classList.add("going");
      return cell;
    }),
  ]);
  const columns = ["First session", "New", ...Array.from({ length: longest - 1 }, (_, i) => `+${i + 1}`)];
  const caption =
    `Of the drivers who charged for the first time in a ${unit}, how many came again so many ${unit}s later. ` +
    (ended ? "" : `The last ${unit}, in dashes, still goes on.`);
  show(byId("retention"), table(caption, columns, rows, { class: "matrix" }));
}
