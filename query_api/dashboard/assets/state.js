// The URL is the state: what is shown follows from it, so that a link shows someone else the same, and Back goes back.

/** @typedef {{metric: string | null, params: URLSearchParams}} State */

/** Parameters that hold for every metric, and so for the overview; the others belong to one metric. */
export const SHARED = ["window", "from", "to", "period", "at", "tz", "filter"];
/** Parameters of the page alone; the API never sees them. */
const OF_THE_PAGE = ["span", "step", "sort"];
const WINDOW = ["window", "from", "to", "period"];

const listeners = /** @type {Set<(state: State, before: State) => void>} */ (new Set());
let current = read();

/** @returns {State} */
function read() {
  const found = /^\/metric\/([^/]+)\/?$/.exec(location.pathname);
  const params = new URLSearchParams(location.search);
  const metric = found ? decodeURIComponent(found[1]) : params.get("metric");
  params.delete("metric");
  return { metric: metric || null, params };
}

/** @returns {State} */
export const state = () => current;

/** @param {string | null} metric @param {URLSearchParams} params */
export function href(metric, params) {
  const query = params.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%2F", "/");
  return (metric ? `/metric/${encodeURIComponent(metric)}` : "/") + (query ? `?${query}` : "");
}

/** Where another metric, or the overview (null), is shown with the same window, zone and filters. @param {string | null} metric */
export function elsewhere(metric) {
  return href(metric, picked(current.params, (name) => SHARED.includes(name)));
}

/** The current parameters with some changed: null takes one away, an array gives it several times. @param {Record<string, string | string[] | null>} changes */
export function changed(changes) {
  const params = picked(current.params, (name) => !(name in changes));
  for (const [name, value] of Object.entries(changes)) {
    for (const each of [value ?? []].flat()) if (each !== "") params.append(name, each);
  }
  return params;
}

/** Another window: the ways of saying which exclude each other. @param {Record<string, string | null>} window */
export const withWindow = (window) => changed({ ...Object.fromEntries(WINDOW.map((name) => [name, null])), ...window });

/** Goes there without loading a page. @param {string} url @param {boolean} [replace] */
export function go(url, replace = false) {
  history[replace ? "replaceState" : "pushState"](null, "", url);
  moved();
}

/** @param {(state: State, before: State) => void} listener */
export function onChange(listener) {
  listeners.add(listener);
}

function moved() {
  const before = current;
  current = read();
  for (const listener of listeners) listener(current, before);
}

/** What is asked of the API: for the overview only what every metric knows. @param {State} state */
export function question(state) {
  const params = picked(state.params, (name) => (state.metric ? !OF_THE_PAGE.includes(name) : SHARED.includes(name)));
  params.set("compare", "previous");
  return params;
}

/** @param {URLSearchParams} params @param {(name: string) => boolean} wanted */
function picked(params, wanted) {
  return new URLSearchParams([...params].filter(([name]) => wanted(name)));
}

const STEPS = /** @type {Record<string, number>} */ ({ PT1H: 3600, P1D: 86400, P1W: 604800, P1M: 2592000 });
/** How far back a series looks for each window that ends now, so that it says something also of a short one. */
const SPANS = /** @type {Record<string, string>} */ ({ PT1H: "P1D", P1D: "P14D", P7D: "P28D", P28D: "P8W", day: "P14D", week: "P12W", month: "P52W" });

/** The longest spans of a series, in seconds. @param {string} duration */
export function seconds(duration) {
  const found = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(duration);
  if (!found) return 86400;
  const [weeks, days, hours, minutes, rest] = found.slice(1).map((text) => Number(text ?? 0));
  return weeks * 604800 + days * 86400 + hours * 3600 + minutes * 60 + rest;
}

/**
 * The question of the series beside a number: how far back it looks (`span`, else by the window), and its step.
 * @param {State} state
 */
export function seriesQuestion(state) {
  const params = question(state);
  params.delete("compare");
  const [from, to] = [params.get("from"), params.get("to")];
  const own = params.get("period") ?? params.get("window") ?? "P1D";
  let span = state.params.get("span") ?? "";
  let length = seconds(span);
  if (from && to && !span) {
    length = (Date.parse(to) - Date.parse(from)) / 1000 || 86400;
  } else {
    span ||= SPANS[own] ?? own;
    length = seconds(span);
    for (const name of WINDOW) params.delete(name);
    params.set("window", span);
  }
  const step = state.params.get("step") ?? (length <= 2 * STEPS.P1D ? "PT1H" : length <= 60 * STEPS.P1D ? "P1D" : length <= 400 * STEPS.P1D ? "P1W" : "P1M");
  params.set("step", step);
  return { params, span: from && to && !state.params.get("span") ? "" : span, step };
}

addEventListener("popstate", moved);

/** Links inside the page change the state and load nothing. */
document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.origin !== location.origin || (link.hash && link.pathname === location.pathname)) return;
  if (link.pathname !== "/" && !link.pathname.startsWith("/metric/")) return;
  event.preventDefault();
  go(link.pathname + link.search);
});
