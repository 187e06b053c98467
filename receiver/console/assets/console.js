// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Refreshes the parts of a page that have data-refresh, the number of seconds. It waits while the page is hidden, while a
// person selects text, fills in a form or has opened details inside, and while refreshing is stopped.

"use strict";

const pause = document.getElementById("pause");
let stopped = false;

function refreshed() {
  return document.querySelector("[data-refresh]");
}

function isBusy(part) {
  const selection = document.getSelection();

  return document.hidden || stopped ||
    part.contains(document.activeElement) ||
    part.querySelector("details[open]") !== null ||
    (selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode));
}

async function refresh() {
  const part = refreshed();
  if (part === null) {
    return;
  }

  if (!isBusy(part)) {
    try {
      const response = await fetch(location.href, {headers: {Accept: "text/html"}, signal: AbortSignal.timeout(20000)});
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const next = page.querySelector("[data-refresh]");

      if (next === null || (response.ok && page.title !== document.title)) {
        location.reload();
        return;
      }

      if (response.ok && !isBusy(part) && next.innerHTML !== part.innerHTML) {
        part.replaceChildren(...next.childNodes);
      }
    } catch {
      // The next refresh tries again.
    }
  }

  setTimeout(refresh, Number(part.dataset.refresh) * 1000);
}

if (refreshed() !== null) {
  document.querySelector(".refresh").hidden = false;

  pause.addEventListener("click", () => {
    stopped = !stopped;
    pause.setAttribute("aria-pressed", String(stopped));
    pause.textContent = stopped ? pause.dataset.resume : pause.dataset.pause;
  });

  setTimeout(refresh, Number(refreshed().dataset.refresh) * 1000);
}
