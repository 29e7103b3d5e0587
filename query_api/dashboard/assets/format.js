// Numbers, differences and times as people read them, in the browser's language.

/** @param {number} value @param {Intl.NumberFormatOptions} options */
const shown = (value, options) => new Intl.NumberFormat(undefined, options).format(value);
export const NOTHING = "–";

/** @typedef {{unit: string, currency?: string}} Measured  what has a unit: a body */

/** A value in its unit. @param {number | null | undefined} value @param {Measured} of */
export function number(value, of) {
  if (value === null || value === undefined) return NOTHING;
  if (of.unit === "ratio") return shown(value, { style: "percent", ...digits(100 * value, 1) });
  if (of.unit === "seconds") return duration(value);
  if (of.unit === "currency") return money(value, of.currency);
  return shown(value, Number.isInteger(value) ? {} : digits(value, 2));
}

/** A value for a narrow place, such as an axis. @param {number | null} value @param {Measured} of */
export function short(value, of) {
  if (value === null) return NOTHING;
  if (of.unit === "ratio") return shown(value, { style: "percent", maximumFractionDigits: 1 });
  if (of.unit === "seconds") return duration(value);
  if (of.unit === "currency") return shown(value, { style: "currency", currency: of.currency ?? "EUR", notation: "compact", maximumFractionDigits: 1 });
  return shown(value, { notation: "compact", maximumFractionDigits: 2 });
}

/** What follows the value: a unit that the value itself does not show. @param {Measured} of */
export const unitName = (of) => (["ratio", "seconds", "currency", "score"].includes(of.unit) ? "" : of.unit);

/** A difference with its sign; shares differ by points. @param {number} value @param {Measured} of */
export function difference(value, of) {
  const signed = /** @type {const} */ ({ signDisplay: "exceptZero" });
  if (of.unit === "ratio") return `${shown(100 * value, { ...signed, ...digits(100 * value, 1) })} points`;
  if (of.unit === "seconds") return (value > 0 ? "+" : value < 0 ? "−" : "±") + duration(Math.abs(value));
  if (of.unit === "currency") return shown(value, { ...signed, style: "currency", currency: of.currency ?? "EUR", ...(Math.abs(value) >= 10_000 ? { maximumFractionDigits: 0 } : {}) });
  return shown(value, { ...signed, ...(Number.isInteger(value) ? {} : digits(value, 2)) });
}

/** @param {number} share */
export const percent = (share) => shown(share, { style: "percent", maximumFractionDigits: share < 0.995 || share >= 1 ? 0 : 1 });
/** @param {number} value */
export const count = (value) => shown(value, {});

/** @param {{low: number | null, high: number | null} | null} interval @param {Measured} of */
export function range(interval, of) {
  if (!interval || (interval.low === null && interval.high === null)) return "";
  if (interval.high === null) return `at least ${number(interval.low, of)}`;
  if (interval.low === null) return `at most ${number(interval.high, of)}`;
  return `${number(interval.low, of)} – ${number(interval.high, of)}`;
}

/** More digits near zero, where they matter. @param {number} value @param {number} most */
function digits(value, most) {
  const size = Math.abs(value);
  const fraction = size >= 1000 ? 0 : size >= 10 ? 1 : size > 0 && size < 1 ? most + 1 : most;
  return { maximumFractionDigits: fraction, minimumFractionDigits: size >= 1000 || size === 0 ? 0 : Math.min(1, fraction) };
}

/** @param {number} value @param {string} [currency] */
function money(value, currency = "EUR") {
  return shown(value, { style: "currency", currency, ...(Math.abs(value) >= 100_000 ? { maximumFractionDigits: 0 } : {}) });
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 0) return `−${duration(-seconds)}`;
  const unit = (/** @type {number} */ value, /** @type {string} */ name, most = 0) =>
    shown(value, { style: "unit", unit: name, unitDisplay: "narrow", maximumFractionDigits: most });
  if (seconds < 60) return unit(seconds, "second", seconds < 10 ? 1 : 0);
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return unit(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return unit(seconds / 86400, "day", 1);
  return minutes % 60 ? `${unit(hours, "hour")} ${unit(minutes % 60, "minute")}` : unit(hours, "hour");
}

/** An ISO duration in words: PT24H is 24 hours. @param {string} text */
export function inWords(text) {
  const found = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (!found) return text;
  const names = ["week", "day", "hour", "minute", "second"];
  return found.slice(1).map((value, place) => (value ? shown(Number(value), { style: "unit", unit: names[place], unitDisplay: "long" }) : "")).filter(Boolean).join(" ");
}

/** A moment in a zone: with seconds only where asked. @param {string | number} when @param {string} [tz] @param {boolean} [seconds] */
export function moment(when, tz, seconds = false) {
  return inZone(when, tz, { dateStyle: "medium", timeStyle: seconds ? "medium" : "short" });
}

/** @param {string | number} when @param {string} [tz] */
export const clock = (when, tz) => inZone(when, tz, { timeStyle: "medium" });

/** @param {string | number} when @param {string | undefined} tz @param {Intl.DateTimeFormatOptions} options */
export const inZone = (when, tz, options) => new Intl.DateTimeFormat(undefined, { ...options, timeZone: tz }).format(new Date(when));

/** The window as two moments; whole days by their dates alone. @param {{start: string, end: string, tz: string}} window */
export function span(window) {
  const isMidnight = (/** @type {string} */ when) => inZone(when, window.tz, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }) === "00:00:00";
  if (isMidnight(window.start) && isMidnight(window.end)) {
    const [first, last] = [window.start, new Date(window.end).getTime() - 1000].map((when) => inZone(when, window.tz, { dateStyle: "medium" }));
    return first === last ? first : `${first} – ${last}`;
  }
  return `${moment(window.start, window.tz)} – ${moment(window.end, window.tz)}`;
}

/** A point of a series by its step. @param {string} when @param {string} step @param {string} tz */
export function pointName(when, step, tz) {
  if (step === "PT1H") return inZone(when, tz, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  if (step === "P1M") return inZone(when, tz, { month: "long", year: "numeric" });
  const day = inZone(when, tz, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
  return step === "P1W" ? `week from ${day}` : day;
}

/** A key as words. @param {string} key */
export const words = (key) => key.replaceAll("_", " ");
