// Replaces the values by those of a freshly rendered page, every two seconds while the page is in view.
"use strict";
async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("values");
    if (fresh) document.getElementById("values").replaceWith(document.adoptNode(fresh));
  } catch {
    // The service is away: keep what is shown, try again.
  }
}
setInterval(refresh, 2000);
