"use strict";
// Filters by verdict and by text. A page without script shows everything.
const off = new Set();
const cases = [...document.querySelectorAll("details")];
const search = document.getElementById("search");

function show() {
  const wanted = search.value.trim().toLowerCase();
  for (const one of cases) {
    one.hidden = off.has(one.dataset.verdict) || (wanted !== "" && !one.textContent.toLowerCase().includes(wanted));
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = [...section.querySelectorAll("details")].every((one) => one.hidden);
  }
}

for (const button of document.querySelectorAll("button[data-verdict]")) {
  button.addEventListener("click", () => {
    const verdict = button.dataset.verdict;
    if (!off.delete(verdict)) off.add(verdict);
    button.ariaPressed = String(!off.has(verdict));
    show();
  });
}
search.addEventListener("input", show);
