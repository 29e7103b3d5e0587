// How fresh the numbers are, always in sight: live, behind, or cut off, in words, a sign and a colour.

import * as api from "./api.js";
import { h, refill, sign } from "./dom.js";
import { clock, count, duration, moment } from "./format.js";

/** How old the watermark may be, in seconds, before numbers count as stale. */
const STALE = 60;
/** For how long nothing may come from the service, in ms: a stream says something every 5 s. */
const SILENT = 15_000;
/** How often the status is asked for, in ms, and how often while nothing else comes. */
const EVERY = 15_000;
const EVERY_IN_SILENCE = 5_000;

export class Freshness {
  /** @param {Element} place @param {Element} notices */
  constructor(place, notices) {
    this.notices = notices;
    this.told = h("span", { role: "status" });
    this.age = h("span.age");
    this.root = h("div.freshness", { "data-state": "" }, this.told, this.age);
    place.replaceChildren(this.root);
    this.watermark = 0;
    this.tz = /** @type {string | undefined} */ (undefined);
    this.streaming = /** @type {"connecting" | "open" | "lost"} */ ("connecting");
    this.isReached = true;
    this.problem = /** @type {any} */ (null);
    this.at = /** @type {string | null} */ (null);
    this.isEmpty = false;
    this.onStatus = /** @type {(status: any) => void} */ (() => {});
    this.askedAt = 0;
    setInterval(() => this.tick(), 1000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      api.heard(); // a page out of sight does not listen
      this.ask();
    });
  }

  tick() {
    const every = api.silence() > EVERY_IN_SILENCE ? EVERY_IN_SILENCE : EVERY;
    if (!document.hidden && Date.now() - this.askedAt >= every) this.ask();
    this.draw();
  }

  async ask() {
    this.askedAt = Date.now();
    try {
      const status = await api.status();
      this.isReached = true;
      this.problem = null;
      this.behind = status;
      this.counted(status.watermark);
      this.onStatus(status);
    } catch (error) {
      this.failed(api.problemOf(error));
    }
    this.draw();
  }

  /** @param {string} watermark @param {string} [tz]  the zone of the numbers */
  counted(watermark, tz) {
    const at = Date.parse(watermark);
    this.tz = tz ?? this.tz;
    if (at > this.watermark) {
      this.watermark = at;
      this.draw();
    }
  }

  /** @param {"connecting" | "open" | "lost"} state */
  stream(state) {
    this.at = null;
    this.streaming = state;
    if (state === "lost") this.ask();
    this.draw();
  }

  /** Numbers as of a moment that was asked for: they do not move. @param {string | null} at */
  frozen(at) {
    this.at = at;
    this.draw();
  }

  /** @param {any} problem */
  failed(problem) {
    if (problem?.code === "silent") return; // nothing was heard, which `silence` knows
    this.isReached = problem?.code !== "unreachable";
    this.problem = problem;
    this.draw();
  }

  state() {
    if (!this.isReached) return "offline";
    if (this.problem) return "broken";
    if (!document.hidden && api.silence() > SILENT) return "silent";
    if (this.isEmpty) return "empty";
    if (this.at) return "frozen";
    if (!this.watermark) return "connecting";
    if ((api.now() - this.watermark) / 1000 > STALE) return "stale";
    return this.streaming === "open" ? "live" : "connecting";
  }

  draw() {
    const state = this.state();
    const [mark, name] = { offline: ["✕", "Offline"], broken: ["⚠", "Not answering"], frozen: ["■", "As of a fixed time"], empty: ["○", "Waiting for the first event"], connecting: ["…", "Connecting"], silent: ["▲", "No answer"], stale: ["▲", "Stale"], live: ["●", "Live"] }[state] ?? ["", ""];
    if (this.root.dataset.state !== state) {
      this.root.dataset.state = state;
      document.body.dataset.freshness = state;
      refill(this.told, sign(mark), ` ${name}`);
    }
    const age = this.watermark ? Math.max(0, (api.now() - this.watermark) / 1000) : 0;
    const text = state === "empty" ? "" : state === "frozen" ? this.at && moment(this.at, this.tz) : this.watermark ? `counted to ${clock(this.watermark, this.tz)}${age >= 10 ? `, ${duration(age)} ago` : ""}` : "";
    if (this.age.textContent !== text) this.age.textContent = text || "";
    this.notice(state, age);
  }

  /** @param {string} state @param {number} age */
  notice(state, age) {
    const lag = this.behind?.lag_records;
    const said =
      state === "offline"
        ? ["The service cannot be reached.", this.watermark ? `The numbers below stand as they were counted up to ${moment(this.watermark, this.tz, true)}.` : "", api.advice(this.problem)]
        : state === "silent"
          ? [`Nothing has come from the service for ${duration(api.silence() / 1000)}.`, this.watermark ? `The numbers below stand as they were counted up to ${moment(this.watermark, this.tz, true)}.` : "", api.advice({ code: "silent" })]
        : state === "broken"
          ? [`${this.problem.title}.`, this.problem.detail !== this.problem.title ? this.problem.detail : "", api.advice(this.problem)]
          : state === "stale"
            ? [
                `Nothing has been counted for ${duration(age)}.`,
                lag ? `${count(lag)} records wait to be counted.` : "",
                "The numbers below stand as of then. Do the processors run? Their log and /metrics of each service say why they stand still.",
              ]
            : null;
    const text = said?.filter(Boolean).join(" ") ?? "";
    if (!text) {
      if (this.notices.firstChild) this.notices.replaceChildren();
      return;
    }
    const isAmber = state === "stale" || state === "silent";
    const note = this.notices.firstElementChild;
    if (/** @type {any} */ (note)?.dataset.state === state) {
      const body = /** @type {Element} */ (note).querySelector(".text");
      if (body && body.textContent !== text) body.textContent = text;
    } else {
      this.notices.replaceChildren(h(`p.notice.${state}`, { role: isAmber ? "note" : "alert", "data-state": state }, sign(isAmber ? "▲" : "⚠"), " ", h("span.text", {}, text)));
    }
  }
}
