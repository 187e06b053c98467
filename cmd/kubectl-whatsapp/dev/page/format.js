// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { el, link } from "./dom.js";

// WhatsApp's text format: https://faq.whatsapp.com/539178204879377. Code is not formatted further, and the format of a
// line ends with the line.

const block = /```([\s\S]+?)```/;

// Each mark encloses a text that neither starts nor ends with a space, and stands at the border of a word.
const marks = [
  { mark: "`", element: "code", literal: true },
  { mark: "*", element: "strong" },
  { mark: "_", element: "em" },
  { mark: "~", element: "s" },
];

const address = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'*_~]/;

// formatted returns the nodes of a text as WhatsApp shows it.
export function formatted(text) {
  const nodes = [];
  let rest = text;

  for (let found = block.exec(rest); found; found = block.exec(rest)) {
    nodes.push(...lines(rest.slice(0, found.index).replace(/\n$/, "")));
    nodes.push(el("pre", null, el("code", null, found[1].replace(/^\n|\n$/g, ""))));
    rest = rest.slice(found.index + found[0].length).replace(/^\n/, "");
  }

  nodes.push(...lines(rest));

  return nodes;
}

const kinds = [
  { kind: "quote", pattern: /^> ?(.*)$/ },
  { kind: "bullets", pattern: /^ *[-*•] (.*)$/ },
  { kind: "numbers", pattern: /^ *(\d{1,3})\. (.*)$/ },
];

// lines groups successive lines of the same kind into one quote, list or paragraph.
function lines(text) {
  if (text === "") return [];

  const groups = [];

  for (const line of text.split("\n")) {
    const { kind, found } = kindOf(line);
    const last = groups[groups.length - 1];

    if (last && last.kind === kind) last.lines.push(found);
    else groups.push({ kind, lines: [found] });
  }

  return groups.map(render);
}

function kindOf(line) {
  for (const { kind, pattern } of kinds) {
    const found = pattern.exec(line);
    if (found) return { kind, found };
  }

  return { kind: "text", found: [line, line] };
}

function render({ kind, lines: found }) {
  switch (kind) {
    case "quote":
      return el("blockquote", null, broken(found.map((f) => f[1])));
    case "bullets":
      return el("ul", null, found.map((f) => el("li", { dir: "auto" }, inline(f[1]))));
    case "numbers":
      return el("ol", { start: Number(found[0][1]) }, found.map((f) => el("li", { dir: "auto" }, inline(f[2]))));
    default:
      return el("p", { dir: "auto" }, broken(found.map((f) => f[1])));
  }
}

// broken puts a line break between the lines of a paragraph.
function broken(texts) {
  return texts.flatMap((text, i) => (i === 0 ? inline(text) : [el("br"), ...inline(text)]));
}

function inline(text) {
  const nodes = [];
  let rest = text;

  for (let span = firstSpan(rest); span; span = firstSpan(rest)) {
    if (span.start > 0) nodes.push(rest.slice(0, span.start));
    nodes.push(span.node);
    rest = rest.slice(span.end);
  }

  if (rest) nodes.push(rest);

  return nodes;
}

// firstSpan finds the first link or marked text.
function firstSpan(text) {
  let first = null;

  const url = address.exec(text);
  if (url) first = { start: url.index, end: url.index + url[0].length, node: link(url[0], { dir: "auto" }, url[0]) };

  for (const { mark, element, literal } of marks) {
    const span = marked(text, mark);
    if (!span || (first && span.start >= first.start)) continue;

    const content = text.slice(span.start + 1, span.end - 1);
    first = { ...span, node: el(element, null, literal ? content : inline(content)) };
  }

  return first;
}

const wordChar = /[\p{L}\p{N}]/u;

function marked(text, mark) {
  for (let start = text.indexOf(mark); start >= 0; start = text.indexOf(mark, start + 1)) {
    if (start > 0 && wordChar.test(text[start - 1])) continue;
    if (/^(\s|$)/.test(text.slice(start + 1, start + 2))) continue;

    for (let end = text.indexOf(mark, start + 2); end >= 0; end = text.indexOf(mark, end + 1)) {
      if (/\s/.test(text[end - 1])) continue;
      if (end + 1 < text.length && wordChar.test(text[end + 1])) continue;

      return { start, end: end + 1 };
    }
  }

  return null;
}
