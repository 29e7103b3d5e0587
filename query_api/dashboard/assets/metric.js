// One metric: its number and all that belongs to it, the series, the break-down, the definition and the rows behind it.

import * as api from "./api.js";
import { cutter, showBreakdown, usualCut } from "./breakdown.js";
import { figure, flash, nothing } from "./card.js";
import { Chart, seriesTable } from "./chart.js";
import { showDefinition } from "./definition.js";
import { h, refill } from "./dom.js";
import { count, inWords, number, range, span, words } from "./format.js";
import { intervalPicture, isKnown, scale } from "./interval.js";
import { listen } from "./live.js";
import { aims, broken, change, settled, units } from "./remarks.js";
import { Revisions } from "./revisions.js";
import { Rows } from "./rows.js";
import { whole } from "./sparkline.js";
import { changed, elsewhere, go, href, question, seriesQuestion, state } from "./state.js";

const RETRY = 5000;
/** The chart follows the number, but not more often than this: it is many questions. */
const CHART_AGE = 20_000;
const SPOKEN_AGE = 15_000;
const SPANS = ["P1D", "P7D", "P14D", "P28D", "P8W", "P12W", "P26W", "P52W"];
const STEPS = /** @type {Record<string, string>} */ ({ PT1H: "hours", P1D: "days", P1W: "weeks", P1M: "months" });

export class MetricPage {
  /** @param {any} metric @param {any} catalogue @param {import("./freshness.js").Freshness} freshness */
  constructor(metric, catalogue, freshness) {
    Object.assign(this, { metric, catalogue, freshness });
    this.metric = metric;
    this.catalogue = catalogue;
    this.freshness = freshness;
    this.back = h("a", { id: "back" }, "← All metrics");
    this.number = h("div.hero", { "data-metric": metric.name }, h("p.loading", {}, "…"));
    this.spoken = h("p.unseen", { role: "status" });
    this.spokenAt = 0;
    this.plot = h("div", {}, h("p.loading", {}, "Counting each point…"));
    this.spans = h("div.choices");
    this.cut = h("div.choices");
    this.segments = h("div", {}, h("p.loading", {}, "…"));
    this.words = h("div.words");
    this.rows = h("div");
    this.restated = h("div");
    const section = (/** @type {string} */ id, /** @type {string} */ title, /** @type {any[]} */ ...inside) => h(`section.panel.${id}`, { "aria-labelledby": `about-${id}` }, h("div.panel-head", {}, h("h2", { id: `about-${id}` }, title), inside.length > 1 ? inside.shift() : null), ...inside);
    this.root = h(
      "div.metric",
      {},
      h("nav", { "aria-label": "Back" }, this.back),
      h("div.title", {}, h("h1", { tabindex: -1 }, metric.title), h("p.meaning", {}, metric.meaning)),
      this.number,
      this.spoken,
      section("series", "Over time", this.spans, this.plot),
      section("segments", "Break-down", this.cut, this.segments),
      section("definition", "What it means", this.words),
      section("behind", "The rows behind it", this.rows),
      section("restated", "Restated", this.restated),
    );
    this.shownSort = "";
  }

