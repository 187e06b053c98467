// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { catalogue, labels, faults } from "./catalogue.js";

const key = "language";

function chosen() {
  const wanted = [localStorage.getItem(key), ...navigator.languages].filter(Boolean).map((tag) => tag.split("-")[0]);

  return wanted.find((code) => code in catalogue) || "en";
}

// language is the code of the language that the page is in: the one chosen before, or else the browser's.
export const language = chosen();

const other = Object.keys(catalogue).find((code) => code !== language);

export const otherLanguage = { code: other, label: labels[other] };

// setLanguage changes the language. The page begins anew, since all it shows is with the server.
export function setLanguage(code) {
  localStorage.setItem(key, code);
  location.reload();
}

// t returns a text of the catalogue, with its {values} put in.
export function t(name, values = {}) {
  const text = catalogue[language][name] ?? catalogue.en[name] ?? name;

  return text.replace(/\{(\w+)\}/g, (_, value) => values[value] ?? "");
}

// faultText returns a fault's title and what it does. The server's texts are English.
export const faultText = (fault) => faults[language]?.[fault.name] || fault;

export const groupText = (group) => t(`group-${group.toLowerCase()}`);

const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const exactTime = new Intl.DateTimeFormat(language, { timeStyle: "medium", hourCycle: "h23" });
const date = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const decimal = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

export const clockTime = (at, exact) => (exact ? exactTime : time).format(new Date(at));
export const day = (at) => date.format(new Date(at));

// duration returns the length of a recording, such as 1:05.
export function duration(seconds) {
  const whole = Math.round(seconds);

  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// took returns milliseconds in the unit that suits them.
export function took(ms) {
  if (ms < 1000) return `${decimal.format(ms)} ms`;
  if (ms < 60_000) return `${decimal.format(ms / 1000)} s`;
  if (ms < 3_600_000) return `${decimal.format(ms / 60_000)} min`;

  return `${decimal.format(ms / 3_600_000)} h`;
}

export function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${decimal.format(bytes / 1000)} kB`;

  return `${decimal.format(bytes / 1_000_000)} MB`;
}

export function price(amount = 0, currency = "") {
  return `${decimal.format(amount)} ${currency}`.trim();
}
