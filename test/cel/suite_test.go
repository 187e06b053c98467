// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cel tests the rules of the API, in CEL and in the schema, against a real API server that has the CRD and no
// operator.
package cel

import (
	"os"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

const root = "../.."

var server *apiserver.Server

func TestMain(m *testing.M) {
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{root + "/config/crd/bases"},
		ErrorIfCRDPathMissing: true,
	}

	os.Exit(apiserver.Run(environment, func(s *apiserver.Server) (int, error) {
		server = s
		return m.Run(), nil
	}))
}
