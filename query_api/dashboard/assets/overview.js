// Every metric on one page, in the groups of the catalogue: first as the service keeps it, then with the stream, each as
// soon as it is counted.

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
/** Trends at the same time: a slow one must not hold up the others, and a browser has six connections. */
const AT_ONCE = 3;

export class Overview {
  /** @param {any} catalogue @param {import("./freshness.js").Freshness} freshness */
  constructor(catalogue, freshness) {
    this.metrics = catalogue.metrics;
    this.freshness = freshness;
    this.cards = new Map(this.metrics.map((/** @type {any} */ metric) => [metric.name, new Card(metric)]));
    this.window = h("p.window.quiet");
    this.root = h("div.overview", {}, h("h1.unseen", {}, "All metrics"), this.window, ...this.groups());
    /** When each trend was asked for. @type {Map<string, number>} */
    this.trended = new Map();
    this.queue = { names: /** @type {string[]} */ ([]), running: 0 };
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
    this.isAsking = false;
    this.trended = new Map();
    this.queue = { names: [], running: 0 };
    for (const card of this.cards.values()) card.relink();
    this.ask(this.asking.signal);
  }

  stop() {
    this.asking?.abort();
    this.leave?.();
    clearTimeout(this.timer);
    this.watcher.disconnect();
  }

  /** What is kept at once, then by the stream, which tells each number as soon as it is counted; in one request where there is no stream. @param {AbortSignal} signal */
  ask(signal) {
    const names = [...this.cards.keys()];
    const params = question(state());
    if (params.has("at")) {
      this.freshness.frozen(params.get("at"));
      this.askOnce(names, params, signal);
      return;
    }
    if (api.isKept(params)) for (const some of this.byGroup()) this.askKept(some, api.kept(params), signal);
    this.leave = listen(api.withMetrics(names, params), {
      onBody: (body) => this.told(body.metric, body),
      onProblem: (problem) => this.told(problem.metric, problem),
      onWatermark: (watermark) => this.freshness.counted(watermark),
      onState: (found) => {
        this.freshness.stream(found);
        if (found === "lost") this.askOnce(names, params, signal);
      },
    });
  }

  /** The metrics of each group: a number that is not kept holds up those of its group alone. */
  byGroup() {
    /** @type {Map<string, string[]>} */
    const groups = new Map();
    for (const { name, group } of this.metrics) groups.set(group, [...(groups.get(group) ?? []), name]);
    return [...groups.values()];
  }

  /** Says nothing of what fails: the stream tells it. @param {string[]} names @param {URLSearchParams} params @param {AbortSignal} signal */
  async askKept(names, params, signal) {
    try {
      const { values } = await api.values(names, params, signal);
      for (const each of values) if (!("code" in each)) this.told(each.metric, each);
    } catch {
      return;
    }
  }

  /** @param {string[]} names @param {URLSearchParams} params @param {AbortSignal} signal */
  async askOnce(names, params, signal) {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const { values } = await api.values(names, params, signal);
      values.forEach((/** @type {any} */ each, /** @type {number} */ place) => this.told(names[place], each));
    } catch (error) {
      if (signal.aborted) return;
      const problem = api.problemOf(error);
      this.freshness.failed(problem);
      for (const card of this.cards.values()) if (card.root.dataset.state === "loading" || !problem.retryable) card.fail(problem);
      if (problem.retryable && params.has("at")) this.timer = setTimeout(() => this.askOnce(names, params, signal), RETRY);
    } finally {
      this.isAsking = false;
    }
  }

  /** @param {string} name @param {any} each  a body or a problem */
  told(name, each) {
    const card = this.cards.get(name);
    if (!card) return;
    if ("code" in each) card.fail(each);
    else if (!card.isNewer(each)) return;
    else {
      card.show(each);
      this.watcher.observe(card.root);
      this.freshness.counted(each.watermark, each.window.tz);
      refill(this.window, span(each.window), `, ${each.window.tz}, compared with as long a time before${this.trendName()}`);
      if (Date.now() - (this.trended.get(name) ?? Date.now()) > TREND_AGE) this.wantTrend(name);
    }
  }

  /** How far back the small lines look. */
  trendName() {
    const { span: looked, step } = seriesQuestion(state());
    return looked ? `; ○ before; small lines: the last ${inWords(looked)}, by ${{ PT1H: "hour", P1D: "day", P1W: "week", P1M: "month" }[step] ?? step}` : "";
  }

  /** Trends are asked for as cards come into view, few at a time: each is many questions. @param {string} name */
  wantTrend(name) {
    if (this.queue.names.includes(name) || Date.now() - (this.trended.get(name) ?? 0) < TREND_AGE) return;
    this.trended.set(name, Date.now());
    this.queue.names.push(name);
    this.askTrends(/** @type {AbortController} */ (this.asking).signal);
  }

  /** @param {AbortSignal} signal */
  async askTrends(signal) {
    const { queue } = this;
    if (queue.running >= AT_ONCE) return;
    queue.running += 1;
    try {
      for (let name = queue.names.shift(); name && !signal.aborted; name = queue.names.shift()) {
        const card = this.cards.get(name);
        if (card.root.dataset.state !== "broken") await this.trend(card, name, signal);
      }
    } finally {
      queue.running -= 1;
    }
  }

  /** @param {Card} card @param {string} name @param {AbortSignal} signal */
  async trend(card, name, signal) {
    try {
      refill(card.spark, sparkline(whole(await api.series(name, api.kept(seriesQuestion(state()).params), signal))));
    } catch (error) {
      if (!signal.aborted) refill(card.spark, h("span.quiet", {}, `no trend: ${api.problemOf(error).title.toLowerCase()}`));
    }
  }
}
