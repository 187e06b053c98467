// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { inWords } from "./content.js";
import { byId, el, fill } from "./dom.js";
import { contentOf, messageItem, showStatus } from "./message.js";
import { day, t } from "./texts.js";

// Conversation shows the chosen person's messages, and keeps to the newest one unless the reader has scrolled up.
export class Conversation {
  constructor(model, act) {
    this.model = model;
    this.act = act;
    this.list = byId("messages");
    this.list.setAttribute("aria-label", t("conversation"));
    this.shown = new Map(); // what contentOf returns of each message that is shown, by id
    this.newest = byId("newest");
    this.newest.textContent = t("newest");
    this.newest.addEventListener("click", () => this.toEnd());

    this.follow = true;

    this.list.addEventListener("scroll", () => {
      this.follow = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
      if (this.follow) this.newest.hidden = true;
    });
    this.list.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("load", () => this.follow && this.toEnd(), true); // a picture has its height now
    new ResizeObserver(() => this.follow && this.toEnd()).observe(this.list);

    model.on(["loaded", "chosen"], () => this.showAll());
    model.on(["message"], (message) => this.onMessage(message));
    model.on(["forgotten"], (id) => {
      this.item(id)?.remove();
      this.shown.delete(id);
    });
    model.on(["typing"], () => this.showTyping());
  }

  // showAll keeps the items that are as they were, so that a recording plays on after a reconnection.
  showAll() {
    const messages = this.model.conversation;
    const ids = new Set(messages.map((message) => message.id));

    for (const item of [...this.list.children]) {
      if (!ids.has(item.dataset.id)) item.remove();
    }

    for (const id of this.shown.keys()) {
      if (!ids.has(id)) this.shown.delete(id);
    }

    for (const message of messages) this.show(message);

    this.arrange();
    this.showTyping();
    this.toEnd();
  }

  onMessage(message) {
    if (message.person !== this.model.chosen) return;

    const isNew = !this.shown.has(message.id);
    const follow = this.follow || (isNew && message.from === "person");

    this.show(message);
    this.arrange();

    if (isNew) this.announce(message);

    if (follow) this.toEnd();
    else if (isNew) this.newest.hidden = false;
  }

  show(message) {
    const quoted = this.model.messages.get(message.reply_to);
    const content = contentOf(message, quoted);
    const before = this.item(message.id);

    if (before && this.shown.get(message.id) === content) {
      showStatus(before, message);
      return;
    }

    const item = messageItem(message, quoted, this.act);

    this.shown.set(message.id, content);

    if (!before) {
      this.list.insertBefore(item, this.list.querySelector(".typing"));
      return;
    }

    const focused = before.contains(document.activeElement);
    before.replaceWith(item);
    if (focused) item.focus();
  }

  item(id) {
    return this.list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  // arrange sets what depends on neighbours: the days, the turns, and which item the Tab key reaches.
  arrange() {
    for (const separator of this.list.querySelectorAll(".day, .empty")) separator.remove();

    let lastDay = "";
    let lastFrom = "";
    const items = [...this.list.querySelectorAll(".message")];

    for (const item of items) {
      const message = this.model.messages.get(item.dataset.id);
      const today = day(message.at);

      if (today !== lastDay) item.before(el("li", { class: "day" }, today));

      item.classList.toggle("turn", message.from !== lastFrom || today !== lastDay);
      lastDay = today;
      lastFrom = message.from;
    }

    if (items.length === 0) this.list.append(el("li", { class: "empty" }, t(this.model.ai.kind === "echo" ? "empty-echo" : "empty")));
    if (!items.some((item) => item.tabIndex === 0) && items.length > 0) items.at(-1).tabIndex = 0;
  }

  showTyping() {
    this.list.querySelector(".typing")?.remove();
    if (!this.model.typing.has(this.model.chosen)) return;

    this.list.append(el("li", { class: "typing", role: "img", "aria-label": t("typing") }, el("i"), el("i"), el("i")));
    if (this.follow) this.toEnd();
  }

  announce(message) {
    if (message.from === "person") return;

    fill(byId("announcements"), `${t("they")}: ${inWords(message)}`);
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.newest.hidden = true;
  }

  // reveal scrolls to a message and gives it the focus.
  reveal(id) {
    const item = this.item(id);
    if (item) this.focus(item);
  }

  focus(item) {
    for (const other of this.list.querySelectorAll("[tabindex='0'].message")) other.tabIndex = -1;

    item.tabIndex = 0;
    item.focus();
    item.scrollIntoView({ block: "nearest" });
  }

  // onKey moves between messages with the arrow keys, and opens the actions of one with Enter.
  onKey(event) {
    const item = event.target;
    if (!item.classList.contains("message")) return;

    const items = [...this.list.querySelectorAll(".message")];
    const at = items.indexOf(item);
    const moves = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      Home: 0,
      End: items.length - 1,
    };

    if (event.key in moves) {
      const next = items[moves[event.key]];
      if (next) this.focus(next);
    } else if (event.key === "Enter" || event.key === " " || event.key === "ContextMenu") {
      item.querySelector(".menu-button")?.click();
    } else {
      return;
    }

    event.preventDefault();
  }
}
