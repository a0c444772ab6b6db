"use strict";
// Filters by verdict and by text. A page without script shows everything.
const off = new Set();
const cases = [...document.querySelectorAll("details")];
const search = document.getElementById("search");
const problems = document.getElementById("problems");

function show() {
  const wanted = search.value.trim().toLowerCase();
  for (const one of cases) {
    one.hidden = off.has(one.dataset.verdict) || (wanted !== "" && !one.textContent.toLowerCase().includes(wanted));
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = [...section.querySelectorAll("details")].every((one) => one.hidden);
  }
  document.getElementById("none").hidden = cases.some((one) => !one.hidden);
}

for (const button of document.querySelectorAll("button[data-verdict]")) {
  button.addEventListener("click", () => {
    const verdict = button.dataset.verdict;
    if (!off.delete(verdict)) off.add(verdict);
    button.ariaPressed = String(!off.has(verdict));
    if (problems) problems.ariaPressed = "false";
    show();
  });
}
search.addEventListener("input", show);
problems?.addEventListener("click", () => {
  const only = problems.ariaPressed !== "true";
  problems.ariaPressed = String(only);
  off.clear();
  for (const button of document.querySelectorAll("button[data-verdict]")) {
    const bad = ["failed", "non-strict"].includes(button.dataset.verdict);
    if (only && !bad) off.add(button.dataset.verdict);
    button.ariaPressed = String(!only || bad);
  }
  show();
});
