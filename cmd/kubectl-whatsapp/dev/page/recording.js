// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { oggFromWebM } from "./ogg.js";

// WhatsApp records Opus in Ogg. Where the browser can put it in WebM only, it is moved to Ogg, so that the AI gets what it
// will get from phones.
const formats = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus"];

const formatOf = () => formats.find((format) => window.MediaRecorder?.isTypeSupported(format));

// canRecord reports whether the browser can record; whether there is a microphone shows when it is asked for.
export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && formatOf());

// Recording is a voice message that is being recorded.
export class Recording {
  // start asks for the microphone, and records. It throws if there is none, or if the person does not allow it.
  static async start() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });

    return new Recording(stream);
  }

  constructor(stream) {
    this.stream = stream;
    this.chunks = [];
    this.recorder = new MediaRecorder(stream, { mimeType: formatOf(), audioBitsPerSecond: 24000 });
    this.recorder.addEventListener("dataavailable", (event) => this.chunks.push(event.data));
    this.recorder.start();
    this.started = performance.now();
    this.timer = setInterval(() => this.onTime?.((performance.now() - this.started) / 1000), 250);
  }

  // finish ends the recording and returns its file.
  async finish() {
    const stopped = new Promise((resolve) => this.recorder.addEventListener("stop", resolve, { once: true }));

    this.recorder.stop();
    await stopped;
    this.release();

    const recorded = new Blob(this.chunks, { type: this.recorder.mimeType });
    const ogg = recorded.type.startsWith("audio/ogg")
      ? recorded
      : new Blob([oggFromWebM(new Uint8Array(await recorded.arrayBuffer()))]);

    return new File([ogg], "voice.ogg", { type: "audio/ogg; codecs=opus" });
  }

  cancel() {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    this.release();
  }

  release() {
    clearInterval(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
  }
}
