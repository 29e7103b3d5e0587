// An installation that has counted nothing yet: what to do first.

import { h } from "./dom.js";

/** @param {boolean} takesEvents  whether producers send to this address too */
export function emptyInstallation(takesEvents) {
  const base = takesEvents ? location.origin : "http://YOUR-INGEST-HOST:8080";
  const curl = `curl -sS ${base}/v1/events -H 'Authorization: Bearer YOUR_WRITE_KEY' \\\n  -d '{"event":"product_viewed","anonymousId":"me","messageId":"first"}'`;
  return h(
    "section.empty",
    { "aria-labelledby": "first" },
    h("h1", { id: "first" }, "No event has arrived yet"),
    h("p", {}, "Two ways to begin. This page notices by itself."),
    h(
      "ol",
      {},
      h("li", {}, h("h2", {}, "Point an SDK here"), h("p", {}, "Any Segment, RudderStack or PostHog client works unchanged: set its host to"), copied("host", base), h("p.quiet", {}, "and its key to a write key of the tenants file.")),
      h("li", {}, h("h2", {}, "Or send one event by hand"), copied("curl", curl), h("p.quiet", {}, "Write keys stand in the tenants file; on the machine of the service, `sojourn keys` shows them.")),
    ),
    h("p", {}, "Paths of every client and webhook: ", h("a", { href: "/docs" }, "the API’s documentation"), "."),
  );
}

/** Text to take away. @param {string} name @param {string} text */
function copied(name, text) {
  const done = h("span", { role: "status" });
  const copy = async () => {
    await navigator.clipboard.writeText(text.replace(/\\\n\s*/g, ""));
    done.textContent = "copied";
  };
  return h("div.copied", {}, h("pre", { tabindex: 0, "aria-label": name }, h("code", {}, text)), navigator.clipboard && h("button", { type: "button", onclick: copy, "aria-label": `Copy the ${name}` }, "Copy"), done);
}
