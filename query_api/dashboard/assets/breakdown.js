// The number of each segment, on one scale, so that intervals can be compared by eye.

import { h, refill, sign } from "./dom.js";
import { count, number, range, words } from "./format.js";
import { intervalPicture, scale } from "./interval.js";
import { changed, go, href, state } from "./state.js";

const COLUMNS = [
  ["segment", "Segment"],
  ["value", "Value"],
  ["n", "n"],
];

/** @param {any} metric  its entry of the catalogue */
export const cuts = (metric) => metric.segments.filter((/** @type {string} */ name) => !name.includes("<"));

/** By what the metric is cut if nobody says. @param {any} metric */
export const usualCut = (metric) => cuts(metric).find((/** @type {string} */ name) => ["device", "channel", "event"].includes(name)) ?? cuts(metric)[0] ?? null;

/** Choosing by what to cut. @param {any} metric @param {string | null} cut */
export function cutter(metric, cut) {
  const go_ = (/** @type {string} */ value) => go(href(metric.name, changed({ segment: value || null })));
  const names = cuts(metric);
  const isOther = cut !== null && !names.includes(cut);
  return h(
    "span.field",
    {},
    h("label", { for: "segment" }, "by"),
    h(
      "select",
      { id: "segment", onchange: (/** @type {Event} */ event) => go_(/** @type {HTMLSelectElement} */ (event.target).value) },
      [...names, ...(isOther ? [cut] : [])].map((name) => h("option", { value: name, selected: name === cut }, words(name ?? ""))),
    ),
    metric.segments.length > names.length &&
      h("span.field", {}, h("label", { for: "trait" }, "or by the trait"), h("input", { id: "trait", size: 10, placeholder: "plan", autocomplete: "off", value: cut?.startsWith("trait.") ? cut.slice(6) : "", onchange: (/** @type {Event} */ event) => { const name = /** @type {HTMLInputElement} */ (event.target).value.trim(); go_(name && `trait.${name}`); } })),
  );
}

/** @param {Element} place @param {any} body */
export function showBreakdown(place, body) {
  if (!body.segments.length) return refill(place, h("p.quiet", {}, "No segment: nothing happened in this window."));
  const [by, isDown] = order();
  const rows = [...body.segments].sort((left, right) => compare(left, right, by) * (isDown ? -1 : 1));
  const ends = scale(body.segments.map((/** @type {any} */ each) => ({ value: each.value, interval: each.interval })), body.unit);
  const hasIntervals = rows.some((each) => each.interval);
  const most = Math.max(...rows.map((each) => each.value ?? 0));
  refill(
    place,
    h(
      "div.scroll",
      { tabindex: 0, role: "region", "aria-label": "Break-down" },
      h(
        "table.breakdown",
        {},
        h("caption.unseen", {}, `${body.title} by ${Object.keys(body.segments[0].segment).map(words).join(" and ")}`),
        h("thead", {}, h("tr", {}, header(0, by, isDown), header(1, by, isDown), h("th.picture", { scope: "col" }, hasIntervals ? "Interval" : "Share of the largest"), header(2, by, isDown))),
        h("tbody", {}, rows.map((each) => row(each, body, hasIntervals ? ends : null, most))),
      ),
    ),
    body.segments_left_out ? h("p.quiet", {}, `${count(body.segments_left_out)} more segments are not listed.`) : null,
    body.warnings.includes("overlapping_segments") ? h("p.quiet", {}, "One person can be in several segments: they do not add up to the total.") : null,
  );
}

/** @param {any} each @param {any} body @param {[number, number] | null} ends @param {number} most */
function row(each, body, ends, most) {
  const shown = { value: each.value, interval: each.interval };
  const target = each.target?.value;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name(each)),
    h("td.number.strong", {}, number(each.value, body), each.warnings.includes("small_n") && h("span.few", { title: "fewer than 30: read with care" }, sign(" ◦"), h("span.unseen", {}, " few"))),
    h("td.picture", {}, ends ? [intervalPicture({ ...shown, target }, body, ends), h("span.limits", {}, range(each.interval, body))] : bar(each.value, most)),
    h("td.number", {}, each.n === null ? "hidden" : count(each.n)),
  );
}

/** @param {number | null} value @param {number} most */
function bar(value, most) {
  const meter = h("span.meter", { "aria-hidden": "true" });
  meter.style.width = `${value && most > 0 ? Math.max(1, (100 * value) / most) : 0}%`;
  return meter;
}

/** @param {any} each */
const name = (each) => Object.values(each.segment).map((value) => (value === null ? "(unknown)" : value)).join(" · ");

/** @param {any} left @param {any} right @param {string} by */
function compare(left, right, by) {
  if (by === "segment") return name(left).localeCompare(name(right));
  return (left[by] ?? -Infinity) - (right[by] ?? -Infinity) || name(right).localeCompare(name(left));
}

/** @returns {[string, boolean]} */
function order() {
  const sort = state().params.get("sort") ?? "-n";
  return [sort.replace(/^-/, ""), sort.startsWith("-")];
}

/** @param {number} place @param {string} by @param {boolean} isDown */
function header(place, by, isDown) {
  const [key, title] = COLUMNS[place];
  const isBy = key === by;
  const next = isBy ? (isDown ? key : `-${key}`) : key === "segment" ? key : `-${key}`;
  return h(
    "th",
    { scope: "col", "aria-sort": isBy ? (isDown ? "descending" : "ascending") : "none", class: place ? "number" : null },
    h("button.sort", { type: "button", id: `sort-${key}`, onclick: () => go(href(state().metric, changed({ sort: next })), true) }, title, sign(isBy ? (isDown ? " ↓" : " ↑") : " ↕")),
  );
}
