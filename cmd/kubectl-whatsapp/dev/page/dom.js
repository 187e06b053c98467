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

// webAddress returns an address of this server or of the web, and undefined for any other, such as javascript:.
export function webAddress(address) {
  try {
    const url = new URL(address, location.href);

    return url.protocol === "http:" || url.protocol === "https:" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

// link returns an anchor that opens another tab. Without a web address it leads nowhere.
export const link = (address, properties, ...children) =>
  el("a", { href: webAddress(address), target: "_blank", rel: "noopener noreferrer", ...properties }, children);
