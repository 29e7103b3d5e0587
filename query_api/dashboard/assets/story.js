// Why one entity counts as it does: a sentence, and what happened to it in order.

import * as api from "./api.js";
import { h, refill } from "./dom.js";
import { moment, words } from "./format.js";
import { broken } from "./remarks.js";

/**
 * The id of a row as a button that opens the story beneath it.
 * @param {any} row
 * @param {{metric: string, question: URLSearchParams, at: string, tz: string, columns: number, signal: AbortSignal}} about
 */
export function storyButton(row, about) {
  const place = h("td.story", { colspan: about.columns });
  const beneath = h("tr", { hidden: true }, place);
  const button = h("button.id", { type: "button", "aria-expanded": "false", title: "Why does it count as it does?" }, row.id);
  button.addEventListener("click", async () => {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    beneath.hidden = isOpen;
    if (isOpen || place.firstChild) return;
    button.closest("tr").after(beneath);
    refill(place, h("p.loading", {}, "Looking up what happened…"));
    const params = new URLSearchParams(about.question);
    params.set("id", row.id);
    params.set("at", about.at);
    try {
      const { rows } = await api.explain(about.metric, params, about.signal);
      refill(place, rows[0]?.story ? told(rows[0], about.tz) : h("p.quiet", {}, "This service tells no stories of single rows."));
    } catch (error) {
      if (!about.signal.aborted) refill(place, broken(api.problemOf(error)));
    }
  });
  return button;
}

/** @param {any} row @param {string} tz */
function told(row, tz) {
  const chapter = (/** @type {any} */ each) =>
    h("li", {}, h("time", { datetime: each.at }, moment(each.at, tz, true)), " ", h("strong", {}, words(each.what)), each.event_id ? h("span.quiet", {}, ` event ${each.event_id}${each.request_id ? `, request ${each.request_id}` : ""}`) : null);
  return h("div", { role: "status" }, h("p", {}, row.why), h("ol", {}, row.story.map(chapter)));
}
