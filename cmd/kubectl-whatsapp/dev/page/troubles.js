// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { switchTrouble } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { groupText, t, troubleText } from "./texts.js";

// Troubles shows a switch for each trouble, and a line that says what the one does that has the pointer, the focus, or was
// switched on last.
export class Troubles {
  constructor(model) {
    this.model = model;
    this.count = el("em");
    this.list = el("div", { class: "trouble-groups" });
    this.about = el("p", { class: "about-trouble" });
    this.problem = el("p", { class: "reason", role: "alert" });

    fill(
      byId("troubles"),
      el(
        "details",
        { open: true },
        el("summary", null, icon("chevron"), t("troubles"), this.count),
        this.list,
        this.about,
        this.problem,
      ),
    );

    byId("troubles").setAttribute("aria-label", t("troubles"));
    model.on(["loaded", "trouble"], () => this.show());
  }

  show() {
    const focused = document.activeElement?.dataset?.trouble;
    const { troubles } = this.model;
    const on = troubles.filter((trouble) => trouble.on).length;
    const groups = [...new Set(troubles.map((trouble) => trouble.group))];

    this.count.textContent = on > 0 ? t("troubles-on", { count: on }) : "";
    fill(
      this.list,
      groups.map((group) =>
        el(
          "div",
          { role: "group", "aria-label": groupText(group) },
          el("h2", null, groupText(group)),
          troubles.filter((trouble) => trouble.group === group).map((trouble) => this.item(trouble)),
        ),
      ),
    );
    this.explain();

    if (focused) this.list.querySelector(`[data-trouble="${CSS.escape(focused)}"]`)?.focus();
  }

  item(trouble) {
    const { title, what } = troubleText(trouble);

    return el(
      "button",
      {
        type: "button",
        class: "trouble",
        role: "switch",
        "aria-checked": String(trouble.on),
        "aria-description": what,
        "data-trouble": trouble.name,
        onclick: () => this.turn(trouble),
        onpointerenter: () => this.explain(trouble),
        onpointerleave: () => this.explain(),
        onfocus: () => this.explain(trouble),
      },
      el("i"),
      title,
    );
  }

  explain(trouble = this.latest()) {
    const text = trouble && troubleText(trouble);

    fill(this.about, text ? [el("b", null, `${text.title}: `), text.what] : t("troubles-hint"));
  }

  latest() {
    const on = this.model.troubles.filter((trouble) => trouble.on);

    return on.sort((a, b) => (a.since || "").localeCompare(b.since || "")).at(-1);
  }

  async turn(trouble) {
    this.problem.textContent = "";

    try {
      await switchTrouble(trouble.name, !trouble.on, this.model.chosen);
    } catch (error) {
      this.problem.textContent = error.message;
    }
  }
}
