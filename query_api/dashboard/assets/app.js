// Starts the page: what the catalogue lists, at what the URL says.

import * as api from "./api.js";
import { Controls, home } from "./controls.js";
import { h, refill, sign } from "./dom.js";
import { emptyInstallation } from "./empty.js";
import { Freshness } from "./freshness.js";
import { MetricPage } from "./metric.js";
import { Overview } from "./overview.js";
import { broken } from "./remarks.js";
import { onChange, state } from "./state.js";

const RETRY = 3000;
const place = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const told = (/** @type {string} */ name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute("content");

async function start() {
  const freshness = new Freshness(place("freshness"), place("notices"));
  freshness.ask();
  let catalogue;
  try {
    catalogue = await api.catalogue();
  } catch (error) {
    const problem = api.problemOf(error);
    refill(place("main"), broken(problem));
    if (problem.retryable) setTimeout(start, RETRY);
    return;
  }
  const controls = new Controls(/** @type {HTMLFormElement} */ (place("controls")), catalogue);
  let page = /** @type {any} */ (null);
  let shown = /** @type {string | null | undefined} */ (undefined);
  let isEmpty = false;

  function route() {
    const { metric } = state();
    controls.draw();
    place("home").setAttribute("href", home());
    place("controls").hidden = isEmpty;
    if (isEmpty) return;
    page?.stop();
    const found = catalogue.metrics.find((/** @type {any} */ each) => each.name === metric);
    if (metric && !found) {
      page = null;
      document.title = "No such metric · Sojourn";
      refill(place("main"), broken({ code: "unknown_metric", title: "There is no such metric", detail: metric, retryable: false }), h("p", {}, h("a", { href: home() }, "← All metrics")));
    } else {
      const isReturn = shown !== undefined && !metric;
      page = found ? new MetricPage(found, catalogue, freshness) : new Overview(catalogue, freshness);
      page.open(place("main"), shown !== undefined);
      if (isReturn) document.getElementById(`card-${shown}`)?.focus();
    }
    shown = metric;
  }

  onChange((now, before) => {
    if (isEmpty || now.metric !== before.metric || !page) return route();
    controls.draw();
    place("home").setAttribute("href", home());
    page.update(before);
  });

  freshness.onStatus = (status) => {
    freshness.isEmpty = !status.events_stored;
    if (!status.events_stored && !isEmpty) {
      isEmpty = true;
      page?.stop();
      place("controls").hidden = true;
      refill(place("main"), emptyInstallation(told("takes-events") === "true"));
      document.body.dataset.empty = "true";
      clearInterval(watching);
      watching = setInterval(() => freshness.ask(), 2000);
    } else if (status.events_stored && isEmpty) {
      isEmpty = false;
      delete document.body.dataset.empty;
      clearInterval(watching);
      route();
    }
  };
  let watching = 0;
  if (freshness.behind) freshness.onStatus(freshness.behind);
  if (!isEmpty) route();
}

/** Light, dark, or as the system has it. */
function themes() {
  const button = place("theme");
  const names = /** @type {Record<string, string>} */ ({ "": "◐ Auto", light: "☀ Light", dark: "☾ Dark" });
  const draw = () => {
    const own = document.documentElement.dataset.theme ?? "";
    const [mark, name] = names[own].split(" ");
    refill(button, sign(mark), " ", h("span.theme-name", {}, name));
    button.setAttribute("aria-label", `Colours: ${name}. Change.`);
  };
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const next = { "": "light", light: "dark", dark: "" }[root.dataset.theme ?? ""] ?? "";
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // It holds for this page then.
    }
    draw();
    dispatchEvent(new Event("theme"));
  });
  draw();
}

themes();
start();
