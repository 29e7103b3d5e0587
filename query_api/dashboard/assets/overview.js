// Every metric on one page, in the groups of the catalogue; values come in one request and then move with the stream.

import * as api from "./api.js";
import { Card } from "./card.js";
import { h, refill } from "./dom.js";
import { inWords, span, words } from "./format.js";
import { listen } from "./live.js";
import { sparkline, whole } from "./sparkline.js";
import { question, seriesQuestion, state } from "./state.js";

const RETRY = 5000;
/** A trend hardly moves while somebody looks: ask for it again after this long. */
const TREND_AGE = 300_000;

export class Overview {
  /** @param {any} catalogue @param {import("./freshness.js").Freshness} freshness */
  constructor(catalogue, freshness) {
    this.metrics = catalogue.metrics;
    this.freshness = freshness;
    this.cards = new Map(this.metrics.map((/** @type {any} */ metric) => [metric.name, new Card(metric)]));
    this.window = h("p.window.quiet");
    this.root = h("div.overview", {}, h("h1.unseen", {}, "All metrics"), this.window, ...this.groups());
    /** @type {Map<Element, {name: string, asked: number}>} */
    this.trends = new Map();
    this.waiting = /** @type {string[]} */ ([]);
    this.watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) this.wantTrend(/** @type {any} */ (entry.target).dataset.metric);
    }, { rootMargin: "200px" });
  }

  groups() {
    const names = [...new Set(this.metrics.map((/** @type {any} */ metric) => metric.group))];
    return names.map((group) =>
      h(
        "section.group",
        { "aria-labelledby": `group-${group}` },
        h("h2", { id: `group-${group}` }, words(group)),
        h("ul.cards", {}, this.metrics.filter((/** @type {any} */ metric) => metric.group === group).map((/** @type {any} */ metric) => this.cards.get(metric.name).root)),
      ),
    );
  }

  /** @param {Element} place */
  open(place) {
    document.title = "Sojourn";
    refill(place, this.root);
    this.update();
  }

  /** Asks anew: the state has changed. */
  update() {
    this.stop();
    this.asking = new AbortController();
    this.trended = new Map();
    this.waiting = [];
    for (const card of this.cards.values()) card.relink();
    this.ask(this.asking.signal);
  }

  stop() {
    this.asking?.abort();
    this.leave?.();
    clearTimeout(this.timer);
    this.watcher.disconnect();
  }

  /** @param {AbortSignal} signal */
  async ask(signal) {
    const names = [...this.cards.keys()];
    const params = question(state());
    try {
      const { values } = await api.values(names, params, signal);
      values.forEach((/** @type {any} */ each, /** @type {number} */ place) => this.told(names[place], each));
    } catch (error) {
      if (signal.aborted) return;
      const problem = api.problemOf(error);
      this.freshness.failed(problem);
      for (const card of this.cards.values()) if (card.root.dataset.state === "loading" || !problem.retryable) card.fail(problem);
      if (problem.retryable) this.timer = setTimeout(() => this.ask(signal), RETRY);
      return;
    }
    for (const card of this.cards.values()) this.watcher.observe(card.root);
    if (params.has("at")) this.freshness.frozen(params.get("at"));
    else
      this.leave = listen(api.withMetrics(names, params), {
        onBody: (body) => this.told(body.metric, body),
        onProblem: (problem) => this.told(problem.metric, problem),
        onWatermark: (watermark) => this.freshness.counted(watermark),
        onState: (found) => this.freshness.stream(found),
      });
  }

  /** @param {string} name @param {any} each  a body or a problem */
  told(name, each) {
    const card = this.cards.get(name);
    if (!card) return;
    if ("code" in each) card.fail(each);
    else {
      card.show(each);
      this.freshness.counted(each.watermark);
      refill(this.window, span(each.window), `, ${each.window.tz}, compared with as long a time before${this.trendName()}`);
      if (Date.now() - (this.trended?.get(name) ?? Date.now()) > TREND_AGE) this.wantTrend(name);
    }
  }

  /** How far back the small lines look. */
  trendName() {
    const { span: looked, step } = seriesQuestion(state());
    return looked ? `; ○ before; small lines: the last ${inWords(looked)}, by ${{ PT1H: "hour", P1D: "day", P1W: "week", P1M: "month" }[step] ?? step}` : "";
  }

  /** Trends are asked for one after another, those in view first: each is many questions. @param {string} name */
  wantTrend(name) {
    if (this.waiting.includes(name) || Date.now() - (this.trended?.get(name) ?? 0) < TREND_AGE) return;
    this.trended?.set(name, Date.now());
    this.waiting.push(name);
    if (this.waiting.length === 1) this.askTrends(/** @type {AbortController} */ (this.asking).signal);
  }

  /** @param {AbortSignal} signal */
  async askTrends(signal) {
    const { waiting } = this;
    while (waiting.length && !signal.aborted) {
      const name = waiting[0];
      const card = this.cards.get(name);
      try {
        if (card.root.dataset.state !== "broken") refill(card.spark, sparkline(whole(await api.series(name, seriesQuestion(state()).params, signal))));
      } catch (error) {
        if (signal.aborted) return;
        refill(card.spark, h("span.quiet", {}, `no trend: ${api.problemOf(error).title.toLowerCase()}`));
      }
      waiting.shift();
    }
  }
}
