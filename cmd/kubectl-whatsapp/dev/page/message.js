// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { cards, content, gone, inWords } from "./content.js";
import { el, fill, link } from "./dom.js";
import { icon } from "./icons.js";
import { clockTime, t } from "./texts.js";

// messageItem returns the list item of a message. quoted is the message that it replies to, act runs what is tapped.
export function messageItem(message, quoted, act) {
  const mine = message.from === "person";
  const bare = message.type === "sticker" && !message.deleted;

  const item = el(
    "li",
    {
      class: `message ${mine ? "mine" : "theirs"}`,
      tabIndex: -1,
      "data-id": message.id,
      "data-type": message.type,
    },
    el(
      "div",
      { class: bare ? "bubble bare" : "bubble" },
      quote(message, quoted, act),
      message.deleted ? gone("ban", t("deleted")) : content(message),
      el("div", { class: "meta" }),
      !message.deleted && menuButton(message, act),
    ),
    !message.deleted && message.cards && cards(message, (m, options) => taps(m, options, act)),
    !message.deleted && taps(message, message.options, act),
  );

  showStatus(item, message);

  return item;
}

// showStatus changes what a status or a reaction changes, and leaves the rest, in which a recording may play.
export function showStatus(item, message) {
  const who = t(message.from === "person" ? "you" : "they");
  const about = `${clockTime(message.at)}, ${t(`status-${message.status}`)}`;

  item.dataset.status = message.status;
  item.setAttribute("aria-label", `${who}: ${inWords(message)}. ${about}`);
  fill(item.querySelector(".meta"), meta(message));

  for (const before of item.querySelectorAll(":scope > .reason, :scope > .reactions")) before.remove();

  item.querySelector(".bubble").after(...[failure(message), reactions(message)].filter(Boolean));
}

// contentOf returns a text that differs if anything else than what showStatus shows does.
export function contentOf(message, quoted) {
  return JSON.stringify([{ ...message, status: "", failure: null, reactions: null, tapped: false }, quoted && inWords(quoted)]);
}

function failure({ failure: reason }) {
  return reason && el("p", { class: "reason" }, [reason.code, reason.text].filter(Boolean).join(": "));
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
      onclick: (event) => act.menu(message.id, event.currentTarget),
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

  return [
    message.edited && !message.deleted && el("span", { class: "edited" }, t("edited")),
    el("time", { dateTime: message.at }, clockTime(message.at)),
    drawing && el("span", { title: status }, icon(drawing), el("span", { class: "unseen" }, status)),
  ];
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

  if (option.kind === "url") return link(option.url, {}, inside);

  return el(
    "button",
    { type: "button", disabled: !(option.kind in act.options), onclick: () => act.options[option.kind](message, option) },
    inside,
  );
}
