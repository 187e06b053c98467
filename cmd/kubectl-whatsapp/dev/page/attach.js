// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { sendMessage } from "./api.js";
import { el } from "./dom.js";
import { openForm, openMenu, openSheet } from "./overlay.js";
import { t } from "./texts.js";

// The files that WhatsApp's app lets a person choose for each type.
const accepted = {
  image: "image/*",
  video: "video/*",
  document: "",
  voice: "audio/*",
  audio: "audio/*",
  sticker: "image/webp",
};

// kindOfFile returns the type of message for a file that was dropped or pasted.
export function kindOfFile(file) {
  const kind = file.type.split("/")[0];

  return kind in accepted ? kind : "document";
}

// attachMenu shows what a person can send besides texts.
export function attachMenu(button, composer) {
  const file = (label, drawing, type = label) => ({
    label: t(label),
    icon: drawing,
    run: () => chooseFile(type, composer),
  });
  const sheet = (label, drawing, open) => ({ label: t(label), icon: drawing, run: () => open(composer) });

  openMenu(button, t("attach"), [
    file("photo", "photo", "image"),
    file("video", "video"),
    file("document", "document"),
    file("voice-file", "voice", "voice"),
    file("audio", "audio"),
    sheet("location", "location", openLocation),
    sheet("contact", "contact", openContact),
    sheet("sticker", "sticker", openStickers),
    sheet("order", "order", sendOrder),
    sheet("unsupported-send", "ban", sendUnsupported),
  ]);
}

function chooseFile(type, composer) {
  const input = el("input", {
    type: "file",
    accept: accepted[type],
    hidden: true,
    "data-type": type,
    onchange: () => {
      if (input.files[0]) composer.attachFile(type, input.files[0]);
      input.remove();
    },
    oncancel: () => input.remove(),
  });

  document.body.append(input);
  input.click();
}

const send = (composer, message) =>
  sendMessage({ person: composer.model.chosen, reply_to: composer.replyTo?.id, ...message });

// openLocation asks for a place. replyTo is the message that asked for it, if one did.
export function openLocation(composer, replyTo) {
  const place = { name: t("sample-place"), address: t("sample-address"), latitude: "4.5981", longitude: "-74.0758" };
  const field = (name, properties) => ({ name, label: t(name), value: place[name], ...properties });
  const coordinate = (name, limit) =>
    field(name, { type: "number", step: "any", min: -limit, max: limit, required: true });

  openForm(
    t("location"),
    [field("name"), field("address"), coordinate("latitude", 90), coordinate("longitude", 180)],
    t("send"),
    async ({ name, address, latitude, longitude }) => {
      const location = { latitude: Number(latitude), longitude: Number(longitude), name, address };
      await send(composer, { type: "location", location, ...(replyTo && { reply_to: replyTo.id }) });
      composer.clear();
    },
  );
}

function openContact(composer) {
  const field = (name, value, properties) => ({ name, label: t(name), value, ...properties });

  openForm(
    t("contact"),
    [
      field("name", "Ana Pérez", { required: true }),
      field("phone", "+57 300 555 0123", { type: "tel" }),
      field("email", "ana@example.com", { type: "email" }),
      field("company", ""),
    ],
    t("send"),
    async (contact) => {
      await send(composer, { type: "contacts", contacts: [contact] });
      composer.clear();
    },
  );
}

// openStickers offers emoji as stickers, in the size and format that WhatsApp has for them, and a file.
function openStickers(composer) {
  const close = openSheet(
    t("sticker"),
    el(
      "div",
      { class: "sticker-grid" },
      ["😀", "😍", "🎉", "🙏", "🐱", "🌮", "🚀", "❤️"].map((emoji) =>
        el(
          "button",
          {
            type: "button",
            "aria-label": t("sticker-of", { emoji }),
            onclick: async () => {
              close();
              const file = await drawSticker(emoji);
              await composer.send(() => composer.sendFile({ type: "sticker", file }));
            },
          },
          emoji,
        ),
      ),
    ),
    el("form", null, el("button", { type: "button", class: "plain", onclick: () => { close(); chooseFile("sticker", composer); } }, t("sticker-file"))),
  );
}

const stickerSize = 512;

function drawSticker(emoji) {
  const canvas = el("canvas", { width: stickerSize, height: stickerSize });
  const pen = canvas.getContext("2d");

  pen.font = "400px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(emoji, stickerSize / 2, stickerSize / 2 + 28);

  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(new File([blob], "sticker.webp", { type: blob.type })), "image/webp", 0.8);
  });
}

function sendOrder(composer) {
  return composer.send(() => send(composer, { type: "order", text: t("sample-order") }));
}

function sendUnsupported(composer) {
  return composer.send(() => send(composer, { type: "unsupported" }));
}
