// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/medialink"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// mediaType describes how a message with a file becomes a request.
type mediaType struct {
	process assistant.Method
	analyze assistant.Method
	body    func(assistant.Common, whatsapp.Media) assistant.Body // of the process method
}

var imageType = mediaType{
	process: assistant.ProcessImage,
	analyze: assistant.AnalyzeImage,
	body: func(c assistant.Common, m whatsapp.Media) assistant.Body {
		return assistant.ImageMessage{
			Common:   c,
			Caption:  string(m.Caption),
			MimeType: string(m.MimeType),
		}
	},
}

var videoType = mediaType{
	process: assistant.ProcessVideo,
	analyze: assistant.AnalyzeVideo,
	body: func(c assistant.Common, m whatsapp.Media) assistant.Body {
		return assistant.VideoMessage{
			Common:   c,
			Caption:  string(m.Caption),
			MimeType: string(m.MimeType),
		}
	},
}

var audioType = mediaType{
	process: assistant.ProcessAudio,
	analyze: assistant.TranscribeAudio,
	body: func(c assistant.Common, m whatsapp.Media) assistant.Body {
		return assistant.AudioMessage{
			Common:   c,
			MimeType: string(m.MimeType),
			Voice:    bool(m.Voice),
		}
	},
}

var documentType = mediaType{
	process: assistant.ProcessDocument,
	analyze: assistant.ParseDocument,
	body: func(c assistant.Common, m whatsapp.Media) assistant.Body {
		return assistant.DocumentMessage{
			Common:   c,
			Caption:  string(m.Caption),
			Filename: string(m.Filename),
			MimeType: string(m.MimeType),
		}
	},
}

// handle downloads the file and attaches it to the request. With bird.media.mode Analyze, the AI analyzes the file first,
// and the request contains the result as text.
func (m mediaType) handle(ctx context.Context, e *Engine, a *attempt) (*assistant.Request, error) {
	sent, ok := a.message.Media()
	if _, isUndelivered := a.message.Errors(); !ok || isUndelivered {
		return handleOther(ctx, e, a)
	}

	analyzing := e.ai(a.head).Analyzes(m.analyze)

	method := m.process
	if analyzing {
		method = assistant.ProcessText
	}

	if !e.ai(a.head).Enabled(method) {
		return nil, nil
	}

	known := a.work.Transcript
	if analyzing && known != "" && a.settings.Protocol() == config.ProtocolOpenAI { // whose analysis is nothing else
		return a.transcribed(sent, assistant.Analysis{Transcript: known}), nil
	}

	if !e.ai(a.head).TakesFile(m.method(analyzing), string(sent.MimeType)) {
		return &assistant.Request{Method: m.process, Body: m.body(a.common(), sent)}, nil
	}

	if err := e.takePlace(a); err != nil {
		return nil, err
	}

	if err := e.enterAI(a, m.method(analyzing)); err != nil { // before the download
		return nil, err
	}

	attached, err := e.download(ctx, a, sent)
	if err != nil {
		return nil, err
	}

	if !analyzing {
		return &assistant.Request{
			Method: m.process,
			Body:   m.body(a.common(), sent),
			Media:  attached,
		}, nil
	}

	analysis, err := e.analyze(ctx, a, m.analyze, sent, attached)
	if err != nil && failure.Of(err).Code != assistant.CodeNoTranscript {
		return nil, err
	}

	return a.transcribed(sent, analysis), nil
}

// transcribed returns the request with the result of an analysis in place of the file. The transcript is kept with the
// answer.
func (a *attempt) transcribed(sent whatsapp.Media, analysis assistant.Analysis) *assistant.Request {
	if transcript := analysis.Transcript; transcript != "" {
		transcript = strings.ToValidUTF8(transcript[:min(len(transcript), store.MaxTranscript)], "")
		a.pendingStep.Transcript = &transcript
	}

	text := cmp.Or(string(sent.Caption), analysis.Transcript)

	return &assistant.Request{
		Method: assistant.ProcessText,
		Text:   text,
		Body: assistant.TextMessage{
			Common:   a.common(),
			Text:     text,
			Analysis: analysis.Result,
		},
	}
}

// method returns the method that receives the file.
func (m mediaType) method(analyzing bool) assistant.Method {
	if analyzing {
		return m.analyze
	}

	return m.process
}

// download fetches the file of the message into the spool. The attempt removes it with removeFile.
func (e *Engine) download(ctx context.Context, a *attempt, sent whatsapp.Media) (*assistant.Media, error) {
	calls, err := e.enterFile(a, gate.Download())
	if err != nil {
		return nil, err
	}

	defer calls.cancel() // unless they have ended

	file, err := e.Media.Fetch(ctx, a.number(), expectedMedia(sent))
	e.recordCall(opDownload, err)
	e.endFile(ctx, a, calls, err)

	if err != nil {
		return nil, err
	}

	a.file = file
	e.shared.put(a.work.Event.ID, file)

	return &assistant.Media{
		ID:       string(sent.ID),
		MimeType: file.MimeType,
		SHA256:   file.SHA256,
		Size:     file.Size,
		Filename: file.Filename,
		Content:  file,
		Link:     medialink.URL(a.settings, a.work.Event.ID, e.Clock.Now()),
	}, nil
}

func expectedMedia(sent whatsapp.Media) media.Expected {
	return media.Expected{
		ID:       string(sent.ID),
		SHA256:   string(sent.SHA256),
		MimeType: string(sent.MimeType),
		Filename: string(sent.Filename),
	}
}

func (e *Engine) analyze(
	ctx context.Context,
	a *attempt,
	method assistant.Method,
	sent whatsapp.Media,
	attached *assistant.Media,
) (assistant.Analysis, error) {
	if err := e.checkSettings(a.head); err != nil {
		return assistant.Analysis{}, err
	}

	startedAt := e.Clock.Now()
	analysis, err := e.ai(a.head).Analyze(ctx, assistant.Request{
		Method:  method,
		Attempt: a.attemptNumber(),
		Replays: a.work.Replays,
		Media:   attached,
		Body: assistant.MediaAnalysis{
			Common:   a.common(),
			Filename: attached.Filename,
			Metadata: assistant.MediaMetadata{
				Type:     string(a.message.Type),
				MimeType: attached.MimeType,
				Caption:  string(sent.Caption),
				Voice:    bool(sent.Voice),
			},
		},
	})
	a.recordAsked(ctx, err)
	e.recordAnswerTime(string(method), startedAt, err)
	e.recordCall(string(method), err)
	e.endAttemptCall(ctx, a, err)

	return analysis, err
}

// takePlace takes one of the places for messages with a file, which removeFile gives back.
func (e *Engine) takePlace(a *attempt) error {
	call := gate.Media()
	call.Queued = a.queued

	permit, closed := e.gate.Enter(call, a.work.Event.ID)
	if closed != nil {
		return &waiting{closed}
	}

	a.place = permit

	return nil
}

// removeFile removes the downloaded file from the spool, and gives its place back.
func (e *Engine) removeFile(a *attempt) {
	defer a.place.Cancel()

	if a.file == nil {
		return
	}

	e.shared.drop(a.work.Event.ID, a.file)

	if err := a.file.Remove(); err != nil {
		e.Log.Error("removing downloaded media from the spool failed", logevent.EventID, a.work.Event.ID, "error", err)
	}

	a.file = nil
}
