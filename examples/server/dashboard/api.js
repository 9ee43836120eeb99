// Questions to the server, with the key that the reader gave. An answer that did not change is not sent again.

const KEY = "nerava-api-key"; // of this tab
const kept = new Map(); // target -> {tag, json}

// kind: "key" (none, or a wrong one), "forbidden", "busy" (later), "offline" (nobody answers), "failed"
export class Problem extends Error {
  constructor(kind, message, retrySeconds = 0) {
    super(message);
    this.kind = kind;
    this.retrySeconds = retrySeconds;
  }
}

export const setKey = (key) => sessionStorage.setItem(KEY, key);
export const hasKey = () => sessionStorage.getItem(KEY) !== null;
export const forget = () => kept.clear(); // answers to another view

export async function request(target, { headers = {}, signal } = {}) {
  const key = sessionStorage.getItem(KEY);
  if (key !== null) headers["X-API-Key"] = key;
  let response;
  try {
    response = await fetch(target, { headers, signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (key !== null && !/^[\x20-\x7e]*$/.test(key)) throw new Problem("key", "This cannot be a key.");
    throw new Problem("offline", "The server does not answer.");
  }
  if (response.ok || response.status === 304) return response;
  throw await problemOf(response);
}

async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  if ("status" in body) return Object.assign(new Problem("unhealthy", body.reason), { answer: body });
  const words = Array.isArray(body.detail) ? body.detail.map((one) => one.msg).join("; ") : body.detail;
  const retry = Number(response.headers.get("Retry-After")) || 0;
  switch (response.status) {
    case 401:
      return new Problem("key", hasKey() ? "The server does not know this key." : "");
    case 403:
      return new Problem("forbidden", words ?? "This is not allowed.");
    case 429:
    case 503:
      return new Problem("busy", words ?? "The server is busy.", retry);
    default:
      return new Problem("failed", words ?? `The server answered ${response.status}.`);
  }
}

// The JSON of an answer.
export async function ask(target, signal) {
  const known = kept.get(target);
  const headers = known ? { "If-None-Match": known.tag } : {};
  const response = await request(target, { headers, signal });
  if (response.status === 304) return known.json;
  const json = await response.json();
  const tag = response.headers.get("ETag");
  if (tag) kept.set(target, { tag, json });
  return json;
}

// The health says 503 with all its numbers when the pipeline is unhealthy.
export async function askHealth(target, signal) {
  try {
    return await ask(target, signal);
  } catch (problem) {
    if (problem.answer) return problem.answer;
    throw problem;
  }
}
