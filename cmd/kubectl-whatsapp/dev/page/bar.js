// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { addPerson, reset } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { openForm } from "./overlay.js";
import { otherLanguage, setLanguage, t, took } from "./texts.js";

// Bar shows what is around the conversation: the AI, warnings, the business, the person, the clock, and the tabs.
export class Bar {
  constructor(model) {
    this.model = model;

    this.buttons();
    this.tabs();
    this.person = el("select", { class: "field", "aria-label": t("person"), onchange: () => this.choose() });
    byId("person").append(this.person);

    model.on(["loaded", "ai"], () => this.showAI());
    model.on(["loaded", "person", "chosen"], () => this.showPeople());
    model.on(["loaded", "person", "chosen", "typing"], () => this.showPresence());
    model.on(["loaded", "clock"], () => this.showClock());
    model.on(["connection"], () => this.showConnection());
    this.showConnection();
  }

  buttons() {
    const language = byId("language");
    fill(language, otherLanguage.code.toUpperCase());
    language.lang = otherLanguage.code;
    language.title = otherLanguage.label;
    language.setAttribute("aria-label", `${language.textContent}, ${otherLanguage.label}`);
    language.addEventListener("click", () => setLanguage(otherLanguage.code));

    const button = byId("reset");
    fill(button, icon("reset"), el("span", null, t("reset")));
    button.setAttribute("aria-label", t("reset"));
    button.addEventListener("click", () => openForm(t("reset-question"), [], t("reset"), reset));
  }

  // tabs choose what a narrow screen shows.
  tabs() {
    const tabs = ["phone", "trace"].map((name) => {
      const tab = byId(`tab-${name}`);
      fill(tab, icon(name), t(`tab-${name}`));
      byId(name).setAttribute("aria-label", t(`tab-${name}`));

      return { name, tab };
    });

    const choose = (chosen) => {
      for (const { name, tab } of tabs) {
        tab.setAttribute("aria-selected", String(name === chosen));
        tab.tabIndex = name === chosen ? 0 : -1;
        byId(name).classList.toggle("elsewhere", name !== chosen);
      }
    };

    for (const { name, tab } of tabs) tab.addEventListener("click", () => choose(name));

    byId("tabs").addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;

      const other = tabs.find(({ tab }) => tab !== document.activeElement);
      choose(other.name);
      other.tab.focus();
    });

    choose("phone");
  }

  showAI() {
    const { kind, url, model, problem } = this.model.ai;

    fill(byId("ai"), `${t("ai")}: `, el("b", null, kind === "echo" ? t("ai-echo") : [model, url].filter(Boolean).join(" · ")));
    byId("ai").title = url || "";
    this.warn(problem);
  }

  warn(words) {
    fill(byId("warnings"), words && el("p", null, icon("warning"), el("span", null, words)));
  }

  showPeople() {
    const { people, chosen, state, business } = this.model;

    fill(
      this.person,
      people.map((person) => el("option", { value: person.id, selected: person.id === chosen }, person.name)),
      people.length < (state.max_people || 1) && el("option", { value: "" }, t("new-person")),
    );
    byId("business").textContent = business.name;
    byId("avatar").textContent = (business.name || "?").trim().slice(0, 1).toUpperCase();
  }

  choose() {
    if (this.person.value) {
      this.model.choose(this.person.value);
      return;
    }

    this.showPeople();
    openForm(t("new-person"), [{ name: "name", label: t("name"), required: true }], t("add"), async ({ name }) => {
      const person = await addPerson(name);
      this.model.apply("person", person);
      this.model.choose(person.id);
    });
  }

  showPresence() {
    const { typing, chosen, person, business } = this.model;
    const busy = typing.has(chosen);
    const presence = byId("presence");

    presence.className = busy ? "busy" : "";
    presence.textContent = busy ? t("typing") : person?.handler === "people" ? t("people-have-it") : business.number || "";
  }

  showClock() {
    const seconds = this.model.clock.ahead_seconds;

    byId("clock").textContent = seconds > 0 ? t("clock-ahead", { ahead: took(seconds * 1000) }) : "";
  }

  showConnection() {
    byId("connection").textContent = this.model.connected === false ? t("reconnecting") : "";
  }
}
