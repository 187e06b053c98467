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

		respond(w, err)
	})
	mux.HandleFunc("POST /programs/{name}/start", func(w http.ResponseWriter, r *http.Request) {
		respond(w, s.Restart(r.PathValue("name")))
	})
	mux.HandleFunc("POST /programs/{name}/stop", func(w http.ResponseWriter, r *http.Request) {
		respond(w, s.Stop(r.PathValue("name")))
	})

	return mux
}

// respond writes the response of a command.
func respond(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}

	w.WriteHeader(http.StatusNoContent)
}

// Client calls a Supervisor over a unix socket.
type Client struct {
	http http.Client
}

// Dial returns a Client for the Supervisor at the socket. It connects with the first call.
func Dial(socket string) *Client {
	return &Client{http.Client{
		Timeout: stopTimeout + time.Minute,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
		},
	}}
}

// Start starts a program, unless one of its name is running.
func (c *Client) Start(ctx context.Context, p Program) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}

	_, err = c.call(ctx, http.MethodPost, "/programs", body)

	return err
}

// Restart starts a stopped or ended program again.
func (c *Client) Restart(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodPost, "/programs/"+name+"/start", nil)
	return err
}

// Stop stops a program, and returns when it has ended.
func (c *Client) Stop(ctx context.Context, name string) error {
	_, err := c.call(ctx, http.MethodPost, "/programs/"+name+"/stop", nil)
	return err
}

// List returns the programs, sorted by name.
func (c *Client) List(ctx context.Context) ([]State, error) {
	body, err := c.call(ctx, http.MethodGet, "/programs", nil)
	if err != nil {
		return nil, err
	}

	var states []State
	if err := json.Unmarshal(body, &states); err != nil {
		return nil, fmt.Errorf("decode the state of the programs: %w", err)
	}

	return states, nil
}

// call sends a request and returns the body of the response.
func (c *Client) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}

	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call the node's supervisor: %w", err)
	}
	defer resp.Body.Close()

	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("call the node's supervisor: %w", err)
	}

	if resp.StatusCode >= http.StatusBadRequest {
		return nil, errors.New(strings.TrimSpace(string(text)))
	}

	return text, nil
}