  /** @param {Element} place @param {boolean} isMove  from another page, and not the first that is shown */
  open(place, isMove) {
    document.title = `${this.metric.title} · Sojourn`;
    refill(place, this.root);
    if (isMove) {
      this.root.querySelector("h1").focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    this.update();
  }

  /** @param {import("./state.js").State} [before] */
  update(before) {
    if (before && this.body && !api_differs(before, state())) {
      // Only how it is shown has changed.
      showBreakdown(this.segments, this.body);
      if (series_differs(before, state())) this.askSeries(/** @type {AbortController} */ (this.asking).signal);
      return;
    }
    this.stop();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.back.href = elsewhere(null);
    this.body = null;
    this.charted = 0;
    showDefinition(this.words, this.metric, this.catalogue, null);
    this.shownBy = null;
    this.ask(signal).then(() => signal.aborted || this.askSeries(signal));
  }

  stop() {
    this.asking?.abort();
    this.leave?.();
    this.behind?.end();
    this.changes?.end();
    clearTimeout(this.timer);
    clearTimeout(this.chartTimer);
  }

  /** What is asked: with a break-down, the usual one if nobody says. */
  params() {
    const params = question(state());
    const cut = params.get("segment") ?? usualCut(this.metric);
    if (cut) params.set("segment", cut);
    return params;
  }

  /** @param {AbortSignal} signal */
  async ask(signal) {
    const params = this.params();
    refill(this.cut, this.metric.segments.length ? cutter(this.metric, params.get("segment")) : null);
    try {
      this.told(await api.value(this.metric.name, api.kept(params), signal));
    } catch (error) {
      if (signal.aborted) return;
      const problem = api.problemOf(error);
      this.failed(problem);
      if (problem.retryable) this.timer = setTimeout(() => this.ask(signal), RETRY);
      return;
    }
    this.behind?.end();
    this.behind = new Rows(this.metric, params, this.body.window.tz);
    refill(this.rows, this.behind.root);
    this.changes?.end();
    this.changes = new Revisions(this.metric, this.body);
    refill(this.restated, this.changes.root);
    if (params.has("at")) this.freshness.frozen(params.get("at"));
    else
      this.leave = listen(api.withMetrics([this.metric.name], params), {
        onBody: (body) => this.told(body),
        onProblem: (problem) => this.failed(problem),
        onWatermark: (watermark) => this.freshness.counted(watermark),
        onState: (found) => this.freshness.stream(found),
      });
  }

  /** @param {any} problem */
  failed(problem) {
    this.freshness.failed(problem.code === "unreachable" ? problem : null);
    if (problem.code === "unreachable" && this.body) return;
    refill(this.number, broken(problem));
    refill(this.segments, h("p.quiet", {}, "No number, no break-down."));
  }

  /** @param {any} body */
  told(body) {
    const before = this.body;
    if (before && Date.parse(body.watermark) < Date.parse(before.watermark)) return;
    this.body = body;
    this.freshness.counted(body.watermark, body.window.tz);
    document.title = `${body.value === null ? "" : `${number(body.value, body)} · `}${this.metric.title} · Sojourn`;
    refill(this.number, ...hero(body, this.catalogue));
    showBreakdown(this.segments, body);
    const form = [body.parameters, body.excluded, body.details, body.version].map((each) => JSON.stringify(each)).join();
    if (this.shownBy !== form && !this.words.contains(document.activeElement)) {
      showDefinition(this.words, this.metric, this.catalogue, body);
      this.shownBy = form;
    }
    if (before && before.value !== body.value) {
      flash(this.number);
      this.speak(body);
      this.follow();
    }
  }

  /** Tells the number to who listens, not at every move. @param {any} body */
  speak(body) {
    if (Date.now() - this.spokenAt < SPOKEN_AGE) return;
    this.spokenAt = Date.now();
    this.spoken.textContent = `${this.metric.title} is now ${number(body.value, body)}`;
  }

  follow() {
    clearTimeout(this.chartTimer);
    const { signal } = /** @type {AbortController} */ (this.asking);
    this.chartTimer = setTimeout(() => this.askSeries(signal), Math.max(500, CHART_AGE - (Date.now() - (this.charted ?? 0))));
  }

  /** @param {AbortSignal} signal */
  async askSeries(signal) {
    const { params, span: looked, step } = seriesQuestion(state());
    params.delete("segment");
    this.charted = Date.now();
    refill(this.spans, looked ? spans(this.metric, looked) : null, steps(this.metric, step));
    try {
      const series = whole(await api.series(this.metric.name, api.kept(params), signal));
      this.chart?.end();
      this.chart = new Chart(series);
      const isOpen = this.plot.querySelector("details")?.open;
      const table = seriesTable(series);
      table.open = isOpen;
      refill(this.plot, this.chart.root, legend(series), table);
    } catch (error) {
      if (signal.aborted) return;
      const problem = api.problemOf(error);
      refill(this.plot, problem.status === 404 ? h("p.quiet", {}, "This service does not serve series.") : broken(problem));
      if (problem.retryable) this.chartTimer = setTimeout(() => this.askSeries(signal), RETRY);
    }
  }
}

/** @param {import("./state.js").State} before @param {import("./state.js").State} after */
const api_differs = (before, after) => before.metric !== after.metric || question(before).toString() !== question(after).toString();
/** @param {import("./state.js").State} before @param {import("./state.js").State} after */
const series_differs = (before, after) => seriesQuestion(before).params.toString() !== seriesQuestion(after).params.toString();

/** The number, and all that it must not travel without. @param {any} body @param {any} catalogue */
function hero(body, catalogue) {
  const shown = { value: body.value, interval: body.interval, previous: body.comparison?.value, target: body.target?.value };
  const { window } = body;
  return [
    h("div.first", {}, figure(body), settled(body)),
    h(
      "div.second",
      {},
      body.value === null ? h("p", {}, nothing(body)) : null,
      isKnown(body.interval) && body.value !== null
        ? h("div.between", {}, intervalPicture(shown, body, scale([shown], body.unit)), h("p", {}, range(body.interval, body), " ", h("span.quiet", {}, `${Math.round(100 * body.interval.confidence)} % interval, ${words(body.interval.method)}`)))
        : null,
      change(body),
      aims(body),
    ),
    h(
      "dl.facts",
      {},
      h("dt", {}, "Window"),
      h("dd", {}, `${span(window)}, ${window.tz}`),
      h("dt", {}, "n"),
      h("dd", {}, body.n === null ? "hidden" : count(body.n), body.denominator !== null && body.denominator !== undefined && typeof body.numerator === "number" && body.unit === "ratio" ? h("span.quiet", {}, ` (${fraction(body)})`) : null),
      body.comparison ? [h("dt", {}, "Before"), h("dd", {}, number(body.comparison.value, body))] : null,
      body.statistics ? statistics(body) : null,
      body.by_currency?.length ? [h("dt", {}, "Other currencies"), h("dd", {}, body.by_currency.map((/** @type {any} */ each) => number(each.value, { unit: "currency", currency: each.currency })).join(", "))] : null,
    ),
    body.warnings.length ? h("ul.warnings", { "aria-label": "Remarks" }, body.warnings.map((/** @type {string} */ key) => h("li", {}, catalogue.warnings?.[key]?.replaceAll("`", "") ?? words(key)))) : null,
  ];
}

/** @param {any} body */
const fraction = (body) => `${new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(body.numerator)} of ${new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(body.denominator)}${body.basis === "estimate" ? " so far" : ""}`;

/** @param {any} body */
function statistics(body) {
  const { mean, median, p90, km_median, open } = body.statistics;
  const found = [["mean", mean], ["median of the closed", median], ["median with the open ones", km_median], ["90th percentile", p90]].filter(([, value]) => value !== null && value !== undefined);
  return [...found.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, number(value, body))]), open ? [h("dt", {}, "still open"), h("dd", {}, count(open))] : []].flat();
}

