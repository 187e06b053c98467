// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command ceiling serves a webhook that reads the body of each delivery and checks its signature, and does nothing else: no
// server with net/http can acknowledge more. The environment has the port and the app secret.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxBody is the limit of a delivery, in bytes: that of the receiver.
const maxBody = 4 << 20

func main() {
	secret := []byte(os.Getenv("APP_SECRET"))
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}

			mac := hmac.New(sha256.New, secret)
			mac.Write(body)

			signature, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="))
			if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}),
	}

	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
