// Numbers as they change, by server-sent events; connected again by itself, and let go while nobody looks.

import { heard } from "./api.js";

/**
 * @typedef {object} Hearers
 * @property {(body: any) => void} onBody
 * @property {(problem: any) => void} onProblem  with the name of its metric under `metric`
 * @property {(watermark: string) => void} onWatermark
 * @property {(state: "connecting" | "open" | "lost") => void} onState
 */

const SHORTEST = 1000;
const LONGEST = 30_000;

/**
 * @param {URLSearchParams} params
 * @param {Hearers} hearers
 * @returns {() => void} ends it
 */
export function listen(params, hearers) {
  let wait = SHORTEST;
  let timer = 0;
  let source = /** @type {EventSource | null} */ (null);

  function open() {
    close();
    if (document.hidden) return;
    hearers.onState("connecting");
    source = new EventSource(`/v1/stream?${params}`);
    for (const kind of ["open", "metric", "watermark", "problem", "alive"]) source.addEventListener(kind, heard);
    source.addEventListener("open", () => {
      wait = SHORTEST;
      hearers.onState("open");
    });
    source.addEventListener("metric", (event) => {
      const body = JSON.parse(event.data);
      hearers.onWatermark(body.watermark);
      hearers.onBody(body);
    });
    source.addEventListener("watermark", (event) => hearers.onWatermark(JSON.parse(event.data).watermark));
    source.addEventListener("problem", (event) => hearers.onProblem(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      hearers.onState("lost");
      // The browser tries again by itself, except after an answer that was no stream.
      if (source?.readyState === EventSource.CLOSED) {
        timer = setTimeout(open, wait);
        wait = Math.min(LONGEST, wait * 2);
      }
    });
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  // A browser opens only six connections to one host: a page in the background must not hold one.
  const onVisibility = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("pagehide", close);
  open();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    removeEventListener("pagehide", close);
    close();
  };
}
