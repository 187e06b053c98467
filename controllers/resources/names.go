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
	// maxNameLength leaves room in the 63 characters of a Service name for the suffixes below and for longer ones. It never
	// changes, since names are part of the Deployment's selector, which is immutable.
	maxNameLength = 52
	hashLength    = 10

	suffixConfig    = "-config"
	suffixStore     = "-store"
	suffixAdmin     = "-admin"
	suffixMessages  = "-messages"
	suffixDashboard = "-dashboard"
)

// Name returns the prefix of the names of all objects of a resource. It is the resource's name if that is a valid name of a
// Service; otherwise (too long, with dots, or starting with a digit) a part of the name and a hash of all of it.
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

// AdminServiceName returns the name of the headless Service that lists the pods of a resource.
func AdminServiceName(resource string) string {
	return Name(resource) + suffixAdmin
}
