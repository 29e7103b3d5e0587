// Window, zone and filters: a form whose fields stand in the URL.

import { h, refill, sign } from "./dom.js";
import { changed, elsewhere, go, href, state, withWindow } from "./state.js";

const WINDOWS = [
  ["window=PT1H", "Last hour"],
  ["window=P1D", "Last 24 hours"],
  ["window=P7D", "Last 7 days"],
  ["window=P28D", "Last 28 days"],
  ["period=day", "Yesterday"],
  ["period=week", "Last week"],
  ["period=month", "Last month"],
];
const OPERATORS = [
  ["in", "is one of"],
  ["nin", "is none of"],
];

export class Controls {
  /** @param {HTMLFormElement} form @param {any} catalogue */
  constructor(form, catalogue) {
    this.form = form;
    this.catalogue = catalogue;
    this.isCustom = false;
    this.isAdding = false;
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  draw() {
    const { metric, params } = state();
    refill(this.form, this.window(params), this.isCustom || params.has("from") ? this.dates(params) : null, this.zone(params), ...this.filters(metric, params), this.frozen(params));
  }

  /** @param {URLSearchParams} params */
  window(params) {
    const isDates = params.has("from") || this.isCustom;
    const own = isDates ? "custom" : params.has("period") ? `period=${params.get("period")}` : `window=${params.get("window") ?? "P1D"}`;
    const known = WINDOWS.some(([value]) => value === own) || isDates;
    const choices = [...WINDOWS, ...(known ? [] : [[own, own.split("=")[1]]]), ["custom", "From – to…"]];
    const onchange = (/** @type {Event} */ event) => {
      const chosen = /** @type {HTMLSelectElement} */ (event.target).value;
      this.isCustom = chosen === "custom";
      if (this.isCustom) return this.draw();
      const [name, value] = chosen.split("=");
      go(href(state().metric, withWindow({ [name]: value })));
    };
    return field("window", "Window", h("select", { id: "window", onchange }, choices.map(([value, text]) => h("option", { value, selected: value === own }, text))));
  }

  /** @param {URLSearchParams} params */
  dates(params) {
    const [from, to] = ["from", "to"].map((name) => h("input", { id: name, type: "date", value: (params.get(name) ?? "").slice(0, 10), required: true }));
    const apply = () => {
      if (!from.value || !to.value) return (from.value ? to : from).focus();
      if (from.value >= to.value) {
        to.setCustomValidity("Must be later than the first day: this day is not counted any more.");
        to.reportValidity();
        return undefined;
      }
      this.isCustom = false;
      return go(href(state().metric, withWindow({ from: from.value, to: to.value })));
    };
    to.addEventListener("input", () => to.setCustomValidity(""));
    return h("fieldset", {}, h("legend.unseen", {}, "Days"), field("from", "From", from), field("to", "until (excluded)", to), h("button", { type: "button", id: "apply-dates", onclick: apply }, "Show"));
  }

  /** @param {URLSearchParams} params */
  zone(params) {
    const zones = h("datalist", { id: "zones" }, Intl.supportedValuesOf("timeZone").map((zone) => h("option", { value: zone })));
    const onchange = (/** @type {Event} */ event) => go(href(state().metric, changed({ tz: /** @type {HTMLInputElement} */ (event.target).value.trim() || null })));
    return field("tz", "Zone", h("input", { id: "tz", list: "zones", value: params.get("tz") ?? "", placeholder: "the tenant’s", autocomplete: "off", spellcheck: "false", onchange }), zones);
  }

  /** @param {string | null} metric @param {URLSearchParams} params */
  filters(metric, params) {
    const given = params.getAll("filter");
    const chips = given.map((text, place) => {
      const without = given.filter((_, other) => other !== place);
      return h("span.chip", {}, said(text), h("button", { type: "button", id: `unfilter-${place}`, "aria-label": `Take away the filter: ${said(text)}`, onclick: () => go(href(metric, changed({ filter: without }))) }, sign("✕")));
    });
    const add = h("button.quiet", { type: "button", id: "add-filter", "aria-expanded": String(this.isAdding), onclick: () => { this.isAdding = !this.isAdding; this.draw(); if (this.isAdding) document.getElementById("filter-by")?.focus(); } }, this.isAdding ? "Cancel" : "+ Filter");
    return [...chips, this.isAdding ? this.adding(metric, given) : null, add];
  }

  /** @param {string | null} metric @param {string[]} given */
  adding(metric, given) {
    const among = this.catalogue.metrics.filter((/** @type {any} */ each) => !metric || each.name === metric);
    const dimensions = [...new Set(among.flatMap((/** @type {any} */ each) => each.segments))];
    const by = h("input", { id: "filter-by", list: "dimensions", placeholder: "country", autocomplete: "off", spellcheck: "false" });
    const list = h("datalist", { id: "dimensions" }, dimensions.map((name) => h("option", { value: String(name).replace("<name>", "") })));
    const operator = h("select", { id: "filter-operator", "aria-label": "Operator" }, OPERATORS.map(([value, text]) => h("option", { value }, text)));
    const values = h("input", { id: "filter-values", placeholder: "DE, AT", autocomplete: "off" });
    const apply = () => {
      if (!by.value.trim()) return by.focus();
      this.isAdding = false;
      return go(href(state().metric, changed({ filter: [...given, `${by.value.trim()}:${operator.value}:${values.value.split(",").map((/** @type {string} */ each) => each.trim()).filter(Boolean).join(",")}`] })));
    };
    const onkeydown = (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && apply();
    values.addEventListener("keydown", onkeydown);
    return h("fieldset", {}, h("legend.unseen", {}, "A filter"), field("filter-by", "Where", by, list), operator, field("filter-values", "Values", values), h("button", { type: "button", id: "apply-filter", onclick: apply }, "Add"));
  }

  /** @param {URLSearchParams} params */
  frozen(params) {
    if (!params.has("at")) return null;
    return h("span.chip", {}, `as of ${params.get("at")}`, h("button", { type: "button", id: "unfreeze", "aria-label": "Back to live numbers", onclick: () => go(href(state().metric, changed({ at: null }))) }, sign("✕")));
  }
}

/** The way back to all metrics, with what holds for them too. */
export const home = () => elsewhere(null);

/** A filter in words. @param {string} text */
function said(text) {
  const [dimension, operator, ...rest] = text.split(":");
  const names = /** @type {Record<string, string>} */ ({ eq: "is", ne: "is not", in: "is one of", nin: "is none of" });
  return `${dimension} ${names[operator] ?? operator} ${rest.join(":") || "unknown"}`;
}

/** @param {string} id @param {string} label @param {...Node} inputs */
function field(id, label, ...inputs) {
  return h("span.field", {}, h("label", { for: id }, label), ...inputs);
}
