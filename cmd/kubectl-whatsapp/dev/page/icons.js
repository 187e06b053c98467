// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Lines on a grid of 24 by 24, drawn for this page.
const paths = {
  text: "M4 5h16v11h-9l-5 4v-4H4z",
  attach: "M12 5v14M5 12h14",
  send: "M4 12 20 4l-5 16-3.5-6.5zM11.5 13.5 20 4",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  video: "M3 6h12v12H3zM15 10l6-3v10l-6-3",
  document: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  voice: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
  audio: "M9 18V6l10-2v12M9 18a3 2.5 0 1 1-3-2.5M19 16a3 2.5 0 1 1-3-2.5",
  location: "M12 21s-7-6.2-7-11a7 7 0 0 1 14 0c0 4.8-7 11-7 11zM12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  contact: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
  sticker: "M5 4h14v10l-6 6H5zM13 20v-6h6M9 9h.01M15 9h.01",
  order: "M4 5h2l2 10h10l2-7H7M9 19h.01M17 19h.01",
  reply: "M10 7 4 12l6 5M4 12h9c4 0 7 2 7 6",
  react: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 10h.01M15 10h.01M8.5 14.5c2 2.5 5 2.5 7 0",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  more: "M6 9l6 6 6-6",
  close: "M6 6l12 12M18 6 6 18",
  list: "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
  open: "M14 4h6v6M20 4l-9 9M18 13v7H4V6h7",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  stop: "M7 7h10v10H7z",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  sent: "M5 12.5 10 17.5 20 7",
  delivered: "M2 12.5 7 17.5 17 7M12 16.5l1 1L22.5 7",
  read: "M2 12.5 7 17.5 17 7M12 16.5l1 1L22.5 7",
  failed: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.5v5.5M12 16.5h.01",
  warning: "M12 4 2.5 20h19zM12 10v5M12 17.5h.01",
  chevron: "M9 6l6 6-6 6",
  phone: "M7 3h10v18H7zM11 18h2",
  trace: "M4 6h10M4 12h16M4 18h7",
  reset: "M5 12a7 7 0 1 1 2.5 5.4M5 18v-5h5",
  ban: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.8 5.8l12.4 12.4",
};

// icon returns a drawing of a name in paths, which screen readers skip.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon icon-" + name);
  svg.setAttribute("aria-hidden", "true");

  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[name] || paths.document);
  svg.append(path);

  return svg;
}
