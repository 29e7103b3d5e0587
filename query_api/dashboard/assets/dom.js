// Elements without markup in strings: text stays text, whatever a segment or an id is called.

/** @typedef {Node | string | number | null | undefined | false} Child */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `tag` may carry classes: `p.note.quiet`. An attribute that is null or false is left out; `on…` listens.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  return made(document.createElement(tag.split(".")[0]), tag, attributes, children);
}

/**
 * The same in SVG.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  return made(document.createElementNS(SVG, tag.split(".")[0]), tag, attributes, children);
}

/** @param {Element} element @param {string} tag @param {Record<string, any>} attributes @param {any[]} children */
function made(element, tag, attributes, children) {
  const classes = tag.split(".").slice(1).join(" ");
  if (classes) element.setAttribute("class", classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** For screen readers only. @param {...Child} children */
export const unseen = (...children) => h("span.unseen", {}, ...children);

/** A sign that only repeats what is said in words beside it. @param {string} sign */
export const sign = (sign) => h("span.sign", { "aria-hidden": "true" }, sign);

/** Puts new children into `place` and leaves the focus where it was, by id. @param {Element} place @param {...(Child | Child[])} children */
export function refill(place, ...children) {
  const focused = place.contains(document.activeElement) ? document.activeElement?.id : "";
  place.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : String(child))));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
