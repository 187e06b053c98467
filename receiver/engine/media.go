// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// mediaType says what becomes of a message with a file.
type mediaType struct {
	kind    media.Kind
	process bird.Method
	analyze bird.Method
	body    func(bird.Common, whatsapp.Media) bird.Body
}

// handle downloads the file and puts it with the message, or has it analyzed and puts the result as a text.
func (m mediaType) handle(ctx context.Context, e *Engine, t *task) (*bird.Request, error) {
	sent, ok := t.message.Media()
	if !ok {
		return handleOther(ctx, e, t)
	}

	analyzing := t.settings.Bird.Media.Mode == config.MediaAnalyze && e.Bird.Enabled(m.analyze)

	method := m.process
	if analyzing {
		method = bird.ProcessText
	}

	if !e.Bird.Enabled(method) {
		return nil, nil
	}

	file, err := e.Media.Fetch(ctx, t.number(), m.kind, media.Wanted{
		ID:       string(sent.ID),
		SHA256:   string(sent.SHA256),
		MimeType: string(sent.MimeType),
		Filename: string(sent.Filename),
	})
	e.note("download media", err)

	if err != nil {
		return nil, err
	}

	t.file = file

	attached := &bird.Media{
		ID:       string(sent.ID),
		MimeType: file.MimeType,
		SHA256:   file.SHA256,
		Size:     file.Size,
		Filename: file.Filename,
		Content:  file,
	}
	if !analyzing {
		return &bird.Request{
			Method: m.process,
			Body:   m.body(t.common(), sent),
			Media:  attached,
		}, nil
	}

	analysis, err := e.analyze(ctx, t, m, sent, attached)
	if err != nil {
		return nil, err
	}

	text := string(sent.Caption)
	if text == "" {
		text = analysis.Transcript
	}

	return &bird.Request{Method: bird.ProcessText, Body: bird.TextMessage{
		Common:   t.common(),
		Text:     text,
		Analysis: analysis.Result,
	}}, nil
}

func (e *Engine) analyze(ctx context.Context, t *task, m mediaType, sent whatsapp.Media, attached *bird.Media) (bird.Analysis, error) {
	began := e.Clock.Now()
	analysis, err := e.Bird.Analyze(ctx, bird.Request{
		Method:  m.analyze,
		Attempt: t.work.Attempts + 1,
		Replays: t.work.Replays,
		Media:   attached,
		Body: bird.MediaAnalysis{
			Common:   t.common(),
			Filename: attached.Filename,
			Metadata: bird.MediaMetadata{
				Type:     string(t.message.Type),
				MimeType: attached.MimeType,
				Caption:  string(sent.Caption),
				Voice:    bool(sent.Voice),
			},
		},
	})
	e.Metrics.AIAnswered(string(m.analyze), e.Clock.Since(began))
	e.note(string(m.analyze), err)

	return analysis, err
}
