// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { drawingOf, inWords } from "./content.js";
import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { stepItem, titleOf } from "./step.js";
import { clockTime, t, took } from "./texts.js";

// The newest events are open. One that the reader opened or closed stays so.
const openEvents = 4;

// maxEvents and maxSteps bound what the page shows. An AI that is down for long makes two steps every few seconds.
const maxEvents = 300;
const maxSteps = 300;

// Trace shows what happened, one group an event, the newest event first.
export class Trace {
  constructor(model) {
    this.model = model;
    this.root = byId("events");
    this.groups = new Map(); // by event id, or by seq for what belongs to no event
    this.paused = false;
    this.waiting = 0;
    this.words = "";
    this.kind = "";

    this.tools();
    model.on(["loaded"], () => this.load());
    model.on(["trace"], (trace) => this.onTrace(trace));
    model.on(["message"], (message) => this.onMessage(message));
  }

  tools() {
    this.pauseButton = el("button", { type: "button", class: "plain", onclick: () => this.pause() });

    const filter = el("input", {
      type: "search",
      class: "field",
      placeholder: t("filter"),
      "aria-label": t("filter"),
      oninput: () => {
        this.words = filter.value.trim().toLowerCase();
        this.filter();
      },
    });
    const kinds = el(
      "select",
      {
        class: "field",
        "aria-label": t("kind"),
        onchange: () => {
          this.kind = kinds.value;
          this.filter();
        },
      },
      ["", "problems", "delivery", "event", "question", "send", "status"].map((kind) =>
        el("option", { value: kind }, t(kind ? `kind-${kind}` : "kind-all")),
      ),
    );

    fill(byId("trace-tools"), el("h2", null, t("trace")), filter, kinds, this.pauseButton);
    this.showPause();
  }

  pause() {
    this.paused = !this.paused;
    if (!this.paused) this.load();
    this.showPause();
  }

  showPause() {
    const words = this.waiting > 0 ? t("resume-waiting", { count: this.waiting }) : t("resume");

    fill(this.pauseButton, this.paused ? words : t("pause"));
    this.pauseButton.setAttribute("aria-pressed", String(this.paused));
  }

  load() {
    this.waiting = 0;
    this.showPause();

    const open = new Map([...this.groups].filter(([, group]) => group.chosen).map(([id, group]) => [id, group.open]));

    this.groups.clear();
    fill(this.root, el("p", { class: "empty" }, t("no-trace")));

    for (const trace of this.model.traces) this.add(trace);

    for (const [id, state] of open) this.groups.get(id)?.setOpen(state, true);
  }

  onTrace(trace) {
    if (this.paused) {
      this.waiting++;
      this.showPause();
      return;
    }

    this.add(trace);
  }

  // onMessage titles the group of a message that came after its first trace.
  onMessage(message) {
    this.groups.get(message.event_id)?.showTitle();
  }

  add(trace) {
    const id = trace.event_id || `seq-${trace.seq}`;
    let group = this.groups.get(id);

    if (!group) {
      group = new Group(this.model, trace);
      this.groups.set(id, group);
      this.root.querySelector(".empty")?.remove();
      this.root.prepend(group.element);
      this.closeOld();
      this.forgetOldest();
    }

    group.add(trace);
    group.filter((step) => this.matches(step));
  }

  closeOld() {
    const events = [...this.groups.values()].filter((group) => group.id);

    for (const group of events.slice(0, -openEvents)) {
      if (!group.chosen && group.open) group.setOpen(false);
    }
  }

  forgetOldest() {
    if (this.groups.size <= maxEvents) return;

    const [id, group] = this.groups.entries().next().value;
    this.groups.delete(id);
    group.element.remove();
  }

  matches({ kind, level, text }) {
    const problem = level === "warning" || level === "error";
    const ofKind = !this.kind || kind === this.kind || (this.kind === "problems" && problem);

    return ofKind && text.includes(this.words);
  }

  filter() {
    for (const group of this.groups.values()) group.filter((step) => this.matches(step));
  }
}

// The kinds of steps that decide nothing about an event.
const besides = new Set(["status", "graph", "notice", "fault"]);

const isFine = (step) => step && step.level !== "error" && step.level !== "warning";

// Group is an event with its steps.
class Group {
  constructor(model, first) {
    this.model = model;
    this.first = first;
    this.id = first.event_id;
    this.steps = [];
    this.open = true;
    this.chosen = false;

    this.title = el("span", { class: "what", dir: "auto" });
    this.drawing = el("span");
    this.state = el("span", { class: "state" });
    this.list = el("ol", { class: "steps" });
    this.head = el(
      "button",
      { type: "button", class: "event-head", "aria-expanded": "true", onclick: () => this.setOpen(!this.open, true) },
      this.drawing,
      this.title,
      this.state,
      el("span", { class: "when" }, clockTime(first.at, true)),
    );
    this.element = el("section", { class: "event", "data-event": this.id || undefined }, this.id && this.head, this.list);
    this.showTitle();
  }

  showTitle() {
    const message = this.id && this.model.messageOf(this.id);

    this.title.textContent = message ? inWords(message) : titleOf(this.first);
    fill(this.drawing, icon(message ? drawingOf(message) : "trace"));
  }

  setOpen(open, chosen = this.chosen) {
    this.open = open;
    this.chosen = chosen;
    this.list.hidden = Boolean(this.id) && !open;
    this.head.setAttribute("aria-expanded", String(open));
  }

  add(trace) {
    const after = Date.parse(trace.at) - Date.parse(this.first.at);
    const item = stepItem(trace, this.id ? `+${took(after)}` : clockTime(trace.at, true));
    const text = [trace.title, trace.detail, trace.code, trace.kind, trace.exchange?.request, trace.exchange?.response]
      .join(" ")
      .toLowerCase();

    this.steps.push({ ...trace, after, item, text });
    this.list.append(item);
    if (this.steps.length > maxSteps) this.steps.splice(1, 1)[0].item.remove();

    this.showState();
  }

  // showState shows the outcome of the event by its steps. An answer that was sent counts, whatever is reported of it later.
  showState() {
    const sends = this.steps.filter((step) => step.kind === "send");
    const answer = isFine(sends.at(-1)) && sends.find(isFine);
    const { level } = this.steps.findLast((step) => !besides.has(step.kind)) || {};
    let state = ["", ""];

    if (answer) state = ["good", t("state-answered", { after: took(answer.after) })];
    else if (level === "error") state = ["bad", t("state-failed")];
    else if (level === "warning") state = ["waiting", t("state-waiting")];

    this.state.className = `state ${state[0]}`;
    this.state.textContent = state[1];
    this.state.hidden = !state[1];
  }

  filter(matches) {
    let some = false;

    for (const step of this.steps) {
      const shown = matches(step);

      step.item.hidden = !shown;
      some ||= shown;
    }

    this.element.hidden = !some;
  }
}
