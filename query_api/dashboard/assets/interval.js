// The interval as a picture: a bar from low to high, a mark at the value, a ring where it was before, a flag at the target.

import { svg } from "./dom.js";
import { number, range } from "./format.js";

/** @typedef {{value: number | null, interval: any, previous?: number | null, target?: number | null}} Shown */

/** Whether there is an interval to draw: one without limits says only that it is not known. @param {any} interval */
export const isKnown = (interval) => Boolean(interval) && (interval.low !== null || interval.high !== null);

/** The ends of a scale on which all of these can be drawn. @param {Shown[]} shown @param {string} unit @returns {[number, number] | null} */
export function scale(shown, unit) {
  const all = shown.flatMap((each) => [each.value, each.interval?.low, each.interval?.high, each.previous, each.target]).filter((value) => typeof value === "number");
  if (!all.length) return null;
  let [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = (high - low || Math.abs(high) || 1) * 0.12;
  [low, high] = [low - margin, high + margin];
  return unit === "ratio" ? [Math.max(0, low), Math.max(high, low + 0.01)] : [low, high];
}

/**
 * @param {Shown} shown
 * @param {{unit: string, currency?: string}} of
 * @param {[number, number] | null} ends
 */
export function intervalPicture(shown, of, ends) {
  const { value, interval, previous, target } = shown;
  if (!ends || value === null || !isKnown(interval)) return null;
  const at = (/** @type {number} */ number) => `${(100 * Math.min(1, Math.max(0, (number - ends[0]) / (ends[1] - ends[0] || 1)))).toFixed(2)}%`;
  const [low, high] = [interval.low ?? ends[0], interval.high ?? ends[1]];
  const said = [
    `${number(value, of)}, between the limits ${range(interval, of)}`,
    typeof previous === "number" ? `before ${number(previous, of)}` : "",
    typeof target === "number" ? `target ${number(target, of)}` : "",
  ];
  const width = `${Math.max(0.8, parseFloat(at(high)) - parseFloat(at(low)))}%`;
  return svg(
    "svg.interval",
    { role: "img", "aria-label": said.filter(Boolean).join("; "), width: "100%", height: 18 },
    svg("line.track", { x1: "0%", x2: "100%", y1: 9, y2: 9 }),
    svg("rect.bar", { x: at(low), width, y: 5, height: 8, rx: 2, class: interval.high === null || interval.low === null ? "bar open" : "bar" }),
    typeof target === "number" && svg("svg", { x: at(target), overflow: "visible" }, svg("path.target", { d: "M0 17V1l6 3.2L0 7.4" })),
    typeof previous === "number" && svg("circle.before", { cx: at(previous), cy: 9, r: 3.5 }),
    svg("line.mark", { x1: at(value), x2: at(value), y1: 2, y2: 16 }),
  );
}
