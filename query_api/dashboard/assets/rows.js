// The rows behind a number, a page at a time, so that someone can see why it is what it is.

import * as api from "./api.js";
import { h, refill } from "./dom.js";
import { count, duration, moment, words } from "./format.js";
import { broken } from "./remarks.js";
import { storyButton } from "./story.js";

const PAGE = 20;

export class Rows {
  /** @param {any} metric @param {URLSearchParams} question @param {string} tz */
  constructor(metric, question, tz) {
    this.metric = metric;
    this.tz = tz;
    this.question = new URLSearchParams(question);
    for (const name of ["compare", "segment", "limit"]) this.question.delete(name);
    this.question.set("limit", String(PAGE));
    this.cursors = /** @type {(string | null)[]} */ ([null]);
    this.asking = new AbortController();
    this.table = h("div", {}, h("p.loading", {}, "Looking up the rows…"));
    this.about = h("p.quiet", { role: "status" });
    this.back = h("button", { type: "button", id: "rows-back", onclick: () => this.turn(-1) }, "← Earlier");
    this.next = h("button", { type: "button", id: "rows-next", onclick: () => this.turn(1) }, "Later →");
    this.root = h("div.rows", {}, this.table, h("div.actions", {}, this.back, this.next, this.about));
    this.seen = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      this.seen.disconnect();
      this.show();
    }, { rootMargin: "100px" });
    this.seen.observe(this.root);
    this.known = /** @type {any} */ (null);
  }

  end() {
    this.asking.abort();
    this.seen.disconnect();
  }

  /** @param {number} by */
  turn(by) {
    if (by > 0 && this.known?.next_cursor) this.cursors.push(this.known.next_cursor);
    else if (by < 0 && this.cursors.length > 1) this.cursors.pop();
    else return;
    this.show();
  }

  async show() {
    const cursor = this.cursors.at(-1) ?? null;
    const params = new URLSearchParams(this.question);
    if (cursor) params.set("cursor", cursor);
    try {
      this.known = await api.explain(this.metric.name, params, this.asking.signal);
    } catch (error) {
      if (!this.asking.signal.aborted) refill(this.table, broken(api.problemOf(error)), h("button", { type: "button", id: "rows-again", onclick: () => this.show() }, "Try again"));
      return;
    }
    this.draw();
  }

  draw() {
    const { rows, total, next_cursor, at } = this.known;
    const first = (this.cursors.length - 1) * PAGE;
    this.back.setAttribute("aria-disabled", String(this.cursors.length < 2));
    this.next.setAttribute("aria-disabled", String(!next_cursor));
    this.about.textContent = rows.length ? `${count(first + 1)} to ${count(first + rows.length)} of ${count(total)}, as of ${moment(at, this.tz, true)}` : "No rows.";
    if (!rows.length) return refill(this.table);
    const about = { metric: this.metric.name, question: this.question, at, tz: this.tz, columns: 7, signal: this.asking.signal };
    const columns = [
      ["Id", (/** @type {any} */ row) => h("th", { scope: "row" }, storyButton(row, about), h("span.quiet", {}, ` ${words(row.entity)}`))],
      ["Person", (/** @type {any} */ row) => h("td", {}, h("span.id", {}, row.person ?? ""))],
      ["Began", (/** @type {any} */ row) => h("td", {}, moment(row.entered, this.tz, true))],
      ["Outcome", (/** @type {any} */ row) => h("td", {}, row.outcome_at ? `${words(row.outcome ?? "outcome")} ${row.outcome_id ?? ""}` : "")],
      ["After", (/** @type {any} */ row) => h("td.number", {}, row.seconds === null ? "" : duration(row.seconds))],
      ["Counted as", (/** @type {any} */ row) => h("td", {}, words(row.counted), row.reason ? `: ${words(row.reason)}` : "")],
      ["Events", (/** @type {any} */ row) => h("td.number", { title: row.message_ids.join("\n") }, row.event_ids.length)],
    ];
    const used = /** @type {any[]} */ (columns.filter(([name]) => (name !== "Outcome" || rows.some((/** @type {any} */ row) => row.outcome_at)) && (name !== "After" || rows.some((/** @type {any} */ row) => row.seconds !== null))));
    return refill(
      this.table,
      h(
        "div.scroll",
        { tabindex: 0, role: "region", "aria-label": "Rows" },
        h("table", {}, h("caption.unseen", {}, `Rows behind ${this.metric.title}`), h("thead", {}, h("tr", {}, used.map(([name]) => h("th", { scope: "col", class: ["After", "Events"].includes(name) ? "number" : null }, name)))), h("tbody", {}, rows.map((/** @type {any} */ row) => h("tr", {}, used.map(([, cell]) => cell(row)))))),
      ),
    );
  }
}
