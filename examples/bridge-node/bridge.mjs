// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// A complete Bird bridge without dependencies: replace answer() by a call of your AI.
import { createServer } from "node:http";
import { createHash, timingSafeEqual } from "node:crypto";

const key = process.env.BRIDGE_KEY; // bird.accessKeySecretRef; without it only this machine may call
const host = process.env.HOST ?? (key ? undefined : "127.0.0.1");
const port = process.env.PORT ?? 8000;
const messagesURL = process.env.MESSAGES_URL; // the messages API of the receiver, for answers that come later
const maxBody = 150 * 2 ** 20; // 100 MiB in base64, and the properties around it
const answers = new Map(); // by Idempotency-Key, as promises

async function answer(request, media) {
  const text = (request.text ?? "").trim();
  switch (request.method) {
    case "notify_bird_status_change":
      return [204];
    case "process_image_message":
      return [200, { response: `A picture of ${media.length} bytes.` }];
    case "process_audio_message":
      return [200, { response: `A voice message of ${media.length} bytes.` }];
    case "process_button_interaction":
      return [200, { response: `You chose ${request.button_title}.` }];
    case "process_text_message":
      break;
    default:
      return [200, { response: "I cannot read that yet." }];
  }
  if (text === "agent") return [200, { response: "A colleague will answer you.", handoff: { reason: "asked for a person" } }];
  if (text === "menu") return [200, { response: { type: "buttons", text: "Coffee or tea?", buttons: ["Coffee", "Tea"] } }];
  if (text === "later" && messagesURL) {
    answerLater(request.event_id, "That took a while.");
    return [202, { accepted: true }];
  }
  return [200, { response: `You wrote: ${text}` }];
}

async function answerLater(eventID, response) {
  for (const pause of [1, 2, 4, 8, 16]) { // with the same Idempotency-Key nothing is sent twice
    const sent = await fetch(`${messagesURL}/v1/messages`, {
      method: "POST",
      headers: { Authorization: `Bearer ${process.env.MESSAGES_KEY}`, "Content-Type": "application/json", "Idempotency-Key": `answer-${eventID}` },
      body: JSON.stringify({ in_reply_to: eventID, response }),
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined);
    if (sent && sent.status < 500 && sent.status !== 429) return; // stored, or refused for good
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

// parse returns the request and the bytes of its file, which is in the JSON in base64, or above 4 MiB a part of a form.
async function parse(type, body) {
  if (type.startsWith("multipart/")) {
    const form = await new Response(body, { headers: { "Content-Type": type } }).formData();
    return [JSON.parse(form.get("payload")), Buffer.from(await form.get("media").arrayBuffer())];
  }
  const request = JSON.parse(body);
  const data = Object.keys(request).find((name) => name.endsWith("_data"));
  return [request, Buffer.from(request[data] ?? "", "base64")];
}

function reply(response, [status, body]) {
  response.writeHead(status, body && { "Content-Type": "application/json" });
  response.end(body && JSON.stringify(body));
}

const digest = (text) => createHash("sha256").update(text).digest();

createServer(async (request, response) => {
  if (key && !timingSafeEqual(digest(request.headers.authorization ?? ""), digest(`AccessKey ${key}`)))
    return reply(response, [401, { error: { code: "unauthorized" } }]);
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of request) if ((size += chunk.length) <= maxBody) chunks.push(chunk);
  } catch {
    return response.destroy(); // the caller broke off
  }
  if (size > maxBody) return reply(response, [413, { error: { code: "too_large" } }]);
  const id = request.headers["idempotency-key"];
  if (!answers.has(id)) { // a repetition gets the same answer, also while it is made
    answers.set(id, parse(request.headers["content-type"], Buffer.concat(chunks)).then((parsed) => answer(...parsed)));
    if (answers.size > 10_000) answers.delete(answers.keys().next().value);
  }
  try {
    reply(response, await answers.get(id));
  } catch (error) {
    console.error(error);
    answers.delete(id); // so that the repetition is tried anew
    reply(response, [500, { error: { code: "internal" } }]);
  }
}).listen(port, host, () => console.log(`The bridge listens on port ${port}, ${key ? "with" : "without"} a key`));
