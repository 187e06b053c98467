// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { el, fill, webAddress } from "./dom.js";
import { icon } from "./icons.js";
import { duration, t } from "./texts.js";

let playing = null;

// player returns the controls of a voice message or an audio file. One plays at a time.
export function player(file) {
  const audio = new Audio();
  audio.preload = "metadata";
  audio.src = webAddress(file.url) || "";

  const button = el("button", { type: "button", class: "round", onclick: () => toggle(audio) });
  const bar = el("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    value: 0,
    "aria-label": t("position"),
    oninput: () => {
      if (Number.isFinite(audio.duration)) audio.currentTime = Number(bar.value) * audio.duration;
    },
  });
  const time = el("span", null, duration(0));

  const show = () => {
    const length = Number.isFinite(audio.duration) ? audio.duration : 0;

    fill(button, icon(audio.paused ? "play" : "stop"));
    button.setAttribute("aria-label", t(audio.paused ? "play" : "stop"));
    bar.value = length ? audio.currentTime / length : 0;
    time.textContent = duration(audio.currentTime || Math.ceil(length));
  };

  for (const event of ["play", "pause", "timeupdate", "durationchange", "ended"]) audio.addEventListener(event, show);

  audio.addEventListener("error", () => {
    button.disabled = true;
    time.textContent = t("unplayable");
  });

  show();

  return el("div", { class: "player" }, file.voice && icon("voice"), button, bar, time);
}

function toggle(audio) {
  if (!audio.paused) {
    audio.pause();
    return;
  }

  playing?.pause();
  playing = audio;
  audio.play().catch(() => {}); // the listener of "error" shows it
}
