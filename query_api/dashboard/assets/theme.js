// Before anything is drawn: the colours that were chosen here, if not the system's. A plain script, for it must not wait.
"use strict";
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  } catch {
    // No storage, no choice: the system's colours.
  }
})();
