// Numbers and times as text, the same everywhere.

export const NONE = "—"; // no data, which is not 0

const number = (digits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = number(0);
const one = number(1);
const two = number(2);
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

const given = (value, write) => (value === null || value === undefined ? NONE : write(value));

export const count = (value) => given(value, (v) => whole.format(v));
export const decimal = (value) => given(value, (v) => two.format(v));
export const usd = (value) => given(value, (v) => dollars.format(v)); // to the cent, never "1.4k"
export const percent = (value) => given(value, (v) => `${two.format(v)}\u202f%`);
export const kwh = (value) => given(value, (v) => `${two.format(v)}\u202fkWh`);

export function duration(seconds) {
  return given(seconds, (s) => {
    if (s < 1) return `${Math.round(s * 1000)}\u202fms`;
    if (s < 60) return `${one.format(s)}\u202fs`;
    const minutes = Math.round(s / 60);
    if (minutes < 60) return `${minutes}\u202fmin`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours}\u202fh ${minutes % 60}\u202fmin`;
    return `${one.format(hours / 24)}\u202fdays`;
  });
}

export function bytes(value) {
  return given(value, (v) => {
    if (v < 1024) return `${v}\u202fB`;
    const units = ["KiB", "MiB", "GiB", "TiB"];
    let unit = -1;
    while (v >= 1024 && unit < 3) [v, unit] = [v / 1024, unit + 1];
    return `${one.format(v)}\u202f${units[unit]}`;
  });
}

const formats = new Map();

function format(timeZone, options) {
  const key = timeZone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone, ...options }));
  return formats.get(key);
}

const minute = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };

export const time = (iso, timeZone) => given(iso, (t) => format(timeZone, minute).format(new Date(t)));

export function clock(iso, timeZone) {
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return format(timeZone, options).format(new Date(iso));
}

// A bucket's name: its beginning in its own local time, "2026-11-16T00:00:00+01:00".
export function bucket(text, interval) {
  const local = new Date(`${text.slice(0, 19)}Z`);
  const options = {
    hour: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    day: { day: "numeric", month: "short" },
    week: { day: "numeric", month: "short" },
    month: { month: "short", year: "numeric" },
  }[interval];
  return format("UTC", options).format(local);
}

// How a number differs from the one before: {text, spoken, direction}, or null when nothing can be said.
export function change(difference, unit, digits = 1) {
  if (difference === null || difference === undefined) return null;
  const size = number(digits).format(Math.abs(difference));
  const direction = Number(size) === 0 ? "same" : difference > 0 ? "up" : "down";
  const spoken = direction === "same" ? "unchanged" : `${direction} ${size} ${unit.spoken}`;
  const sign = { up: "▲ +", down: "▼ −", same: "" }[direction];
  return { direction, spoken, text: `${sign}${size}\u202f${unit.text}` };
}

export const PERCENT = { text: "%", spoken: "percent" };
export const POINTS = { text: "pp", spoken: "percentage points" };
