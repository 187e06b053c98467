// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The newest stay in the page; the server has limits of its own.
const maxTraces = 3000;
const maxMessages = 2000;

// Model is what the page knows of the server's state. Its events tell the views what changed:
// "loaded", "chosen" (another person), "person" (one is new or changed), "message", "forgotten" (the oldest
// message), "typing", "trace", "fault", "clock", "ai", "connection".
export class Model extends EventTarget {
  constructor() {
    super();
    this.ai = {};
    this.business = {};
    this.people = [];
    this.messages = new Map();
    this.traces = [];
    this.faults = [];
    this.clock = { ahead_seconds: 0 };
    this.typing = new Set();
    this.connected = undefined; // until the first attempt
    this.loaded = false;
    this.chosen = "";
  }

  load(state) {
    this.state = state;
    this.ai = state.ai;
    this.business = state.business;
    this.people = state.people || [];
    this.messages = new Map((state.messages || []).map((message) => [message.id, message]));
    this.traces = state.traces || [];
    this.faults = state.faults || [];
    this.clock = state.clock;
    this.typing.clear();
    this.loaded = true;

    if (!this.person) this.chosen = this.people[0]?.id || "";

    this.tell("loaded");
    this.setConnected(true);
  }

  // apply changes the model by one event of the stream.
  apply(name, data) {
    switch (name) {
      case "message":
      case "edit":
        this.setMessage(data);
        break;
      case "status":
        this.setStatus(data);
        break;
      case "typing":
        if (data.on) this.typing.add(data.person);
        else this.typing.delete(data.person);
        this.tell("typing");
        break;
      case "trace":
        this.addTrace(data);
        break;
      case "fault":
        this.faults = replaced(this.faults, data, "name");
        this.tell("fault");
        break;
      case "person":
        this.people = replaced(this.people, data, "id");
        this.tell("person");
        break;
      case "clock":
        this.clock = data;
        this.tell("clock");
        break;
      case "ai":
        this.ai = data;
        this.tell("ai");
        break;
    }
  }

  setMessage(message) {
    this.messages.set(message.id, message);
    this.tell("message", message);

    if (this.messages.size > maxMessages) {
      const [id] = this.messages.keys();
      this.messages.delete(id);
      this.tell("forgotten", id);
    }
  }

  setStatus({ message: id, status, failure }) {
    const message = this.messages.get(id);
    if (message) this.setMessage({ ...message, status, failure });
  }

  // addTrace ignores a trace that came with the state, too.
  addTrace(trace) {
    if (trace.seq <= (this.traces.at(-1)?.seq ?? -1)) return;

    this.traces.push(trace);
    if (this.traces.length > maxTraces) this.traces.splice(0, this.traces.length - maxTraces);

    this.tell("trace", trace);
  }

  setConnected(connected) {
    if (this.connected === connected) return;

    this.connected = connected;
    this.tell("connection");
  }

  get person() {
    return this.people.find((person) => person.id === this.chosen);
  }

  choose(id) {
    this.chosen = id;
    this.tell("chosen");
  }

  // conversation returns the messages of the chosen person, oldest first.
  get conversation() {
    return [...this.messages.values()].filter((message) => message.person === this.chosen);
  }

  // messageOf returns the message that an event is about.
  messageOf(eventID) {
    for (const message of this.messages.values()) {
      if (message.event_id === eventID) return message;
    }

    return undefined;
  }

  on(names, listener) {
    for (const name of names) this.addEventListener(name, (event) => listener(event.detail));
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function replaced(list, item, key) {
  const others = list.slice();
  const index = others.findIndex((other) => other[key] === item[key]);

  if (index < 0) others.push(item);
  else others[index] = item;

  return others;
}
