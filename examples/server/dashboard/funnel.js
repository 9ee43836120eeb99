// The funnel: how many get to each step, what is lost on the way, and how long it takes.

import { byId, element, facts } from "./dom.js";
import * as format from "./format.js";

function step({ name, number, of, rate, lost, times, base }) {
  const meter = element("div", { class: "bar", "aria-hidden": "true" }, element("span"));
  meter.firstChild.style.setProperty("--share", `${base === 0 ? 0 : (100 * number) / base}%`);
  const passed = of === undefined ? [] : [element("span", { class: "rate" }, of === 0 ? format.NONE : format.percent(rate))];
  const way =
    of === undefined
      ? []
      : [
          element("p", { class: "way" },
            element("span", {}, `▼ ${format.count(of - number)} ${lost}`),
            element("span", {}, times)),
        ]; // prettier-ignore
  return element(
    "li",
    {},
    ...way,
    element("p", { class: "step" }, element("span", {}, name), ...passed, element("strong", {}, format.count(number))),
    meter,
  );
}

const within = (median, p90) =>
  median === null ? "" : `median ${format.duration(median)}, 90\u202f% within ${format.duration(p90)}`;

export function showFunnel(funnel) {
  const { sessions_started: started, sessions_completed: completed, sessions_credited: credited } = funnel;
  byId("funnel").replaceChildren(
    step({ name: "Started", number: started, base: started }),
    step({
      name: "Completed", number: completed, base: started, of: started, rate: funnel.completion_rate,
      lost: "not completed", times: within(funnel.median_time_to_complete_s, funnel.p90_time_to_complete_s),
    }),
    step({
      name: "Credited", number: credited, base: started, of: completed, rate: funnel.credit_rate,
      lost: "not credited", times: within(funnel.median_time_to_credit_s, funnel.p90_time_to_credit_s),
    }),
  ); // prettier-ignore
  facts(byId("funnel-facts"), [
    ["Still charging", format.count(funnel.sessions_running), "Not completed, begun less than 24 hours ago"],
    ["Abandoned", format.count(funnel.sessions_abandoned), "Not completed 24 hours after the start"],
    ["Stops without a start", format.count(funnel.orphan_stops)],
    ["Rewards not credited yet", format.usd(funnel.rewards_owed_usd)],
  ]);
}
