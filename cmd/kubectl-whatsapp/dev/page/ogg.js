// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { t } from "./texts.js";

// WebM: RFC 9559 (Matroska), of which only the elements below matter. The elements that hold others are entered, so their
// size, which a live recording does not know, is not needed.
const containers = new Set([
  0x18538067, // Segment
  0x1654ae6b, // Tracks
  0xae, // TrackEntry
  0x1f43b675, // Cluster
  0xa0, // BlockGroup
]);
const codecPrivate = 0x63a2;
const simpleBlock = 0xa3;
const block = 0xa1;

// oggFromWebM moves the Opus packets of a WebM recording into an Ogg file, as RFC 7845 describes it.
export function oggFromWebM(webm) {
  const { head, packets } = opusOf(webm);
  if (!head || packets.length === 0) throw new Error(t("no-sound"));

  const pages = new Pages();
  const preSkip = head[10] | (head[11] << 8);

  pages.write([head], { flags: 2, granule: 0 });
  pages.write([tags()], { flags: 0, granule: 0 });

  let samples = preSkip;

  for (let i = 0; i < packets.length; i += packetsPerPage) {
    const some = packets.slice(i, i + packetsPerPage);
    const last = i + packetsPerPage >= packets.length;

    samples += some.reduce((sum, packet) => sum + samplesOf(packet), 0);
    pages.write(some, { flags: last ? 4 : 0, granule: samples });
  }

  return new Blob(pages.parts);
}

function opusOf(webm) {
  const found = { head: null, packets: [] };

  for (let at = 0; at < webm.length; ) {
    const id = number(webm, at, false);
    const size = number(webm, id.end, true);
    if (containers.has(id.value)) {
      at = size.end;
      continue;
    }

    const body = webm.subarray(size.end, size.end + size.value);

    if (id.value === codecPrivate) found.head = body;
    if (id.value === simpleBlock || id.value === block) found.packets.push(packetOf(body));

    at = size.end + size.value;
  }

  return found;
}

// packetOf leaves out the block's track number, time and flags.
const packetOf = (body) => body.subarray(number(body, 0, true).end + 3);

// number reads a number of variable length, with or without the bit that marks its length.
function number(bytes, at, unmarked) {
  const length = Math.clz32(bytes[at]) - 23;
  let value = unmarked ? bytes[at] & (0xff >> length) : bytes[at];

  for (let i = 1; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);

  return { value, end: at + Math.min(length, 8) };
}

// samplesOf returns the length of a packet at 48 kHz, by its first byte (RFC 6716, section 3.1).
function samplesOf(packet) {
  const config = packet[0] >> 3;
  const frames = [1, 2, 2, packet[1] & 63][packet[0] & 3];
  let frame = [120, 240, 480, 960][config & 3];

  if (config < 12) frame = [480, 960, 1920, 2880][config & 3];
  else if (config < 16) frame = [480, 960][config & 1];

  return frames * frame;
}

function tags() {
  const bytes = new Uint8Array(8 + 4 + 3 + 4);
  bytes.set(new TextEncoder().encode("OpusTags"));
  bytes[8] = 3;
  bytes.set(new TextEncoder().encode("dev"), 12);

  return bytes;
}

const serial = 1;

// A page has at most 255 segments of at most 255 bytes; a packet of speech has two.
const packetsPerPage = 30;

// Pages writes the pages of an Ogg stream (RFC 3533, section 6).
class Pages {
  constructor() {
    this.parts = [];
  }

  write(packets, { flags, granule }) {
    const segments = packets.flatMap((packet) => [
      ...new Array(Math.floor(packet.length / 255)).fill(255),
      packet.length % 255,
    ]);
    const size = packets.reduce((sum, packet) => sum + packet.length, 0);
    const page = new Uint8Array(27 + segments.length + size);
    const view = new DataView(page.buffer);

    page.set(new TextEncoder().encode("OggS"));
    page[5] = flags;
    view.setBigUint64(6, BigInt(granule), true);
    view.setUint32(14, serial, true);
    view.setUint32(18, this.parts.length, true);
    page[26] = segments.length;
    page.set(segments, 27);

    let at = 27 + segments.length;

    for (const packet of packets) {
      page.set(packet, at);
      at += packet.length;
    }

    view.setUint32(22, checksum(page), true);
    this.parts.push(page);
  }
}

const polynomial = 0x04c11db7;

function checksum(bytes) {
  let sum = 0;

  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000 ? (sum << 1) ^ polynomial : sum << 1;
  }

  return sum >>> 0;
}
