// Hears that something was committed. The stream only says so: what is shown is asked for again.
// Read with fetch, since EventSource sends no key.

import { Problem, request } from "./api.js";

const PATH = "/v1/analytics/changes";
const SILENCE = 45_000; // the server says something every 15 s
const LONGEST_WAIT = 15_000;

const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

// Reads messages until the stream ends or `stop` aborts, and calls onMessage for each.
async function follow(stop, onMessage, onOpen) {
  const abort = new AbortController();
  stop.addEventListener("abort", () => abort.abort(), { signal: abort.signal });
  let timer;
  const awake = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), SILENCE);
  };
  awake();
  try {
    const response = await request(PATH, { signal: abort.signal });
    onOpen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      awake();
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      if (messages.some((message) => /^data:/m.test(message))) onMessage();
    }
  } finally {
    clearTimeout(timer);
    abort.abort(); // and hears of `stop` no more
  }
}

// Goes on for ever, whatever happens to the server; until `stop` aborts. Calls onChange for every message, and
// where there is no stream every 15 s; tell(state) with "live", "asking" (no stream is to be had) or "offline".
export async function listen(stop, onChange, tell) {
  let wait = 500;
  while (!stop.aborted) {
    try {
      await follow(stop, onChange, () => {
        wait = 500;
        tell("live");
      });
    } catch (problem) {
      if (stop.aborted) return;
      if (problem instanceof Problem && (problem.kind === "key" || problem.kind === "forbidden")) {
        return onChange(); // whoever asks for the numbers is told the same, and what to do
      }
      const refused = problem instanceof Problem && problem.kind !== "offline";
      tell(refused ? "asking" : "offline");
      if (refused) {
        wait = LONGEST_WAIT;
        onChange();
      }
    }
    if (stop.aborted) return;
    await sleep(wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}
