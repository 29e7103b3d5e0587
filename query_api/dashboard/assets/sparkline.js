// A line without axes: how the number came here. What may still change is dashed.

import { svg } from "./dom.js";
import { number, pointName } from "./format.js";

const WIDTH = 120;
const HEIGHT = 32;

/** Whether the point may still change. @param {any} point */
export const isOpen = (point) => point.partial || point.status === "provisional";

/** Without its first step where a rolling window has cut that short: it would look like a fall. @param {any} series */
export function whole(series) {
  const [first] = series.points;
  return series.points.length > 2 && first.partial && series.points[1].start < series.at ? { ...series, points: series.points.slice(1) } : series;
}

/**
 * @param {any} series  an answer with points
 * @returns {SVGElement | null}
 */
export function sparkline(series) {
  const known = series.points.map((/** @type {any} */ point, /** @type {number} */ place) => ({ ...point, place })).filter((/** @type {any} */ point) => point.value !== null);
  if (known.length < 2) return null;
  const values = known.map((/** @type {any} */ point) => point.value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const last = known[known.length - 1];
  const x = (/** @type {any} */ point) => 2 + ((WIDTH - 6) * point.place) / Math.max(1, series.points.length - 1);
  const y = (/** @type {any} */ point) => HEIGHT - 4 - ((HEIGHT - 8) * (point.value - least)) / (most - least || 1);
  const path = (/** @type {any[]} */ points) => points.map((point, place) => `${place && point.place === points[place - 1].place + 1 ? "L" : "M"}${x(point).toFixed(1)} ${y(point).toFixed(1)}`).join("");
  const settled = known.filter((/** @type {any} */ point) => !isOpen(point));
  const firstOpen = known.findIndex(isOpen);
  const open = firstOpen < 0 ? [] : known.slice(Math.max(0, firstOpen - 1));
  const first = known[0];
  const label = `From ${number(first.value, series)} on ${pointName(first.start, series.step, series.window.tz)} to ${number(last.value, series)}; least ${number(least, series)}, most ${number(most, series)}`;
  return svg(
    "svg.sparkline",
    { role: "img", "aria-label": label, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" },
    svg("path.line", { d: path(settled) }),
    svg("path.line.dashed", { d: path(open) }),
    svg("path.end", { d: `M${x(last).toFixed(1)} ${y(last).toFixed(1)}h0.01` }),
  );
}
