// What a browser with scripts gets on top. Every page works without this file.
"use strict";

// Fields that do not hold what the page came with.
const entered = (within) => [...within.querySelectorAll("input, select, textarea")].filter((field) => field.options
  ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected))
  : field.checked !== field.defaultChecked || field.value !== field.defaultValue);

// The request form: work out again what it takes, and what is wrong, while one types.
for (const form of document.querySelectorAll("form[data-check]")) {
  const touched = new Set();
  let timer = 0, running = null;
  const tell = (problems) => {
    for (const place of form.querySelectorAll("[id^='wrong-']")) {
      const field = place.id.slice(6), begun = touched.has(field) || form.elements[field]?.value;
      const told = begun ? problems[field] : undefined;
      place.hidden = !told;
      place.textContent = told ? `✘ ${told}` : "";
      for (const input of form.querySelectorAll(`[aria-describedby~="${CSS.escape(place.id)}"]`)) {
        if (told) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
      }
    }
  };
  const check = async () => {
    clearTimeout(timer);
    running?.abort();
    const mine = running = new AbortController();
    let status = 503, found; // unless a whole answer comes
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: mine.signal });
      if (answer.ok) found = await answer.json();
      status = answer.status;
    } catch {
      if (mine.signal.aborted) return; // a later check took its place
    }
    if (found) {
      document.getElementById("takes").innerHTML = found.takes;
      tell(found.problems);
    } else if (status === 429 || status >= 500) {
      timer = setTimeout(check, 3000);
    }
  };
  const later = (event) => {
    if (!event.target.name) return;
    touched.add(event.target.name);
    clearTimeout(timer);
    timer = setTimeout(check, 350);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  // No event tells of what was entered before this script came, or what the browser kept from an earlier visit.
  addEventListener("pageshow", () => {
    for (const field of entered(form)) later({ target: field });
  });
  for (const button of form.querySelectorAll("[data-plain]")) button.hidden = true;
}

// A summary of what is wrong, or what is shown only once, takes the focus: a page that was loaded again would not.
document.querySelector("[role=alert][tabindex], [role=status][tabindex]")?.focus();

// Progress: the page's part again at each event, the whole page after the last. Nothing that somebody types is lost.
for (const place of document.querySelectorAll("[data-events]")) {
  const events = new EventSource(place.dataset.events);
  let shown = place.dataset.shown;
  const renew = async () => {
    const answer = await fetch(place.dataset.part);
    if (!answer.ok || answer.redirected) return;
    const fresh = await answer.text();
    const kept = entered(place).map(({ id, value }) => [id, value]);
    const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
    place.innerHTML = fresh;
    for (const [id, value] of kept) {
      const field = document.getElementById(id);
      if (field) field.value = value;
    }
    document.getElementById(focused)?.focus();
  };
  events.addEventListener("progress", (event) => {
    if (shown !== event.data) renew();
    shown = event.data;
  });
  events.addEventListener("end", () => {
    events.close();
    if (!entered(document).length) location.reload();
  });
}

// A form is sent once, however often its button is pressed; one that opens a tab leaves this page as it is.
document.addEventListener("submit", (event) => {
  if (event.target.target === "_blank") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
  addEventListener("pageshow", () => { delete event.target.dataset.sent; }, { once: true });
});
