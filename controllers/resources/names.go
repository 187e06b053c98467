// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// maxNameLength leaves room in the 63 characters of a Service name for the suffixes below and for longer ones.
	// It feeds the selector of the Deployment, which is immutable, so it never changes.
	maxNameLength = 52
	hashLength    = 10

	suffixConfig    = "-config"
	suffixStore     = "-store"
	suffixAdmin     = "-admin"
	suffixDashboard = "-dashboard"
)

// Name is what the names of all objects of a resource begin with: the name of the resource, or, where that could not
// be the name of a Service (too long, with dots, or with a digit first), a part of it and a hash of the whole.
func Name(resource string) string {
	if len(resource) <= maxNameLength && len(validation.IsDNS1035Label(resource)) == 0 {
		return resource
	}

	sum := sha256.Sum256([]byte(resource))
	hash := hex.EncodeToString(sum[:])[:hashLength]

	readable := strings.ReplaceAll(resource, ".", "-")
	if readable != "" && readable[0] >= '0' && readable[0] <= '9' {
		readable = "w" + readable
	}

	readable = readable[:min(len(readable), maxNameLength-hashLength-1)]

	return strings.TrimRight(readable, "-") + "-" + hash
}

// AdminServiceName is the name of the headless Service that makes the pods of a resource findable.
func AdminServiceName(resource string) string {
	return Name(resource) + suffixAdmin
}
