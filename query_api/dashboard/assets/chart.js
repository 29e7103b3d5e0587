// The series of a metric as a chart: the value, its interval as a band, what may still change dashed and shaded.

import { h } from "./dom.js";
import { inZone, number, pointName, range, short } from "./format.js";
import { isOpen } from "./sparkline.js";

/** The vendored library, loaded by the page before the modules run. */
const uPlot = /** @type {any} */ (globalThis).uPlot;
const HEIGHT = 280;

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Colours as the canvas takes them, after light or dark has been decided. @param {string} name */
function resolved(name) {
  const probe = h("span", { hidden: true });
  probe.style.color = colour(name);
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export class Chart {
  /** @param {any} series */
  constructor(series) {
    this.series = series;
    this.readout = h("p.readout", { "aria-live": "polite" });
    this.place = h("div.plot", { tabindex: 0, role: "group", "aria-label": `Chart: ${described(series)} Left and right arrow keys go from point to point.`, onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event) });
    this.root = h("div.chart", {}, this.place, this.readout);
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(this.place);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw(true);
    this.dark.addEventListener("change", this.redraw);
    addEventListener("theme", this.redraw);
    this.say(null);
  }

  end() {
    this.sized.disconnect();
    this.dark.removeEventListener("change", this.redraw);
    removeEventListener("theme", this.redraw);
    this.plot?.destroy();
  }

  /** @param {boolean} [anew] */
  draw(anew = false) {
    const width = Math.floor(this.place.clientWidth);
    if (!width) return;
    if (this.plot && !anew) return this.plot.width === width ? undefined : this.plot.setSize({ width, height: HEIGHT });
    this.plot?.destroy();
    this.plot = new uPlot(this.options(width), this.data(), this.place);
  }

  data() {
    const { points } = this.series;
    const value = points.map((/** @type {any} */ point) => point.value);
    const open = points.map(isOpen);
    const settled = value.map((/** @type {any} */ each, /** @type {number} */ place) => (open[place] ? null : each));
    // The dashed line starts at the last settled point, so that the two meet.
    const dashed = value.map((/** @type {any} */ each, /** @type {number} */ place) => (open[place] || open[place + 1] ? each : null));
    const edge = (/** @type {string} */ name) => points.map((/** @type {any} */ point) => (point.value === null ? null : point[name] ?? point.value));
    return [points.map((/** @type {any} */ point) => Date.parse(point.start) / 1000), edge("high"), edge("low"), settled, dashed];
  }

  /** @param {number} width */
  options(width) {
    const { series } = this;
    const { tz } = series.window;
    const [line, band, grid, text, shade, aim] = ["--line", "--band", "--grid", "--muted", "--shade", "--aim"].map(resolved);
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui, sans-serif" };
    const isBounded = series.unit === "ratio";
    return {
      width,
      height: HEIGHT,
      tzDate: (/** @type {number} */ at) => uPlot.tzDate(new Date(at * 1000), tz),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      scales: {
        y: {
          range: (/** @type {any} */ _, /** @type {number} */ least, /** @type {number} */ most) => {
            const aims = series.target ? [series.target.value] : [];
            const [low, high] = [Math.min(least, ...aims), Math.max(most, ...aims)];
            const margin = (high - low || Math.abs(high) || 1) * 0.1;
            const floor = low >= 0 ? Math.max(0, low - margin) : low - margin;
            return [floor, isBounded ? Math.min(Math.max(1, high), high + margin) : high + margin];
          },
        },
      },
      axes: [
        { ...axis, space: 70, values: (/** @type {any} */ _, /** @type {number[]} */ at, /** @type {number} */ __, /** @type {number} */ ___, /** @type {number} */ apart) => at.map((each) => tick(each, apart, tz)) },
        { ...axis, size: 64, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((each) => short(each, series)) },
      ],
      series: [
        {},
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: line, width: 2, points: { show: series.points.length < 45, size: 5, fill: line } },
        { stroke: line, width: 2, dash: [5, 4], points: { show: false } },
      ],
      bands: [{ series: [1, 2], fill: band }],
      hooks: {
        drawClear: [(/** @type {any} */ plot) => this.shade(plot, shade)],
        draw: [(/** @type {any} */ plot) => this.aim(plot, aim, text)],
        setCursor: [(/** @type {any} */ plot) => this.say(plot.cursor.idx)],
      },
    };
  }

  /** Behind the points that may still change. @param {any} plot @param {string} fill */
  shade(plot, fill) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = fill;
    for (const point of this.series.points) {
      if (!isOpen(point)) continue;
      const from = Math.max(bbox.left, plot.valToPos(Date.parse(point.start) / 1000, "x", true));
      const to = Math.min(bbox.left + bbox.width, plot.valToPos(Date.parse(point.end) / 1000, "x", true));
      if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    ctx.restore();
  }

  /** The target as a line across. @param {any} plot @param {string} stroke @param {string} text */
  aim(plot, stroke, text) {
    const { target } = this.series;
    if (!target) return;
    const { ctx, bbox } = plot;
    const y = plot.valToPos(target.value, "y", true);
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.setLineDash([2, 3]);
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillStyle = text;
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.fillText(`target ${number(target.value, this.series)}`, bbox.left + 4, y - 4);
    ctx.restore();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.plot) return;
    event.preventDefault();
    const last = this.series.points.length - 1;
    const place = Math.min(last, Math.max(0, (this.plot.cursor.idx ?? (by > 0 ? -1 : last + 1)) + by));
    this.plot.setCursor({ left: this.plot.valToPos(this.plot.data[0][place], "x"), top: 0 });
  }

  /** The point under the cursor, in words. @param {number | null} place */
  say(place) {
    const { series } = this;
    const point = place === null || place === undefined ? null : series.points[place];
    this.readout.textContent = point
      ? `${pointName(point.start, series.step, series.window.tz)}: ${pointText(point, series)}`
      : "Point at the chart, or focus it and use the arrow keys, to read a point.";
  }
}

