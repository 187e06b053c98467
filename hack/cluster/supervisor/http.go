// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const maxBody = 1 << 20

// Handler serves a Supervisor to a Client.
func Handler(s *Supervisor) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /programs", func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(s.List()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("POST /programs", func(w http.ResponseWriter, r *http.Request) {
		var p Program

		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&p)
		if err == nil {
			err = s.Start(p)
		}

		answer(w, err)
	})
	mux.HandleFunc("POST /programs/{name}/start", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.StartAgain(r.PathValue("name")))
	})
	mux.HandleFunc("POST /programs/{name}/stop", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.Stop(r.PathValue("name")))
	})

	return mux
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}

	w.WriteHeader(http.StatusNoContent)
}

// Client asks the Supervisor behind a unix socket.
type Client struct {
	http http.Client
}

// Dial returns a Client for the Supervisor at the socket. It connects when it is asked something.
func Dial(socket string) *Client {
	return &Client{http.Client{
		Timeout: patience + 10*time.Second,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}},
	}}
}

// Start runs a program, unless one of its name runs already.
func (c *Client) Start(ctx context.Context, p Program) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}

	_, err = c.ask(ctx, http.MethodPost, "/programs", body)

	return err
}

// StartAgain runs a program that was stopped, or ended, as it ran before.
func (c *Client) StartAgain(ctx context.Context, name string) error {
	_, err := c.ask(ctx, http.MethodPost, "/programs/"+name+"/start", nil)
	return err
}

// Stop ends a program and returns when it has ended.
func (c *Client) Stop(ctx context.Context, name string) error {
	_, err := c.ask(ctx, http.MethodPost, "/programs/"+name+"/stop", nil)
	return err
}

// List returns the programs, by name.
func (c *Client) List(ctx context.Context) ([]State, error) {
	body, err := c.ask(ctx, http.MethodGet, "/programs", nil)
	if err != nil {
		return nil, err
	}

	var states []State
	if err := json.Unmarshal(body, &states); err != nil {
		return nil, fmt.Errorf("read the state of the programs: %w", err)
	}

	return states, nil
}

func (c *Client) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}

	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the node's supervisor: %w", err)
	}
	defer resp.Body.Close()

	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("ask the node's supervisor: %w", err)
	}

	if resp.StatusCode >= http.StatusBadRequest {
		return nil, errors.New(strings.TrimSpace(string(text)))
	}

	return text, nil
}
