// Elements. Text is only ever text: what comes from events may look like markup.

export const byId = (id) => document.getElementById(id);

// element("td", {class: "number"}, "12", other)
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// <dt>, <dd> pairs: [term, value] or [term, value, what it means]
export function facts(list, rows) {
  list.replaceChildren(
    ...rows.map(([term, value, title]) =>
      element("div", { title }, element("dt", {}, term), element("dd", {}, value)),
    ),
  );
}

// A <table>: columns are [text, class], rows are lists of cells, of which the first is a header.
export function table(caption, columns, rows, attributes = {}) {
  return element(
    "table",
    attributes,
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...columns.map((text) => element("th", { scope: "col" }, text)))),
    element(
      "tbody",
      {},
      ...rows.map(([first, ...rest]) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, first),
          ...rest.map((cell) => (cell instanceof Element ? cell : element("td", {}, cell))),
        ),
      ),
    ),
  );
}

// Puts a new content into a place, and keeps what a reader had there: the focus, and open details.
export function show(place, ...children) {
  const focused = place.contains(document.activeElement) && document.activeElement.dataset.name;
  place.replaceChildren(...children);
  if (focused) place.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}
