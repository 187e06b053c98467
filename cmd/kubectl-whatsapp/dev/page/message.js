// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { cards, content, gone, inWords } from "./content.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { clockTime, t } from "./texts.js";

// messageItem returns the list item of a message. quoted is the message that it replies to, act runs what is tapped.
export function messageItem(message, quoted, act) {
  const mine = message.from === "person";
  const who = t(mine ? "you" : "they");
  const bare = message.type === "sticker" && !message.deleted;

  return el(
    "li",
    {
      class: `message ${mine ? "mine" : "theirs"}`,
      tabIndex: -1,
      "aria-label": `${who}: ${inWords(message)}. ${clockTime(message.at)}, ${t(`status-${message.status}`)}`,
      "data-id": message.id,
      "data-type": message.type,
      "data-from": message.from,
      "data-status": message.status,
    },
    el(
      "div",
      { class: bare ? "bubble bare" : "bubble" },
      quote(message, quoted, act),
      message.deleted ? gone("ban", t("deleted")) : content(message),
      meta(message),
      !message.deleted && menuButton(message, act),
    ),
    message.failure && el("p", { class: "reason" }, [message.failure.code, message.failure.text].filter(Boolean).join(": ")),
    reactions(message),
    !message.deleted && message.cards && cards(message, (m, options) => taps(m, options, act)),
    !message.deleted && taps(message, message.options, act),
  );
}

function menuButton(message, act) {
  return el(
    "button",
    {
      type: "button",
      class: "menu-button",
      tabIndex: -1,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": t("actions"),
      onclick: (event) => act.menu(message, event.currentTarget),
    },
    icon("more"),
  );
}

function quote(message, quoted, act) {
  if (!message.reply_to || message.deleted) return null;

  return el("button", { type: "button", class: "quoted", onclick: () => act.show(message.reply_to) }, quoteContent(quoted));
}

// quoteContent returns who wrote a quoted message, and what.
export function quoteContent(quoted) {
  if (!quoted) return el("span", null, t("quote-missing"));

  return [
    el("b", null, t(quoted.from === "person" ? "you" : "they")),
    el("span", { dir: "auto" }, inWords(quoted)),
  ];
}

// WhatsApp shows played like read.
const drawings = {
  sending: "clock",
  sent: "sent",
  delivered: "delivered",
  read: "read",
  played: "read",
  failed: "failed",
};

function meta(message) {
  const drawing = drawings[message.status];
  const status = t(`status-${message.status}`);

  return el(
    "div",
    { class: "meta" },
    message.edited && !message.deleted && el("span", { class: "edited" }, t("edited")),
    el("time", { dateTime: message.at }, clockTime(message.at)),
    drawing && el("span", { title: status }, icon(drawing), el("span", { class: "unseen" }, status)),
  );
}

function reactions(message) {
  if (!message.reactions?.length || message.deleted) return null;

  const label = message.reactions.map((r) => `${t(r.from === "person" ? "you" : "they")} ${r.emoji}`).join(", ");

  return el("div", { class: "reactions", role: "img", "aria-label": label }, message.reactions.map((r) => r.emoji).join(" "));
}

// taps returns the options below a message. The rows of a list open as a sheet.
function taps(message, options, act) {
  if (!options?.length) return null;

  const rows = options.filter((option) => option.kind === "row");
  const others = options.filter((option) => option.kind !== "row");

  return el(
    "div",
    { class: "taps" },
    others.map((option) => tapOf(message, option, act)),
    rows.length > 0 &&
      el(
        "button",
        { type: "button", "aria-haspopup": "dialog", onclick: () => act.rows(message, rows) },
        icon("list"),
        message.list_button || t("menu"),
      ),
  );
}

const optionDrawings = {
  reply: "reply",
  quick_reply: "reply",
  url: "open",
  phone: "phone",
  copy: "document",
  location: "location",
  form: "edit",
};

function tapOf(message, option, act) {
  const inside = [optionDrawings[option.kind] && icon(optionDrawings[option.kind]), option.title];

  if (option.kind === "url" && /^https?:\/\//i.test(option.url || "")) {
    return el("a", { href: option.url, target: "_blank", rel: "noopener noreferrer" }, inside);
  }

  return el(
    "button",
    { type: "button", disabled: !(option.kind in act.options), onclick: () => act.options[option.kind](message, option) },
    inside,
  );
}
