// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { t } from "./texts.js";

// The calls of the server's API, which ../api.go describes. Each throws an Error with a text for the person.

export const getState = () => call("GET", "state");
export const sendMessage = (message) => call("POST", "messages", message);
export const tap = (message, option, form) => call("POST", "tap", { ...of(message), option, form });
export const editMessage = (message, text) => call("POST", "edit", { ...of(message), text });
export const deleteMessage = (message) => call("POST", "delete", of(message));
export const react = (message, emoji) => call("POST", "react", { ...of(message), emoji });
export const addPerson = (name) => call("POST", "people", { name });
export const reset = () => call("POST", "reset", {});

export const switchFault = (name, on, person) =>
  call("PUT", `faults/${encodeURIComponent(name)}`, { on, person });

const of = (message) => ({ person: message.person, message: message.id });

// sendFile uploads a file. The file is the last part, so that the server knows everything else when it comes.
export function sendFile({ person, type, text, replyTo, file }) {
  const form = new FormData();
  form.append("person", person);
  form.append("type", type);
  if (text) form.append("text", text);
  if (replyTo) form.append("reply_to", replyTo);
  form.append("file", file, file.name);

  return call("POST", "messages", form);
}

async function call(method, path, body) {
  const request = { method };

  if (body instanceof FormData) {
    request.body = body;
  } else if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json" };
  }

  let response;

  try {
    response = await fetch(`/api/${path}`, request);
  } catch {
    throw new Error(t("unreachable"));
  }

  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || t("refused", { status: response.status }));

  return answer;
}

const events = [
  "message",
  "edit",
  "status",
  "typing",
  "trace",
  "fault",
  "person",
  "clock",
  "ai",
];

const firstPause = 500;
const longestPause = 8000;

// follow keeps a model like the server's state: it loads the state, and then applies each event of the stream that came
// after it. When the stream breaks or is reset, it begins anew; so no event is missed, and none is applied twice.
export async function follow(model) {
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    try {
      const state = await getState();

      model.load(state);
      await stream(model, state.last_event_id, () => {
        pause = firstPause;
      });
    } catch {
      model.setConnected(false);
      await new Promise((resume) => setTimeout(resume, pause));
    }
  }
}

// stream applies events until the server resets them. It rejects when the stream breaks.
function stream(model, after, opened) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(`/api/stream?after=${after}`);

    const end = (finish) => {
      source.close();
      finish();
    };

    for (const name of events) {
      source.addEventListener(name, (event) => model.apply(name, JSON.parse(event.data)));
    }

    source.addEventListener("open", opened);
    source.addEventListener("reset", () => end(resolve));
    source.addEventListener("error", () => end(reject));
  });
}
