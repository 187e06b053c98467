# Copyright The whatsapp-webhook-operator Authors.
# SPDX-License-Identifier: Apache-2.0

"""A webhook as guides for FastAPI show it: check the signature, parse, process in the background, store nothing."""

import hashlib
import hmac
import json
import os

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse

secret = os.environ["APP_SECRET"].encode()
app = FastAPI()


@app.post("/webhooks/whatsapp")
async def receive(request: Request, tasks: BackgroundTasks):
    body = await request.body()
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()

    if not hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", "")):
        raise HTTPException(status_code=401, detail="wrong signature")

    try:
        delivery = json.loads(body)
    except json.JSONDecodeError:
        raise HTTPException(status_code=400, detail="no JSON")

    tasks.add_task(process, delivery)

    return PlainTextResponse("OK")


async def process(delivery: dict):
    """Hands each message to its handler, which asks no AI here."""
    for entry in delivery.get("entry", []):
        for change in entry.get("changes", []):
            for message in change.get("value", {}).get("messages", []):
                await handlers.get(message.get("type"), ignore)(message)


async def text(message: dict):
    message.get("text", {}).get("body", "")


async def ignore(_: dict):
    pass


handlers = {"text": text}
