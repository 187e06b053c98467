// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

import { actionsOf } from "./actions.js";
import { follow } from "./api.js";
import { Bar } from "./bar.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Model } from "./model.js";
import { language } from "./texts.js";
import { Trace } from "./trace.js";
import { Faults } from "./faults.js";

document.documentElement.lang = language;

const model = new Model();
const composer = new Composer(model);
const conversation = new Conversation(model, actionsOf(composer, (id) => conversation.reveal(id)));

new Bar(model);
new Faults(model);
new Trace(model);
composer.input.focus();
follow(model);
