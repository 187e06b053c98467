// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { editMessage, sendFile, sendMessage } from "./api.js";
import { attachMenu, kindOfFile } from "./attach.js";
import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { quoteContent } from "./message.js";
import { canRecord, Recording } from "./recording.js";
import { duration, fileSize, t } from "./texts.js";

// Composer writes messages: texts, files with a caption, voice messages, replies, and edits.
export class Composer {
  constructor(model) {
    this.model = model;
    this.form = byId("composer");
    this.form.setAttribute("aria-label", t("composer"));
    this.replyTo = null;
    this.editing = null;
    this.file = null; // {type, file}

    this.input = el("textarea", {
      rows: 1,
      placeholder: t("write"),
      "aria-label": t("write"),
      maxLength: 4096,
      dir: "auto",
      oninput: () => this.showButton(),
      onkeydown: (event) => this.onKey(event),
      onpaste: (event) => this.take(event.clipboardData?.files, event),
    });
    this.about = el("div", { class: "about", hidden: true });
    this.line = el("p", { role: "status" });
    this.attach = el(
      "button",
      {
        type: "button",
        class: "round",
        "aria-label": t("attach"),
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        onclick: () => attachMenu(this.attach, this),
      },
      icon("attach"),
    );
    this.button = el("button", { class: "round primary" });
    this.row = el("div", { class: "row" }, this.attach, this.input, this.button);

    fill(this.form, this.about, this.line, this.row);

    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.form.addEventListener("dragover", (event) => event.preventDefault());
    this.form.addEventListener("drop", (event) => this.take(event.dataTransfer?.files, event));

    model.on(["chosen"], () => this.clear());
    model.on(["loaded"], () => this.forget());
    this.showButton();
  }

  get speaks() {
    return canRecord() && !this.input.value.trim() && !this.file && !this.editing;
  }

  showButton() {
    const name = this.speaks ? "voice" : "send";

    fill(this.button, icon(name));
    this.button.setAttribute("aria-label", t(this.speaks ? "record" : "send"));
  }

  onKey(event) {
    if (event.key === "Escape" && (this.replyTo || this.editing || this.file)) {
      event.preventDefault();
      this.clear();
    }

    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (this.input.value.trim() || this.file) this.submit();
    }
  }

  submit() {
    if (this.speaks) return this.record();

    const text = this.input.value.trim();
    const { file, editing, replyTo } = this;
    if (!text && !file) return undefined;

    return this.send(() => {
      if (editing) return editMessage(editing, text);
      if (file) return this.sendFile({ ...file, text });

      return sendMessage({ person: this.model.chosen, type: "text", text, reply_to: replyTo?.id });
    });
  }

  sendFile({ type, file, text }) {
    const limit = this.model.state.max_upload_bytes;
    if (limit && file.size > limit) throw new Error(t("too-large", { limit: fileSize(limit) }));

    return sendFile({ person: this.model.chosen, type, text, file, replyTo: this.replyTo?.id });
  }

  // send runs a call, and clears the composer once the server has the message. What was written stays after a failure.
  async send(call) {
    this.tell("");
    this.button.disabled = true;

    try {
      await call();
      this.clear();
    } catch (error) {
      this.fail(error);
    } finally {
      this.button.disabled = false;
    }
  }

  clear() {
    this.replyTo = null;
    this.editing = null;
    this.file = null;
    this.input.value = "";
    this.tell("");
    this.about.hidden = true;
    this.showButton();
    this.endRecording();
  }

  // forget ends a reply or an edit whose message is gone after a reset.
  forget() {
    const about = this.replyTo || this.editing;
    if (about && !this.model.messages.has(about.id)) this.clear();
  }

  fail(error) {
    this.line.className = "problem";
    this.line.textContent = error.message;
  }

  tell(text) {
    this.line.className = "length";
    this.line.textContent = text;
  }

  reply(message) {
    this.clear();
    this.replyTo = message;
    this.showAbout(quoteContent(message));
  }

  edit(message) {
    this.clear();
    this.editing = message;
    this.input.value = message.text || "";
    this.showAbout([el("b", null, t("edit")), el("span", { dir: "auto" }, message.text)]);
  }

  // take attaches the first of some files, which were pasted, dropped or chosen.
  take(files, event) {
    if (!files?.length) return;

    event?.preventDefault();
    this.attachFile(kindOfFile(files[0]), files[0]);
  }

  attachFile(type, file) {
    this.file = { type, file };
    this.editing = null;
    this.showAbout([el("b", null, t(type === "image" ? "photo" : type)), el("span", null, `${file.name}, ${fileSize(file.size)}`)]);
  }

  showAbout(content) {
    const cancel = el(
      "button",
      { type: "button", class: "round", "aria-label": t("cancel"), onclick: () => this.clear() },
      icon("close"),
    );

    fill(this.about, el("div", { class: "quoted" }, content), cancel);
    this.about.hidden = false;
    this.showButton();
    this.input.focus();
  }

  endRecording() {
    if (!this.recording) return;

    this.recording.cancel();
    this.recording = null;
    this.row.onkeydown = null;
    fill(this.row, this.attach, this.input, this.button);
    this.input.focus();
  }

  // record takes a voice message with the microphone, or says that there is none.
  async record() {
    this.tell("");

    try {
      this.recording = await Recording.start();
    } catch {
      this.fail(new Error(t("no-microphone")));
      return;
    }

    const time = el("span", { role: "timer" }, duration(0));
    const round = (name, drawing, onclick, look = "") =>
      el("button", { type: "button", class: `round ${look}`, "aria-label": t(name), onclick }, icon(drawing));
    const send = round("send", "send", () => this.sendRecording(), "primary");

    this.recording.onTime = (seconds) => {
      time.textContent = duration(seconds);
    };
    this.row.onkeydown = (event) => {
      if (event.key === "Escape") this.endRecording();
    };

    fill(
      this.row,
      round("cancel", "close", () => this.endRecording()),
      el("div", { class: "recording" }, el("i"), t("recording"), time),
      send,
    );
    send.focus();
  }

  async sendRecording() {
    let file;

    try {
      file = await this.recording.finish();
    } catch (error) {
      this.endRecording();
      this.fail(error);
      return;
    }

    this.endRecording();
    this.attachFile("voice", file);
    await this.submit();
  }
}