/** @param {any} point @param {any} series */
function pointText(point, series) {
  if (point.value === null) return point.n === null ? "nothing known" : "nothing happened";
  const between = range({ low: point.low, high: point.high }, series);
  return [number(point.value, series), between && `(${between})`, point.n !== null && `n ${point.n}`, point.partial ? "not over" : point.status].filter(Boolean).join(", ").replace(", (", " (");
}

/** @param {any} series */
function described(series) {
  const known = series.points.filter((/** @type {any} */ point) => point.value !== null);
  if (!known.length) return `${series.title}: no point has a value.`;
  const values = known.map((/** @type {any} */ point) => point.value);
  return `${series.title}, ${known.length} points from ${number(Math.min(...values), series)} to ${number(Math.max(...values), series)}, the last ${number(known[known.length - 1].value, series)}.`;
}

/** @param {number} at @param {number} apart @param {string} tz */
function tick(at, apart, tz) {
  const when = at * 1000;
  if (apart >= 28 * 86400) return inZone(when, tz, { month: "short", year: "2-digit" });
  const midnight = inZone(when, tz, { hour: "2-digit", hourCycle: "h23" }) === "00";
  if (apart >= 86400 || midnight) return inZone(when, tz, { day: "numeric", month: "short" });
  return inZone(when, tz, { hour: "2-digit", minute: "2-digit" });
}

/** The same numbers as a table, for whoever reads rather than looks. @param {any} series */
export function seriesTable(series) {
  const { tz } = series.window;
  return h(
    "details.table-of-points",
    {},
    h("summary", {}, "The same as a table"),
    h(
      "div.scroll",
      { tabindex: 0, role: "region", "aria-label": "Points of the series" },
      h(
        "table",
        {},
        h("caption.unseen", {}, `${series.title} by ${series.step}`),
        h("thead", {}, h("tr", {}, ["From", "Value", "Interval", "n", "Status"].map((name, place) => h("th", { scope: "col", class: place && place < 4 ? "number" : null }, name)))),
        h(
          "tbody",
          {},
          series.points.toReversed().map((/** @type {any} */ point) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, pointName(point.start, series.step, tz)),
              h("td.number", {}, number(point.value, series)),
              h("td.number", {}, range({ low: point.low, high: point.high }, series)),
              h("td.number", {}, point.n ?? ""),
              h("td", {}, point.partial ? "not over" : point.status),
            ),
          ),
        ),
      ),
    ),
  );
}
