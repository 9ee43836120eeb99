// Charts by Chart.js, each with its numbers as a table for who cannot see it.

import { element, table } from "./dom.js";

const { Chart } = window;
const drawn = new Map(); // canvas' place -> {chart, update}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

Chart.defaults.animation = false;
Chart.defaults.responsive = true;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = "system-ui, sans-serif";
Chart.defaults.interaction = { mode: "index", intersect: false };

function themeDefaults() {
  Chart.defaults.color = colour("muted");
  Chart.defaults.borderColor = colour("line");
}

// A bucket of which only a part lies in the period, or that still goes on, is dashed or pale.
function dataset({ name, values, tone, kind, digits }, complete) {
  const paint = colour(tone);
  const base = { label: name, data: values, borderColor: paint, backgroundColor: paint, digits };
  if (kind === "bar") {
    return {
      ...base,
      type: "bar",
      backgroundColor: complete.map((whole) => (whole ? paint : `${paint}80`)),
      borderWidth: 0,
      borderRadius: 2,
      maxBarThickness: 28,
      categoryPercentage: 0.8,
    };
  }
  return {
    ...base,
    type: "line",
    borderWidth: 2,
    pointRadius: values.length < 2 ? 3 : 0,
    pointHoverRadius: 4,
    tension: 0.2,
    fill: kind === "area" ? "start" : false,
    backgroundColor: kind === "area" ? `${paint}26` : paint,
    spanGaps: false,
    segment: {
      borderDash: ({ p1DataIndex: at }) => (complete[at] && complete[at - 1] ? undefined : [4, 4]),
    },
  };
}

// Of an area the legend would show the pale ground.
const solidLabels = (chart) =>
  chart.data.datasets.map((one, datasetIndex) => ({
    text: one.label,
    fillStyle: one.borderColor,
    lineWidth: 0,
    fontColor: Chart.defaults.color,
    hidden: !chart.isDatasetVisible(datasetIndex),
    datasetIndex,
  }));

function options(spec) {
  return {
    plugins: {
      legend: {
        display: spec.series.length > 1,
        align: "start",
        labels: { boxWidth: 10, boxHeight: 10, padding: 12, generateLabels: solidLabels },
      },
      tooltip: {
        callbacks: {
          title: ([item]) => spec.labels[item.dataIndex] + (spec.complete[item.dataIndex] ? "" : " (in part)"),
          label: (item) => ` ${item.dataset.label}: ${spec.write(item.raw)}`,
        },
      },
    },
    scales: {
      x: { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } },
      y: {
        beginAtZero: true,
        suggestedMax: spec.most,
        border: { display: false },
        ticks: { maxTicksLimit: 6, precision: spec.precision, callback: (value) => spec.axis(value) },
      },
    },
  };
}

function make(place, spec) {
  const canvas = element("canvas", { role: "img", "aria-label": spec.summary });
  const rows = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${spec.title}: numbers` });
  const details = element("details", {}, element("summary", {}, "Numbers as a table"), rows);
  place.replaceChildren(element("div", { class: "canvas" }, canvas), details);
  const entry = { canvas, rows, details, spec };
  details.addEventListener("toggle", () => fillTable(entry));
  entry.chart = new Chart(canvas, { data: { labels: [], datasets: [] } });
  drawn.set(place, entry);
  return entry;
}

function fillTable({ details, rows, spec }) {
  if (!details.open) return;
  const numbers = spec.labels.map((label, i) => [
    label + (spec.complete[i] ? "" : " (in part)"),
    ...spec.series.map(({ values }) => spec.write(values[i])),
  ]);
  rows.replaceChildren(table(spec.title, ["From", ...spec.series.map(({ name }) => name)], numbers));
}

function paint(entry) {
  const { chart, canvas, spec } = entry;
  themeDefaults();
  canvas.setAttribute("aria-label", spec.summary);
  chart.data = { labels: spec.labels, datasets: spec.series.map((one) => dataset(one, spec.complete)) };
  chart.options = options(spec);
  chart.update("none");
  fillTable(entry);
}

// spec: {title, summary, labels, complete, series: [{name, values, tone, kind}], write, axis, most, precision}
export function draw(place, spec) {
  const entry = drawn.get(place) ?? make(place, spec);
  entry.spec = spec;
  paint(entry);
}

// A line without axes, from 0 but for rates. What it shows is in the charts below, so nobody is told of it.
export function spark(place, values, fromZero) {
  const entry = drawn.get(place) ?? { spark: true };
  if (!entry.chart) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    place.replaceChildren(canvas);
    entry.chart = new Chart(canvas, {
      data: { labels: [], datasets: [] },
      options: {
        events: [],
        plugins: { legend: { display: false }, tooltip: { enabled: false } },
        scales: { x: { display: false }, y: { display: false, beginAtZero: fromZero, grace: "10%" } },
        layout: { padding: { top: 2, bottom: 1 } },
      },
    });
    drawn.set(place, entry);
  }
  entry.values = values;
  paintSpark(entry);
}

function paintSpark({ chart, values }) {
  const line = dataset({ name: "", values, tone: "accent", kind: "area" }, values.map(() => true));
  chart.data = { labels: values.map((_, i) => i), datasets: [{ ...line, borderWidth: 1.5, pointHoverRadius: 0 }] };
  chart.update("none");
}

export function repaint() {
  for (const entry of drawn.values()) entry.spark ? paintSpark(entry) : paint(entry);
}
