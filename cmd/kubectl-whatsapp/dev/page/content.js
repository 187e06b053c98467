// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { el, link, webAddress } from "./dom.js";
import { formatted } from "./format.js";
import { icon } from "./icons.js";
import { player } from "./player.js";
import { fileSize, price, t } from "./texts.js";

// What a bubble holds, in the order of WhatsApp: header, media, cards, text, footer.

const onlyEmoji = /^(?:\p{Extended_Pictographic}[\p{Emoji_Modifier}\u200d\ufe0f\p{Extended_Pictographic}]*){1,3}$/u;

// content returns the nodes inside the bubble of a message.
export function content(message) {
  return [
    message.forwarded && el("p", { class: "footer" }, t("forwarded")),
    message.template && el("span", { class: "badge" }, t("template", message.template)),
    message.sender && message.sender !== "ai" && el("span", { class: "badge" }, t(`sender-${message.sender}`)),
    message.header && el("p", { class: "heading", dir: "auto" }, message.header),
    message.media && media(message.media, message.type),
    message.location && place(message.location),
    (message.contacts || []).map(contact),
    message.products && products(message),
    message.type === "unsupported" && !message.text && gone("ban", t("unsupported")),
    text(message),
    message.footer && el("p", { class: "footer", dir: "auto" }, message.footer),
  ];
}

export const gone = (drawing, words) => el("span", { class: "gone" }, icon(drawing), words);

function text(message) {
  if (!message.text) return null;

  const large = message.type === "text" && onlyEmoji.test(message.text.trim());

  return el("div", { class: large ? "text large" : "text", dir: "auto" }, formatted(message.text));
}

function media(file, type) {
  const kind = type === "interactive" || type === "template" ? kindOf(file) : type;

  switch (kind) {
    case "image":
      return link(
        file.url,
        { class: "picture", "aria-label": t("open-photo") },
        el("img", { src: webAddress(file.url), alt: t("photo"), loading: "lazy" }),
      );
    case "video":
      return el(
        "div",
        { class: "picture" },
        el("video", { src: webAddress(file.url), controls: true, preload: "metadata", playsInline: true, "aria-label": t("video") }),
      );
    case "audio":
      return player(file);
    case "sticker":
      return el("img", { class: "sticker", src: webAddress(file.url), alt: t("sticker") });
    default:
      return documentCard(file);
  }
}

const kindOf = (file) => (file.mime_type || "").split("/")[0];

function documentCard(file) {
  const about = [file.mime_type, file.size > 0 && fileSize(file.size)].filter(Boolean).join(", ");

  return link(
    file.url,
    { class: "card", download: file.filename || "" },
    icon("document"),
    el("span", null, el("b", { dir: "auto" }, file.filename || t("document")), el("small", null, about)),
  );
}

function place({ latitude, longitude, name, address }) {
  const at = `${latitude},${longitude}`;

  return [
    el("div", { class: "map", "aria-hidden": "true" }, icon("location")),
    el("p", { class: "heading", dir: "auto" }, name || t("location")),
    address && el("p", { dir: "auto" }, address),
    link(`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}`, { class: "footer" }, at),
  ];
}

function contact({ name, phone, email, company }) {
  const about = [company, phone, email].filter(Boolean).join(" · ");

  return el(
    "div",
    { class: "card" },
    icon("contact"),
    el("div", null, el("b", { dir: "auto" }, name), el("small", { dir: "auto" }, about)),
  );
}

function products({ type, products: items }) {
  return items.map((item) =>
    el(
      "div",
      { class: "card" },
      icon("order"),
      el(
        "div",
        null,
        el("b", null, item.id),
        el("small", null, type === "order" ? `${item.quantity || 1} × ${price(item.price, item.currency)}` : item.catalog),
      ),
    ),
  );
}

// cards returns a carousel; taps makes the options of a card.
export function cards(message, taps) {
  return el(
    "div",
    { class: "carousel", tabIndex: 0, role: "group", "aria-label": t("cards") },
    message.cards.map((card) =>
      el(
        "div",
        null,
        el(
          "div",
          { class: "bubble" },
          card.media && media(card.media, kindOf(card.media) || "image"),
          card.product && products({ products: [card.product] }),
          card.text && el("div", { class: "text", dir: "auto" }, formatted(card.text)),
        ),
        taps(message, card.options),
      ),
    ),
  );
}

const words = {
  image: "photo",
  video: "video",
  document: "document",
  sticker: "sticker",
  location: "location",
  contacts: "contact",
  order: "order",
  template: "template-message",
  unsupported: "unsupported",
};

// inWords describes a message in one line, for quotes, traces and screen readers.
export function inWords(message) {
  if (message.deleted) return t("deleted");
  if (message.type === "audio" && !message.text) return t(message.media?.voice ? "voice" : "audio");

  const word = words[message.type] && t(words[message.type]);
  const rest = message.text || message.media?.filename || message.location?.name || message.contacts?.[0]?.name;

  return [word, rest].filter(Boolean).join(": ") || message.header || message.type;
}

export const drawingOf = (message) =>
  ({ image: "photo", audio: message.media?.voice ? "voice" : "audio", contacts: "contact", tap: "reply" })[message.type] ||
  (message.type in words ? message.type : "text");
