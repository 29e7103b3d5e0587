// Values of closed windows that are others now than when they were told: what they were, what they became, and why.

import * as api from "./api.js";
import { h, refill } from "./dom.js";
import { moment, number, span, words } from "./format.js";
import { broken } from "./remarks.js";

const WHY = /** @type {Record<string, string>} */ ({
  late_event: "events of then came later",
  merge: "people turned out to be one",
  refund: "an order was refunded or cancelled",
  later_event: "something that happened later, as a ticket that was opened again",
});

export class Revisions {
  /** @param {any} metric @param {any} body  an answer, for the unit and the zone */
  constructor(metric, body) {
    this.metric = metric;
    this.body = body;
    this.asking = new AbortController();
    this.cursor = /** @type {string | null} */ (null);
    this.list = h("tbody");
    this.table = h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Restated values" }, h("table", {}, h("thead", {}, h("tr", {}, ["Window", "Was", "Is", "Why", "Since"].map((title) => h("th", { scope: "col" }, title)))), this.list));
    this.more = h("button", { type: "button", id: "restated-more", onclick: () => this.show() }, "Earlier ones");
    this.about = h("p.quiet", { role: "status" }, "…");
    this.root = h("div.restated", {}, this.about);
    this.seen = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      this.seen.disconnect();
      this.show();
    }, { rootMargin: "100px" });
    this.seen.observe(this.root);
  }

  end() {
    this.asking.abort();
    this.seen.disconnect();
  }

  async show() {
    try {
      const { revisions, next_cursor } = await api.revisions(this.metric.name, this.cursor, this.asking.signal);
      this.list.append(...revisions.map((/** @type {any} */ each) => this.row(each)));
      this.cursor = next_cursor;
      const isEmpty = !this.list.firstChild;
      this.about.textContent = isEmpty ? "No value of a closed hour, day, 7 or 28 days has changed since it was complete." : "";
      refill(this.root, isEmpty ? this.about : this.table, next_cursor ? h("div.actions", {}, this.more) : null);
    } catch (error) {
      if (!this.asking.signal.aborted) refill(this.root, broken(api.problemOf(error)));
    }
  }

  /** @param {any} each */
  row(each) {
    const { tz } = this.body.window;
    const value = (/** @type {number | null} */ told) => (told === null ? "–" : number(told, this.body));
    return h("tr", {}, h("td", {}, span({ ...each.window, tz })), h("td.number", {}, value(each.old)), h("td.number", {}, value(each.new)), h("td", {}, WHY[each.why] ?? words(each.why)), h("td", {}, moment(each.at, tz)));
  }
}
