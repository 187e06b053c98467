# Copyright The whatsapp-webhook-operator Authors.
# SPDX-License-Identifier: Apache-2.0
"""A complete Bird bridge without dependencies: replace answer() by a call of your AI."""
import base64, collections, email, hmac, http.server, json, os, threading, time, urllib.request

KEY = os.environ.get("BRIDGE_KEY", "")              # bird.accessKeySecretRef; without it only this machine may call
HOST, PORT = os.environ.get("HOST", "" if KEY else "127.0.0.1"), int(os.environ.get("PORT", "8000"))
MESSAGES_URL = os.environ.get("MESSAGES_URL")       # the messages API of the receiver, for answers that come later
MESSAGES_KEY = os.environ.get("MESSAGES_KEY", "")
MAX_BODY = 150 << 20                                # 100 MiB in base64, and the properties around it
answers, lock = collections.OrderedDict(), threading.Lock()  # by Idempotency-Key; None while one is made


def answer(request, media):
    """Returns the status and the body of the answer to a request."""
    method, text = request["method"], request.get("text", "").strip()
    if method == "notify_bird_status_change":
        return 204, None
    if method == "process_image_message":
        return 200, {"response": f"A picture of {len(media)} bytes."}
    if method == "process_audio_message":
        return 200, {"response": f"A voice message of {len(media)} bytes."}
    if method == "process_button_interaction":
        return 200, {"response": f"You chose {request['button_title']}."}
    if method != "process_text_message":
        return 200, {"response": "I cannot read that yet."}
    if text == "agent":
        return 200, {"response": "A colleague will answer you.", "handoff": {"reason": "asked for a person"}}
    if text == "menu":
        return 200, {"response": {"type": "buttons", "text": "Coffee or tea?", "buttons": ["Coffee", "Tea"]}}
    if text == "later" and MESSAGES_URL:
        threading.Thread(target=answer_later, args=(request["event_id"], "That took a while."), daemon=True).start()
        return 202, {"accepted": True}
    return 200, {"response": f"You wrote: {text}"}


def answer_later(event_id, response):
    body = json.dumps({"in_reply_to": event_id, "response": response}).encode()
    headers = {"Authorization": "Bearer " + MESSAGES_KEY, "Content-Type": "application/json", "Idempotency-Key": "answer-" + event_id}
    for pause in (1, 2, 4, 8, 16):                  # with the same Idempotency-Key nothing is sent twice
        try:
            return urllib.request.urlopen(urllib.request.Request(MESSAGES_URL + "/v1/messages", body, headers), timeout=10).close()
        except OSError as error:
            if getattr(error, "code", 503) < 500 and error.code != 429:
                return                              # refused for good
            time.sleep(pause)


class Bridge(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True                  # otherwise each answer takes 40 ms longer

    def do_POST(self):
        size, key = int(self.headers.get("Content-Length") or 0), self.headers.get("Idempotency-Key", "")
        if not 0 <= size <= MAX_BODY:
            self.close_connection = True
            return self.reply(413, {"error": {"code": "too_large"}})
        if KEY and not hmac.compare_digest(self.headers.get("Authorization", "").encode(), b"AccessKey " + KEY.encode()):
            self.skip(size)
            return self.reply(401, {"error": {"code": "unauthorized"}})
        body = self.rfile.read(size)
        if len(body) < size:                        # the caller broke off
            self.close_connection = True
            return
        with lock:
            if key in answers:                      # a repetition gets the same answer
                return self.reply(*(answers[key] or (409, {"error": {"code": "E01004", "message": "in progress"}})))
            answers[key] = None
            if len(answers) > 10_000:
                answers.popitem(last=False)
        try:
            result = answer(*self.parse(body))
        except Exception:
            with lock:
                answers.pop(key, None)              # so that the repetition is tried anew
            self.reply(500, {"error": {"code": "internal"}})
            raise
        with lock:
            answers[key] = result
        self.reply(*result)

    def skip(self, size):
        """Reads a body that is refused, so that the caller reads the answer. Nothing of it is kept."""
        while size > 0 and (chunk := self.rfile.read(min(size, 1 << 16))):
            size -= len(chunk)

    def parse(self, body):
        """Returns the request and the bytes of its file, which is in the JSON in base64, or above 4 MiB a part of a form."""
        kind = self.headers["Content-Type"]
        if kind.startswith("multipart/"):
            form = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
            parts = {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in form.get_payload()}
            return json.loads(parts["payload"]), parts["media"]
        request = json.loads(body)
        return request, base64.b64decode(next((v for k, v in request.items() if k.endswith("_data")), ""))

    def reply(self, status, body):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer((HOST, PORT), Bridge)
    print(f"The bridge listens on port {PORT}, {'with' if KEY else 'without'} a key", flush=True)
    server.serve_forever()
