// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command ceiling serves a webhook that reads the body of each delivery and checks its signature, and does nothing else: no
// server with net/http can acknowledge more. The environment has the port and the app secret.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/bench/peers/webhook"
)

func main() {
	secret := []byte(os.Getenv("APP_SECRET"))
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		ReadHeaderTimeout: 5 * time.Second,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { webhook.Read(w, r, secret) }),
	}

	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}
