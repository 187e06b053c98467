// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The page is built by these functions only. Data becomes text nodes and attributes, never HTML.

// el returns an element. Properties that start with "on" are listeners, "class" and names with a dash are attributes,
// all others are set as properties. Children that are null or false are left out.
export function el(name, properties, ...children) {
  const element = document.createElement(name);

  for (const [key, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null) continue;

    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else if (key === "role" || key.includes("-")) element.setAttribute(key, value);
    else element[key] = value;
  }

  append(element, children);

  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;

    element.append(child);
  }
}

// fill replaces the children of element.
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);

  return element;
}

export const byId = (id) => document.getElementById(id);

// link returns an anchor to a web page, or the text alone if the address is not http or https.
export function link(address, text, className) {
  let url;

  try {
    url = new URL(address);
  } catch {
    return el("span", { class: className }, text);
  }

  if (url.protocol !== "http:" && url.protocol !== "https:") return el("span", { class: className }, text);

  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", class: className, dir: "auto" }, text);
}