/** @param {any} metric @param {string} own */
function spans(metric, own) {
  const all = SPANS.includes(own) ? SPANS : [...SPANS, own];
  return h("span.field", {}, h("label", { for: "span" }, "last"), h("select", { id: "span", onchange: (/** @type {Event} */ event) => go(href(metric.name, changed({ span: /** @type {HTMLSelectElement} */ (event.target).value, step: null })), true) }, all.map((value) => h("option", { value, selected: value === own }, inWords(value)))));
}

/** @param {any} metric @param {string} own */
function steps(metric, own) {
  return h("span.field", {}, h("label", { for: "step" }, "by"), h("select", { id: "step", onchange: (/** @type {Event} */ event) => go(href(metric.name, changed({ step: /** @type {HTMLSelectElement} */ (event.target).value })), true) }, Object.entries(STEPS).map(([value, text]) => h("option", { value, selected: value === own }, text))));
}

/** @param {any} series */
function legend(series) {
  const hasBand = series.points.some((/** @type {any} */ point) => point.low !== null || point.high !== null);
  const hasOpen = series.points.some((/** @type {any} */ point) => point.value !== null && (point.partial || point.status === "provisional"));
  return h("ul.legend", { "aria-hidden": "true" }, h("li.value-line", {}, "value"), hasBand && h("li.band-area", {}, "95 % interval"), hasOpen && h("li.open-line", {}, "may still change"), series.target && h("li.aim-line", {}, "target"));
}
