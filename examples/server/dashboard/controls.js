// The pickers at the top.

import { byId, element } from "./dom.js";
import { timeZones, wrongDays } from "./view.js";

const form = byId("controls");
const pickers = form.elements;
const today = () => new Date().toISOString().slice(0, 10);

export function fillControls() {
  pickers.tz.replaceChildren(...timeZones().map((name) => element("option", { value: name }, name)));
}

// A region that had nothing in the period can still be the chosen one.
function showRegions(chosen, rows) {
  const names = new Set(rows.map(({ region }) => region));
  if (chosen) names.add(chosen);
  const sorted = [...names].filter(Boolean).sort();
  const there = [...pickers.region.options].slice(1).map(({ value }) => value);
  if (sorted.join("\n") !== there.join("\n")) {
    pickers.region.replaceChildren(
      element("option", { value: "" }, "All regions"),
      ...sorted.map((name) => element("option", { value: name }, name)),
    );
  }
  pickers.region.value = chosen;
}

function showCustom(visible) {
  for (const label of form.querySelectorAll(".custom")) label.hidden = !visible;
}

export function showView(view, regions = []) {
  for (const name of ["days", "tz", "theme"]) {
    if (pickers[name].value !== view[name] && document.activeElement !== pickers[name]) pickers[name].value = view[name];
  }
  if (regions.length > 0 || ![...pickers.region.options].some(({ value }) => value === view.region)) {
    showRegions(view.region, regions);
  }
  if (view.days === "custom") {
    showCustom(true);
    if (document.activeElement !== pickers.first) pickers.first.value = view.first;
    if (document.activeElement !== pickers.last) pickers.last.value = view.last;
  }
  byId("load-measure").value = view.load;
  if (view.theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = view.theme;
}

export function watchControls(current, set) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    const view = current();
    if (target.name === "first" || target.name === "last" || pickers.days.value === "custom") {
      showCustom(true);
      if (!pickers.last.value) pickers.last.value = today();
      if (!pickers.first.value) pickers.first.value = `${pickers.last.value.slice(0, 8)}01`;
      const [first, last] = [pickers.first.value, pickers.last.value];
      const why = wrongDays(first, last);
      pickers.last.setCustomValidity(why ?? "");
      if (why) return void pickers.last.reportValidity();
      const rest = Object.fromEntries(["region", "tz", "theme"].map((name) => [name, pickers[name].value]));
      return set({ ...view, ...rest, days: "custom", first, last });
    }
    showCustom(false);
    const chosen = { ...view, [target.name]: target.value };
    set(target.name === "days" ? { ...chosen, first: "", last: "" } : chosen);
  });
  byId("load-measure").addEventListener("change", ({ target }) => set({ ...current(), load: target.value }));
}
