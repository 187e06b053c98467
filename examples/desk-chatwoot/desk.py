# Copyright The whatsapp-webhook-operator Authors.
# SPDX-License-Identifier: Apache-2.0
"""Connects handoffs with an API inbox of Chatwoot: agents see what people write, answer, and hand back by "Resolve".

Chatwoot's side: https://developers.chatwoot.com/api-reference (Client APIs), and the webhook of the inbox.
"""
import base64, collections, hmac, http.server, json, os, urllib.error, urllib.parse, urllib.request

DESK_KEY = os.environ["DESK_KEY"]              # handoff.keySecretRef: what the receiver sends
MESSAGES_URL = os.environ["MESSAGES_URL"]      # the messages API of the receiver
MESSAGES_KEY = os.environ["MESSAGES_KEY"]      # one of its keys with the role Desk
CHATWOOT_URL = os.environ["CHATWOOT_URL"]      # such as https://app.chatwoot.com
INBOX = os.environ["CHATWOOT_INBOX"]           # the identifier of the API inbox, from its settings
WEBHOOK_SECRET = os.environ["WEBHOOK_SECRET"]  # the inbox calls https://…/chatwoot/<WEBHOOK_SECRET>
MAX_BODY = 150 << 20                           # a file of 100 MiB in base64
shown = collections.deque(maxlen=10_000)       # the Idempotency-Keys of requests that agents have seen
FILES = {"image": "image", "video": "video", "audio": "audio"}  # by Chatwoot's type; else a document


def call(method, url, body=None, headers=()):
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), dict(headers), method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read() or b"null")


def chatwoot(method, path, body=None):
    return call(method, f"{CHATWOOT_URL}/public/api/v1/inboxes/{INBOX}/contacts{path}", body)


def receiver(method, path, body, key):
    return call(method, MESSAGES_URL + path, body, {"Authorization": "Bearer " + MESSAGES_KEY, "Idempotency-Key": key})


def source_of(conversation_key):               # Chatwoot's paths take no dots
    return base64.urlsafe_b64encode(conversation_key.encode()).decode().rstrip("=")


def key_of(source):
    return base64.urlsafe_b64decode(source + "=" * (-len(source) % 4)).decode()


def from_receiver(request, key):
    """Shows agents a message, or why the AI handed the conversation over."""
    if key in shown:
        return
    source, contact = source_of(request["conversation_key"]), request.get("contact_info") or {}
    if request["method"] == "conversation_handed_off":
        content = "The AI hands over: " + (request.get("reason") or "no reason given")
    else:
        content = request.get("text") or f"[{request.get('type', 'a message without text')}]"
        link = (request.get("media") or {}).get("url")  # works for 15 minutes
        content += "\n" + link if link else ""
    chatwoot("POST", "", {"source_id": source, "name": contact.get("name") or contact.get("wa_id") or "WhatsApp"})
    conversations = chatwoot("GET", f"/{source}/conversations") or [chatwoot("POST", f"/{source}/conversations", {})]
    chatwoot("POST", f"/{source}/conversations/{conversations[-1]['id']}/messages", {"content": content})
    shown.append(key)


def from_chatwoot(event, _):
    """Sends what an agent writes, and hands a resolved conversation back to the AI."""
    conversation = event.get("conversation", event)
    key = key_of(conversation["contact_inbox"]["source_id"])
    if event["event"] == "message_created" and event["message_type"] == "outgoing" and not event.get("private"):
        response = [event["content"]] if event.get("content") else []
        for file in event.get("attachments") or []:
            response.append({"type": FILES.get(file["file_type"], "document"), "url": file["data_url"]})
        receiver("POST", "/v1/messages", {"conversation_key": key, "response": response}, f"chatwoot-{event['id']}")
    elif event["event"] == "conversation_status_changed" and event["status"] == "resolved":
        path = f"/v1/conversations/{urllib.parse.quote(key, safe='')}/handler"
        receiver("PUT", path, {"handler": "ai"}, f"chatwoot-resolved-{event['id']}")


class Desk(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size, authorization = int(self.headers.get("Content-Length") or 0), self.headers.get("Authorization", "")
        if not 0 <= size <= MAX_BODY:
            self.close_connection = True
            return self.reply(413)
        if hmac.compare_digest(authorization.encode(), b"Bearer " + DESK_KEY.encode()):
            handle = from_receiver
        elif hmac.compare_digest(self.path.encode(), b"/chatwoot/" + WEBHOOK_SECRET.encode()):
            handle = from_chatwoot
        else:
            self.skip(size)
            return self.reply(401)
        body = self.rfile.read(size)
        if len(body) < size:                    # the caller broke off
            self.close_connection = True
            return
        try:
            handle(json.loads(body), self.headers.get("Idempotency-Key"))
        except OSError as error:                # the caller tries again, unless the other side refuses for good
            self.log_error("%s: %s", handle.__name__, error)
            return self.reply(error.code if isinstance(error, urllib.error.HTTPError) and error.code < 500 else 503)
        self.reply(204)

    def skip(self, size):
        """Reads a body that is refused, so that the caller reads the answer. Nothing of it is kept."""
        while size > 0 and (chunk := self.rfile.read(min(size, 1 << 16))):
            size -= len(chunk)

    def reply(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    http.server.ThreadingHTTPServer((os.environ.get("HOST", ""), int(os.environ.get("PORT", "8080"))), Desk).serve_forever()
