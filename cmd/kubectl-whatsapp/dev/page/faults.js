// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { switchFault } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { groupText, t, faultText } from "./texts.js";

// Faults shows a switch for each fault, and a line that says what the one does that has the pointer, the focus, or was
// switched on last.
export class Faults {
  constructor(model) {
    this.model = model;
    this.count = el("em");
    this.list = el("div", { class: "fault-groups" });
    this.about = el("p", { class: "about-fault" });
    this.problem = el("p", { class: "reason", role: "alert" });

    fill(
      byId("faults"),
      el(
        "details",
        { open: true },
        el("summary", null, icon("chevron"), t("faults"), this.count),
        this.list,
        this.about,
        this.problem,
      ),
    );

    byId("faults").setAttribute("aria-label", t("faults"));
    model.on(["loaded", "fault"], () => this.show());
  }

  show() {
    const focused = document.activeElement?.dataset?.fault;
    const { faults } = this.model;
    const on = faults.filter((fault) => fault.on).length;
    const groups = [...new Set(faults.map((fault) => fault.group))];

    this.count.textContent = on > 0 ? t("faults-on", { count: on }) : "";
    fill(
      this.list,
      groups.map((group) =>
        el(
          "div",
          { role: "group", "aria-label": groupText(group) },
          el("h2", null, groupText(group)),
          faults.filter((fault) => fault.group === group).map((fault) => this.item(fault)),
        ),
      ),
    );
    this.explain();

    if (focused) this.list.querySelector(`[data-fault="${CSS.escape(focused)}"]`)?.focus();
  }

  item(fault) {
    const { title, what } = faultText(fault);

    return el(
      "button",
      {
        type: "button",
        class: "fault",
        role: "switch",
        "aria-checked": String(fault.on),
        "aria-description": what,
        "data-fault": fault.name,
        onclick: () => this.turn(fault),
        onpointerenter: () => this.explain(fault),
        onpointerleave: () => this.explain(),
        onfocus: () => this.explain(fault),
      },
      el("i"),
      title,
    );
  }

  explain(fault = this.latest()) {
    const text = fault && faultText(fault);

    fill(this.about, text ? [el("b", null, `${text.title}: `), text.what] : t("faults-hint"));
  }

  latest() {
    const on = this.model.faults.filter((fault) => fault.on);

    return on.sort((a, b) => (a.since || "").localeCompare(b.since || "")).at(-1);
  }

  async turn(fault) {
    this.problem.textContent = "";

    try {
      await switchFault(fault.name, !fault.on, this.model.chosen);
    } catch (error) {
      this.problem.textContent = error.message;
    }
  }
}
