// What the number means, in words, and its parameters as a form whose fields stand in the URL.

import { h, refill } from "./dom.js";
import { count, inWords, moment, words } from "./format.js";
import { changed, go, href, state } from "./state.js";

/** @param {Element} place @param {any} metric @param {any} catalogue @param {any} body  null while there is no number */
export function showDefinition(place, metric, catalogue, body) {
  const { params } = state();
  const definition = params.get("definition") ?? "default";
  const excluded = Object.entries(body?.excluded ?? {}).filter(([, n]) => n);
  refill(
    place,
    definition === "default" ? null : h("p", {}, metric.definitions[definition] ?? ""),
    h("dl", {}, h("dt", {}, "Formula"), h("dd", {}, body?.formula ?? metric.formula), h("dt", {}, "Counted"), h("dd", {}, attribution(body?.attribution ?? metric.attribution)), body ? version(body) : null),
    excluded.length ? [h("h3", {}, "Left out here"), h("ul", {}, excluded.map(([key, n]) => h("li", {}, `${count(n)} ${words(key)}`, catalogue.excluded?.[key] ? `: ${lower(catalogue.excluded[key])}` : "")))] : null,
    metric.edges.length ? h("details", {}, h("summary", {}, "Where readers might differ"), h("ul", {}, metric.edges.map((/** @type {string} */ edge) => h("li", {}, edge)))) : null,
    metric.sources.length ? h("details", {}, h("summary", {}, "Where the definition comes from"), h("ul", {}, metric.sources.map((/** @type {string} */ source) => h("li", {}, source)))) : null,
    body ? details(body) : null,
    form(metric, body, definition),
  );
}

/** @param {any} body */
function version(body) {
  return [h("dt", {}, "Version"), h("dd", {}, `${body.version}${body.final_at ? `; final from ${moment(body.final_at, body.window.tz)}` : ""}`)];
}

/** @param {string} name */
function attribution(name) {
  return { cohort: "with the window in which each began", completion: "with the window in which each ended", event_time: "when it happened", state: "as it stands at the end of the window" }[name] ?? words(name);
}

/** @param {string} text */
const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);

/** @param {any} body */
function details(body) {
  const found = Object.entries(body.details).filter(([, value]) => ["number", "string"].includes(typeof value));
  if (!found.length) return null;
  return h("details", {}, h("summary", {}, "More about this number"), h("dl", {}, found.flatMap(([key, value]) => [h("dt", {}, words(key)), h("dd", {}, typeof value === "number" ? new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 }).format(value) : String(value))])));
}

/** @param {any} metric @param {any} body @param {string} definition */
function form(metric, body, definition) {
  const { params } = state();
  const own = metric.parameters.filter((/** @type {any} */ each) => !body || each.name in body.parameters || params.has(each.name));
  const definitions = Object.keys(metric.definitions);
  if (!own.length && definitions.length < 2 && !metric.statistics.length) return null;
  const fields = [
    definitions.length > 1 && choice("definition", "Definition", definitions, definition, ""),
    metric.statistics.length > 1 && choice("statistic", "Statistic", metric.statistics, params.get("statistic") ?? metric.statistics[0], ""),
    ...own.map((/** @type {any} */ each) => input(each, params.get(each.name))),
  ].filter(Boolean);
  const onsubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const isOther = given.has("definition") && given.get("definition") !== definition;
    const changes = /** @type {Record<string, string | null>} */ ({});
    for (const each of metric.parameters) changes[each.name] = isOther ? null : told(given, each.name, each.default);
    if (given.has("definition")) changes.definition = told(given, "definition", "default");
    if (given.has("statistic")) changes.statistic = told(given, "statistic", metric.statistics[0]);
    go(href(metric.name, changed(changes)));
  };
  return h("form.parameters", { onsubmit, "aria-label": "Parameters" }, h("h3", {}, "Parameters"), ...fields, h("div.actions", {}, h("button", { type: "submit", id: "apply-parameters" }, "Apply"), h("button.quiet", { type: "button", id: "reset-parameters", onclick: () => go(href(metric.name, changed(Object.fromEntries([...metric.parameters.map((/** @type {any} */ each) => each.name), "definition", "statistic"].map((name) => [name, null]))))) }, "Defaults")));
}

/** What stands in the URL: nothing for a default. @param {FormData} given @param {string} name @param {string | null} usual */
function told(given, name, usual) {
  const value = String(given.get(name) ?? "").trim();
  return value === "" || value === usual ? null : value;
}

/** @param {any} each @param {string | null} value */
function input(each, value) {
  const shown = value ?? each.default ?? "";
  const values = each.type === "boolean" ? ["true", "false"] : each.values;
  if (values.length) return choice(each.name, words(each.name), values, shown, each.meaning);
  const hint = each.type === "duration" && shown ? ` (${inWords(shown)})` : "";
  const inside = h("input", { id: `parameter-${each.name}`, name: each.name, value: shown, type: each.type === "integer" ? "number" : "text", autocomplete: "off", spellcheck: "false", "aria-describedby": `about-${each.name}` });
  return h("div.parameter", {}, h("label", { for: `parameter-${each.name}` }, words(each.name)), inside, h("p.quiet", { id: `about-${each.name}` }, each.meaning, hint));
}

/** @param {string} name @param {string} title @param {string[]} values @param {string} own @param {string} meaning */
function choice(name, title, values, own, meaning) {
  return h(
    "div.parameter",
    {},
    h("label", { for: `parameter-${name}` }, title),
    h("select", { id: `parameter-${name}`, name, "aria-describedby": meaning ? `about-${name}` : null }, values.map((value) => h("option", { value, selected: value === own }, words(value)))),
    meaning && h("p.quiet", { id: `about-${name}` }, meaning),
  );
}
