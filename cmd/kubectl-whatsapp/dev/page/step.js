// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { el } from "./dom.js";
import { t, took } from "./texts.js";

// stepItem returns the list item of a trace. One with an HTTP exchange opens to its bodies.
export function stepItem(trace, when) {
  const line = [
    el("span", { class: "offset" }, when),
    el("span", { class: `dot ${colour(trace)}` }),
    el("span", { class: `kind ${colour(trace)}` }, t(`kind-${trace.kind}`)),
    el(
      "span",
      { class: "summary" },
      titleOf(trace),
      trace.detail && el("small", null, trace.detail),
    ),
    code(trace),
    el("span", { class: "took" }, trace.took_ms > 0 && took(trace.took_ms)),
  ];

  return el(
    "li",
    { class: "step", "data-kind": trace.kind, "data-level": trace.level, "data-seq": trace.seq },
    trace.exchange ? opening(trace.exchange, line) : el("div", { class: "line" }, line),
  );
}

// titleOf leaves out the status at the end of a title, which has a place of its own in the line.
export function titleOf({ title, exchange }) {
  return exchange?.status ? title.replace(` → ${exchange.status}`, "") : title;
}

function colour({ kind, level }) {
  if (level === "error" || kind === "failure") return "kind-failure";
  if (level === "warning") return "kind-fault";

  return `kind-${kind}`;
}

function code({ kind, code: word, level, exchange }) {
  const shown = kind !== "fault" && (word || exchange?.status);
  const bad = level === "error" || level === "warning" || exchange?.status >= 400 || exchange?.status === 0;

  return el("span", shown ? { class: bad ? "code bad" : "code" } : null, shown && String(shown));
}

// opening builds the bodies when they are opened first, since most never are.
function opening(exchange, line) {
  const details = el(
    "details",
    {
      ontoggle: () => {
        if (details.open && details.children.length === 1) details.append(bodies(exchange));
      },
    },
    el("summary", null, line),
  );

  return details;
}

function bodies({ method, url, status, request, response }) {
  return el(
    "div",
    { class: "body" },
    el("h4", null, `${method} ${url}`),
    request && el("pre", { tabIndex: 0 }, pretty(request)),
    el("h4", null, status ? t("answered-with", { status }) : t("no-answer")),
    response && el("pre", { tabIndex: 0 }, pretty(response)),
  );
}

// Names, strings, and all other values of JSON.
const tokens = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

// pretty indents and colours JSON. Anything else, such as a body that was cut, stays as it is.
function pretty(body) {
  let text;

  try {
    text = JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return [body];
  }

  const nodes = [];
  let at = 0;

  for (const token of text.matchAll(tokens)) {
    const [whole, string, colon] = token;
    let look = "literal";
    if (string) look = colon ? "name" : "string";

    nodes.push(text.slice(at, token.index), el("span", { class: look }, string || whole), colon || "");
    at = token.index + whole.length;
  }

  nodes.push(text.slice(at));

  return nodes;
}
