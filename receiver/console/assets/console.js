// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Refreshes the parts of a page that have data-refresh, the number of seconds. It waits while the page is hidden, while a
// person selects text, fills in a form or has opened details inside, and while refreshing is stopped. While the receiver
// cannot be reached, the page says so and keeps what it shows.

"use strict";

const pause = document.getElementById("pause");
const stale = document.getElementById("stale");
let stopped = false;

function parts(of) {
  return [...of.querySelectorAll("[data-refresh]")];
}

function isBusy(part) {
  const selection = document.getSelection();

  return document.hidden || stopped ||
    part.contains(document.activeElement) ||
    part.querySelector("details[open]") !== null ||
    (selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode));
}

function interval() {
  return Math.min(...parts(document).map((part) => Number(part.dataset.refresh))) * 1000;
}

// warn shows why what the page shows may be old; nothing hides the warning.
function warn(text) {
  stale.hidden = !text;

  if (stale.textContent !== text) {
    stale.textContent = text;
  }
}

function replaceParts(next) {
  parts(document).forEach((part, i) => {
    if (!isBusy(part) && next[i].innerHTML !== part.innerHTML) {
      part.replaceChildren(...next[i].childNodes);
    }
  });
}

async function refresh() {
  if (!document.hidden && !stopped) {
    try {
      const response = await fetch(location.href, {headers: {Accept: "text/html"}, signal: AbortSignal.timeout(20000)});
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const next = parts(page);

      if (next.length === parts(document).length && page.title === document.title) {
        replaceParts(next);
        warn("");
      } else if (response.ok) {
        location.reload();
        return;
      } else {
        warn(next[0]?.textContent ?? stale.dataset.text);
      }
    } catch {
      warn(stale.dataset.text);
    }
  }

  setTimeout(refresh, interval());
}

if (parts(document).length > 0) {
  document.querySelector(".refresh").hidden = false;

  pause.addEventListener("click", () => {
    stopped = !stopped;
    pause.setAttribute("aria-pressed", String(stopped));
    pause.textContent = stopped ? pause.dataset.resume : pause.dataset.pause;
  });

  setTimeout(refresh, interval());
}
