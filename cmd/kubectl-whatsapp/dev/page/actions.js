// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { deleteMessage, react, tap } from "./api.js";
import { openLocation } from "./attach.js";
import { el } from "./dom.js";
import { openForm, openMenu, openSheet } from "./overlay.js";
import { t } from "./texts.js";

const emoji = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

// The types whose text or caption WhatsApp lets a person change.
const editable = new Set(["text", "image", "video", "document"]);

// actionsOf returns what a person can do with messages: the actions of one, and taps on its options. reveal gives a message
// the focus.
export function actionsOf(composer, reveal) {
  const run = (call) => call().catch((error) => composer.fail(error));
  const tapOption = (message, option) => run(() => tap(message, option.id));

  return {
    show: reveal,
    menu: (id, near) => openActions(composer.model.messages.get(id), near, { composer, run, reveal }),
    rows: (message, rows) => openRows(message, rows, tapOption),
    options: {
      reply: tapOption,
      quick_reply: tapOption,
      phone: (_, option) => copy(option.value, composer),
      copy: (_, option) => copy(option.value, composer),
      location: (message) => openLocation(composer, message),
      form: openFlow,
    },
  };
}

function openActions(message, near, { composer, run, reveal }) {
  const mine = message.from === "person";
  const reaction = message.reactions?.find((r) => r.from === "person")?.emoji;
  const own = [
    editable.has(message.type) && { label: t("edit"), icon: "edit", run: () => composer.edit(message) },
    { label: t("delete"), icon: "remove", run: () => run(() => deleteMessage(message)) },
  ];

  openMenu(
    near,
    t("actions"),
    [
      ...emoji.map((e) => ({ label: t("react", { emoji: e }), emoji: e, run: () => run(() => react(message, e)) })),
      reaction && { label: t("unreact"), icon: "close", run: () => run(() => react(message, "")) },
      { label: t("reply"), icon: "reply", run: () => composer.reply(message) },
      message.text && { label: t("copy"), icon: "document", run: () => copy(message.text, composer) },
      ...(mine ? own : []),
    ].filter(Boolean),
    () => reveal(message.id),
  );
}

// openRows shows the rows of a list under the headings of their sections.
function openRows(message, rows, tapOption) {
  const choose = (row) => {
    close();
    tapOption(message, row);
  };

  let section = "";
  const content = rows.flatMap((row) => {
    const heading = row.section && row.section !== section && el("h3", { dir: "auto" }, row.section);
    section = row.section;

    return [
      heading,
      el(
        "button",
        { type: "button", class: "option", dir: "auto", "data-option": row.id, onclick: () => choose(row) },
        row.title,
        row.description && el("span", null, row.description),
      ),
    ];
  });

  const close = openSheet(message.list_button || t("menu"), content);
}

// openFlow takes the values of a form, whose fields are with Meta, as JSON.
function openFlow(message, option) {
  openForm(
    option.title,
    [{ name: "values", label: t("form-values"), multiline: true, rows: 6, value: '{\n  "name": "Ana"\n}' }],
    t("send"),
    async ({ values }) => {
      let form;

      try {
        form = JSON.parse(values);
      } catch (error) {
        throw new Error(t("no-json", { error: error.message }));
      }

      await tap(message, option.id, form);
    },
  );
}

async function copy(text, composer) {
  try {
    await navigator.clipboard.writeText(text);
    composer.tell(t("copied", { text }));
  } catch {
    composer.tell(text);
  }
}
