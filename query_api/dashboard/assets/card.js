// One metric on the overview: everything that its number must not travel without, in one glance.

import * as api from "./api.js";
import { h, refill, sign } from "./dom.js";
import { NOTHING, clock, number, range, unitName } from "./format.js";
import { intervalPicture, isKnown, scale } from "./interval.js";
import { aims, basis, broken, change, settled, units } from "./remarks.js";
import { elsewhere } from "./state.js";

export class Card {
  /** @param {{name: string, title: string, meaning: string}} metric */
  constructor(metric) {
    this.metric = metric;
    this.link = h("a", { id: `card-${metric.name}` }, metric.title);
    this.body = h("div.card-body", {}, h("p.loading", {}, "…"));
    this.spark = h("div.spark");
    this.root = h("li.card", { "data-metric": metric.name, "data-state": "loading" }, h("h3", {}, this.link), this.body, this.spark);
    this.relink();
  }

  /** The state of the page is part of where the card leads. */
  relink() {
    this.watermark = 0;
    this.link.href = elsewhere(this.metric.name);
  }

  /** Whether an answer is of a later moment than the one that is shown for the same question. @param {any} body */
  isNewer(body) {
    return !this.watermark || Date.parse(body.watermark) >= this.watermark;
  }

  /** @param {any} body */
  show(body) {
    this.watermark = Date.parse(body.watermark);
    const before = this.root.dataset.value;
    const value = body.value === null ? "" : String(body.value);
    this.root.dataset.state = body.value === null ? "none" : "known";
    this.root.dataset.value = value;
    const shown = { value: body.value, interval: body.interval, previous: body.comparison?.value, target: body.target?.value };
    refill(
      this.body,
      settled(body),
      figure(body),
      between(body, shown),
      change(body),
      aims(body),
      aged(body),
    );
    if (before !== undefined && before !== value) flash(this.root);
  }

  /** @param {any} problem */
  fail(problem) {
    this.root.dataset.state = "broken";
    delete this.root.dataset.value;
    refill(this.body, broken(problem));
  }
}

/** The interval as a picture and in numbers, or why there is none. @param {any} body @param {import("./interval.js").Shown} shown */
function between(body, shown) {
  if (body.value === null) return h("p.between", {}, nothing(body));
  if (isKnown(body.interval)) return h("div.between", {}, intervalPicture(shown, body, scale([shown], body.unit)), h("p", {}, range(body.interval, body), units(body)));
  return h("p.between", {}, body.interval ? "too little is settled for an interval" : "counted, not sampled", units(body));
}

const OLD = 60_000;

/** As of when, where that is a while ago. @param {any} body */
export function aged(body) {
  const age = api.now() - Date.parse(body.watermark);
  return age > OLD && Date.parse(body.at) > api.now() - 86_400_000 ? h("p.aged.quiet", {}, `counted to ${clock(body.watermark, body.window.tz)}`) : null;
}

/** The value, large. @param {any} body */
export function figure(body) {
  const unit = unitName(body);
  return h("p.figure", {}, h("data.value", { value: body.value ?? "" }, body.value === null ? NOTHING : number(body.value, body)), unit && body.value !== null && h("span.unit", {}, ` ${unit}`), body.value === null ? null : basis(body));
}

/** Why there is no number. @param {any} body */
export function nothing(body) {
  if (body.warnings.includes("suppressed")) return h("span.quiet", {}, sign("▒"), " hidden: too few to show");
  if (body.warnings.includes("not_reached")) return h("span.quiet", {}, "not reached yet: too many are still open");
  return h("span.quiet", {}, "nothing happened in this window");
}

/** Shows for a moment that the number has moved. @param {HTMLElement} element */
export function flash(element) {
  element.classList.remove("moved");
  void element.offsetWidth;
  element.classList.add("moved");
}
