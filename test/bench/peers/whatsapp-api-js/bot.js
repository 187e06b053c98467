// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// A bot that sends each text back before it answers the delivery, and stores nothing.
import { createServer } from "node:http";
import { Text } from "whatsapp-api-js/messages";
import { WhatsAppAPI } from "whatsapp-api-js/middleware/node-http";

const graph = process.env.GRAPH_URL;

const bot = new WhatsAppAPI({
  token: "bench-access-token",
  appSecret: process.env.APP_SECRET,
  webhookVerifyToken: "bench-verify-token",
  v: "v25.0",
  ponyfill: {
    fetch: (url, init) => fetch(url.replace("https://graph.facebook.com", graph), init),
  },
});

bot.on.message = ({ message, reply }) => reply(new Text(message.text.body));

createServer(async (request, response) => {
  response.statusCode = await bot.handle_post(request);
  response.end();
}).listen(Number(process.env.PORT), "127.0.0.1");
