// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { append, el } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./texts.js";

// What opens over the page: a menu beside its button, and a sheet. Both close with Escape and give the focus back.

// openMenu shows a menu near an element. Items have a label, a run, and either an icon or an emoji; emoji are one row.
// back gives the focus back when the menu closes.
export function openMenu(near, label, items, back = () => near.focus()) {
  const close = () => {
    menu.remove();
    near.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", close);
  };

  const item = ({ label: name, run, icon: drawing, emoji }) =>
    el(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabIndex: -1,
        "aria-label": emoji ? name : undefined,
        onclick: () => {
          close();
          back();
          run();
        },
      },
      emoji || [icon(drawing), name],
    );

  const emoji = items.filter((i) => i.emoji);
  const menu = el(
    "div",
    { class: "menu", role: "menu", "aria-label": label, onkeydown: (event) => moveInMenu(event, menu, () => { close(); back(); }) },
    emoji.length > 0 && el("div", { class: "emoji", role: "none" }, emoji.map(item)),
    items.filter((i) => !i.emoji).map(item),
  );

  const outside = (event) => {
    if (!menu.contains(event.target)) close();
  };

  document.querySelector("main").append(menu);
  place(menu, near.getBoundingClientRect());
  near.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  addEventListener("resize", close);
  menu.querySelector("[role=menuitem]").focus();
}

function moveInMenu(event, menu, close) {
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const moves = {
    ArrowDown: at + 1,
    ArrowRight: at + 1,
    ArrowUp: at - 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: -1,
  };

  if (event.key === "Escape" || event.key === "Tab") close();
  else if (event.key in moves) items.at(moves[event.key] % items.length).focus();
  else return;

  event.preventDefault();
  event.stopPropagation();
}

// place puts a menu below or above a rectangle, within the window.
function place(menu, near) {
  const gap = 6;
  const edge = 8;
  const { width, height } = menu.getBoundingClientRect();
  const below = near.bottom + gap + height <= innerHeight - edge;
  const top = below ? near.bottom + gap : near.top - gap - height;

  menu.style.top = `${Math.max(edge, Math.min(top, innerHeight - edge - height))}px`;
  menu.style.left = `${Math.max(edge, Math.min(near.left, innerWidth - edge - width))}px`;
}

// openSheet shows content in a dialog with a title. It returns a function that closes it.
export function openSheet(title, ...content) {
  const before = document.activeElement;
  const close = () => dialog.close();
  const dialog = el(
    "dialog",
    {
      class: "sheet",
      "aria-label": title,
      onclose: () => {
        dialog.remove();
        before?.focus();
      },
      onclick: (event) => event.target === dialog && close(),
    },
    el(
      "header",
      null,
      el("h2", null, title),
      el("button", { type: "button", class: "round", "aria-label": t("close"), onclick: close }, icon("close")),
    ),
  );

  append(dialog, content);
  document.body.append(dialog);
  dialog.showModal();

  return close;
}

// openForm shows a sheet with fields. Fields have a name, a label, a value, and properties of their input. done gets the
// values by name; what it throws is shown, and the sheet stays open.
export function openForm(title, fields, action, done) {
  const inputs = new Map();
  const problem = el("p", { class: "reason", role: "alert" });

  const field = ({ name, label, multiline, ...properties }) => {
    const input = el(multiline ? "textarea" : "input", { class: "field", name, ...properties });
    inputs.set(name, input);

    return el("label", null, label, input);
  };

  const submit = async (event) => {
    event.preventDefault();

    try {
      await done(Object.fromEntries([...inputs].map(([name, input]) => [name, input.value.trim()])));
      close();
    } catch (error) {
      problem.textContent = error.message;
    }
  };

  const close = openSheet(
    title,
    el("form", { onsubmit: submit }, fields.map(field), problem, el("button", { class: "primary" }, action)),
  );

  inputs.values().next().value?.focus();
}
