// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Refreshes the parts of a page that have data-refresh, the number of seconds. It waits while the page is hidden, while a
// person has details open or text selected, and while refreshing is stopped. While the receiver cannot be reached or does not
// answer, the page says so and keeps what it shows. A text that is not sent yet is kept in this tab while a person does something
// else.

"use strict";

const pause = document.getElementById("pause");
const stale = document.getElementById("stale");
const reading = document.getElementById("reading");
let stopped = false;

function parts(of) {
  return [...of.querySelectorAll("[data-refresh]")];
}

function isReading() {
  const selection = document.getSelection();
  const main = document.querySelector("main");

  return main.querySelector("details[open]") !== null ||
    !selection.isCollapsed && main.contains(selection.anchorNode);
}

// Changes an element into another one, and keeps the nodes that stay: with them the focus, and what live regions announced.
function patch(old, next) {
  for (const {name} of [...old.attributes]) {
    if (!next.hasAttribute(name)) {
      old.removeAttribute(name);
    }
  }

  for (const {name, value} of next.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }

  patchChildren(old, next);
}

// Children with a key stay with their key, and others with their place.
function patchChildren(old, next) {
  const keys = new Set([...next.children].map((child) => child.dataset.key));
  const keyed = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));

  for (const [key, child] of keyed) {
    if (!keys.has(key)) {
      child.remove();
    }
  }

  let place = old.firstChild;

  for (const child of [...next.childNodes]) {
    const key = child.dataset?.key;
    const same = key ? keyed.get(key) : place;

    if (!same || same.nodeName !== child.nodeName || same.dataset?.key !== key) {
      old.insertBefore(child, place);
      continue;
    }

    if (same !== place) {
      old.insertBefore(same, place);
    }

    if (same.nodeType === Node.ELEMENT_NODE) {
      patch(same, child);
    } else if (same.data !== child.data) {
      same.data = child.data;
    }

    place = same.nextSibling;
  }

  while (place) {
    const rest = place.nextSibling;
    place.remove();
    place = rest;
  }
}

// Shows the parts of a page that was loaded. The focus stays, or goes to the content if its element is gone.
function show(page) {
  const focused = document.activeElement;

  parts(page).forEach((next, i) => patch(parts(document)[i], next));

  if (document.activeElement !== focused) {
    (focused.isConnected ? focused : document.querySelector("main")).focus({preventScroll: true});
  }
}

// warn shows why what the page shows may be old; nothing hides the warning.
function warn(text) {
  stale.hidden = !text;

  if (stale.textContent !== text) {
    stale.textContent = text;
  }
}

// The page that is shown. After an act that was refused, the address is that of the act, which cannot be loaded again.
const page = document.querySelector("main").dataset.page;

async function refresh() {
  reading.hidden = stopped || !isReading();

  if (!document.hidden && !stopped && reading.hidden) {
    const slow = setTimeout(() => warn(stale.dataset.slow), 5000);

    try {
      const response = await fetch(page, {headers: {Accept: "text/html"}, signal: AbortSignal.timeout(20000)});
      const next = new DOMParser().parseFromString(await response.text(), "text/html");
      const isSame = parts(next).length === parts(document).length && next.title === document.title;

      if (stopped) {
        warn(""); // a person stopped it meanwhile: the page stays as it is
      } else if (isSame && !isReading()) {
        show(next);
        warn("");
      } else if (!isSame && response.ok) {
        location.replace(page);
        return;
      } else if (!isSame) {
        warn(parts(next)[0]?.textContent ?? stale.dataset.text);
      }
    } catch (error) {
      warn(error.name === "TimeoutError" ? stale.dataset.slow : stale.dataset.text);
    } finally {
      clearTimeout(slow);
    }
  }

  setTimeout(refresh, interval());
}

function interval() {
  return Math.min(...parts(document).map((part) => Number(part.dataset.refresh))) * 1000;
}

if (parts(document).length > 0) {
  document.querySelector(".refresh").hidden = false;

  pause.addEventListener("click", () => {
    stopped = !stopped;
    pause.textContent = stopped ? pause.dataset.resume : pause.dataset.pause;
  });

  setTimeout(refresh, interval());
}

// The text to a person, and the key by which the receiver recognizes it. It is kept until a page confirms that it was sent: sent
// again with its key, the person gets it once.
const text = document.querySelector("textarea:not([readonly])");

if (text) {
  const key = text.form.elements.key;
  const name = "text of " + new URL(page, location).pathname;
  const keep = (isSent) => sessionStorage.setItem(name, JSON.stringify({text: text.value, key: key.value, isSent}));
  const kept = JSON.parse(sessionStorage.getItem(name));

  if (text.value) {
    keep(false); // it was refused, or not confirmed
  } else if (kept?.isSent && new URLSearchParams(location.search).get("done") === "send") {
    sessionStorage.removeItem(name);
  } else if (kept?.text) {
    text.value = kept.text;
    key.value = kept.key;
  }

  text.addEventListener("input", () => keep(false));
  text.form.addEventListener("submit", () => keep(true));
}
