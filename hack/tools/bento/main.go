// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command bento runs Bento with a pipeline that stores deliveries in NATS JetStream, and the NATS server. The working
// directory has the pipeline, and gets the stream's files. Like the receiver's store, the stream is on disk before a
// delivery is acknowledged.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	_ "github.com/warpstreamlabs/bento/public/components/io" // http_server
	_ "github.com/warpstreamlabs/bento/public/components/nats"
	_ "github.com/warpstreamlabs/bento/public/components/pure"
	"github.com/warpstreamlabs/bento/public/service"
)

// startTimeout bounds the start of the NATS server.
const startTimeout = 10 * time.Second

func main() {
	if err := startStream(); err != nil {
		fmt.Fprintln(os.Stderr, "start the stream:", err)
		os.Exit(1)
	}

	service.RunCLI(context.Background())
}

// startStream starts a NATS server with an empty stream, and sets NATS_URL.
func startStream() error {
	stored, err := os.MkdirTemp(".", "jetstream-")
	if err != nil {
		return err
	}

	broker, err := server.NewServer(&server.Options{
		Host:       "127.0.0.1",
		Port:       server.RANDOM_PORT,
		JetStream:  true,
		StoreDir:   stored,
		SyncAlways: true,
		NoSigs:     true,
	})
	if err != nil {
		return err
	}

	broker.Start()

	if !broker.ReadyForConnections(startTimeout) {
		return fmt.Errorf("the server does not accept connections within %s", startTimeout)
	}

	connection, err := nats.Connect(broker.ClientURL())
	if err != nil {
		return err
	}
	defer connection.Close()

	streams, err := connection.JetStream()
	if err != nil {
		return err
	}

	if _, err := streams.AddStream(&nats.StreamConfig{
		Name:     "deliveries",
		Subjects: []string{"deliveries"},
		Storage:  nats.FileStorage,
	}); err != nil {
		return err
	}

	return os.Setenv("NATS_URL", broker.ClientURL())
}
