// What is said beside a number, in words and with a sign: how settled it is, how it changed, its target, what is wrong.

import { advice } from "./api.js";
import { h, sign } from "./dom.js";
import { count, difference, number, percent, words } from "./format.js";

/** How settled the number is. @param {any} body */
export function settled(body) {
  const signs = /** @type {Record<string, string>} */ ({ provisional: "◔", mature: "●", final: "✓" });
  const part = body.status === "provisional" && typeof body.maturity === "number" && body.maturity < 1 ? `, ${percent(body.maturity)} settled` : "";
  return h(`span.status.${body.status}`, {}, sign(signs[body.status] ?? "○"), ` ${body.status}${part}`);
}

/** What of the number's own way of counting is worth a word: an estimate. @param {any} body */
export const basis = (body) => (body.basis === "estimate" ? h("span.basis", {}, "estimate") : null);

/** The change against the previous period, and whether it is more than noise. @param {any} body */
export function change(body) {
  const { comparison } = body;
  if (!comparison || typeof comparison.difference !== "number" || body.value === null) {
    return h("p.change.unknown", {}, body.value === null ? "" : "no period before to compare with");
  }
  const { difference: by, significant } = comparison;
  const arrow = by > 0 ? "▲" : by < 0 ? "▼" : "=";
  const isBetter = body.direction === "neutral" || !by ? null : by > 0 === (body.direction === "higher_is_better");
  const judged = significant === true ? (isBetter === null ? "more than noise" : `${isBetter ? "better" : "worse"}, more than noise`) : significant === false ? "within noise" : by === 0 ? "unchanged" : "";
  const kind = significant === false || isBetter === null ? "even" : significant ? (isBetter ? "better" : "worse") : "even";
  const relative = comparison.value && ["ratio", "score"].includes(body.unit) === false ? ` (${percent2(by / Math.abs(comparison.value))})` : "";
  return h(
    `p.change.${kind}`,
    { title: `before: ${number(comparison.value, body)}` },
    h("span.by", {}, sign(arrow), ` ${difference(by, body)}${relative}`),
    judged && h("span.judged", {}, judged),
  );
}

/** @param {number} share */
const percent2 = (share) => new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: Math.abs(share) < 0.1 ? 1 : 0, signDisplay: "exceptZero" }).format(share);

/** Target and published band, where there are some. @param {any} body */
export function aims(body) {
  const { target, band } = body;
  const found = [];
  if (target) {
    const met = target.met === null ? "" : target.met ? "met" : "missed";
    const sure = target.interval_excludes === false ? " (too close to tell)" : "";
    found.push(h(`span.target.${met || "open"}`, {}, sign(met === "met" ? "⚑ ✓" : met === "missed" ? "⚑ ✗" : "⚑"), ` target ${number(target.value, body)}${met ? ` ${met}` : ""}${sure}`));
  }
  if (band) found.push(h("span.band", { title: band.source }, `“${words(band.name)}”`));
  return found.length ? h("p.aims", {}, ...found) : null;
}

/** @param {any} body */
export function units(body) {
  return h("span.n", {}, body.n === null ? "n hidden" : `n ${count(body.n)}`);
}

/** What is broken, and what to do about it. @param {any} problem */
export function broken(problem) {
  return h(
    "div.problem",
    {},
    h("p", {}, sign("⚠"), " ", h("strong", {}, problem.title), problem.detail && problem.detail !== problem.title ? `: ${problem.detail}` : ""),
    advice(problem) && h("p.quiet", {}, advice(problem)),
  );
}
