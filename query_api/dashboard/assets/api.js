// The query API as functions: a body, or a `Refused` that carries the problem and what to do about it.

/** @typedef {{code: string, title: string, detail: string, status: number, retryable: boolean, field: string | null}} Problem */
/** @typedef {{low: number | null, high: number | null, method: string, confidence: number}} Interval */
/** @typedef {Record<string, any>} Body */

export class Refused extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** How far the clock here is ahead of the service's, in ms. */
let ahead = 0;
/** The service's time now, in ms. */
export const now = () => Date.now() - ahead;

let heardAt = Date.now();
/** Something came from the service, whatever it was. */
export const heard = () => {
  heardAt = Date.now();
};
/** For how long nothing has come from the service, in ms. A connection that stands still looks like a quiet one. */
export const silence = () => Math.max(0, Date.now() - heardAt);

/**
 * @param {string} path
 * @param {URLSearchParams} [params]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function get(path, params, signal) {
  const query = params?.toString();
  let answer;
  try {
    answer = await fetch(`/v1/${path}${query ? `?${query}` : ""}`, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (/** @type {any} */ (error).name === "TimeoutError") throw new Refused(local("silent", "The service does not answer", "No answer came in time."));
    if (signal?.aborted) throw error;
    throw new Refused(local("unreachable", "The service cannot be reached", "No answer came."));
  }
  heard();
  const date = Date.parse(answer.headers.get("date") ?? "");
  if (date) ahead = Date.now() - date;
  let body;
  try {
    body = await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(local("unreadable", "The answer cannot be read", `The service, or something before it, answered with status ${answer.status}.`, answer.status));
  }
  if (!answer.ok) throw new Refused(body);
  return body;
}

/** @param {string} code @param {string} title @param {string} detail @param {number} [status] @returns {Problem} */
function local(code, title, detail, status = 0) {
  return { code, title, detail, status, retryable: true, field: null };
}

export const catalogue = () => get("metrics");
/** How long the status may take, in ms. */
const PATIENCE = 10_000;
export const status = () => get("status", undefined, AbortSignal.timeout(PATIENCE));
/** @param {string[]} metrics @param {URLSearchParams} params @param {AbortSignal} signal */
export const values = (metrics, params, signal) => get("values", withMetrics(metrics, params), signal);
/** @param {string} metric @param {URLSearchParams} params @param {AbortSignal} signal */
export const value = (metric, params, signal) => get(`metrics/${metric}`, params, signal);
/** @param {string} metric @param {URLSearchParams} params @param {AbortSignal} signal */
export const series = (metric, params, signal) => get(`metrics/${metric}/series`, params, signal);
/** @param {string} metric @param {URLSearchParams} params @param {AbortSignal} signal */
export const explain = (metric, params, signal) => get(`metrics/${metric}/explain`, params, signal);

/** @param {string} metric @param {string | null} cursor @param {AbortSignal} signal */
export const revisions = (metric, cursor, signal) => get(`metrics/${metric}/revisions`, new URLSearchParams(cursor ? { limit: "20", cursor } : { limit: "20" }), signal);

/** How old a kept answer may be that the page begins with; the stream brings what is newer. */
const AGE = "PT10M";

/** The same question, to be answered at once where an answer is kept. @param {URLSearchParams} params */
export function kept(params) {
  const all = new URLSearchParams(params);
  if (!all.has("at")) all.set("max_age", AGE);
  return all;
}

/** Windows whose answers are kept. */
const WINDOWS = ["PT1H", "P1D", "P7D", "P28D"];

/** Whether a number of every metric is kept for the question. @param {URLSearchParams} params */
export const isKept = (params) => WINDOWS.includes(params.get("window") ?? "P1D") && [...params.keys()].every((name) => name === "window" || name === "compare");

/** @param {string[]} metrics @param {URLSearchParams} params */
export function withMetrics(metrics, params) {
  const all = new URLSearchParams(params);
  all.set("metrics", metrics.join(","));
  return all;
}

const ADVICE = /** @type {Record<string, string>} */ ({
  unreachable: "It is tried again. If it lasts: does the query service run, and can this machine reach it?",
  silent: "It is tried again. If it lasts: does the query service stand still, or is it overloaded?",
  unreadable: "If a proxy stands before the service, look at its log.",
  store_unavailable: "It is tried again. If it lasts: does ClickHouse run, and is its disk full?",
  log_unavailable: "It is tried again. If it lasts: does Kafka run?",
  overloaded: "It is tried again. If it lasts: ask for a shorter window or fewer segments.",
  unauthorized: "Load the page again to sign in.",
  forbidden: "Open the page again with a read token.",
  unknown_segment: "Take this filter or segment away, or choose one that the metric has.",
  unknown_parameter: "Take the parameter out of the address.",
  invalid_parameter: "Correct the value in the address or in the form.",
  too_many_points: "Choose a longer step or a shorter span.",
  unknown_metric: "Go back to all metrics.",
  not_found: "This service does not serve it: is it of the same version as this page?",
  quota_exceeded: "Close other pages of this dashboard.",
});

/** What a reader can do. @param {Problem} problem */
export const advice = (problem) => ADVICE[problem.code] ?? (problem.retryable ? "It is tried again." : "");

/** @param {unknown} error @returns {Problem} */
export const problemOf = (error) => (error instanceof Refused ? error.problem : local("unreadable", "Something went wrong on this page", String(error)));
