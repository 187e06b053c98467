// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// strict returns a client that rejects fields the API does not have: they would be mistakes in the test.
func strict() client.Client {
	return client.WithFieldValidation(server.Client, metav1.FieldValidationStrict)
}

var anyIndex = regexp.MustCompile(`\[[^]]*]`)

// wantCause fails the test unless err rejects the field with the message, or is nil if the message is "".
func wantCause(t *testing.T, err error, field, message string) {
	t.Helper()

	if message == "" || err == nil {
		wantMessage(t, err, message)
		return
	}

	if !hasCause(err, field, message) {
		t.Errorf("rejected, but not because of %s %q: %v", field, message, err)
	}
}

func hasCause(err error, field, message string) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.ErrStatus.Details == nil {
		return false
	}

	for _, cause := range status.ErrStatus.Details.Causes {
		if anyIndex.ReplaceAllString(cause.Field, "[]") == field && strings.Contains(cause.Message, message) {
			return true
		}
	}

	return false
}

// wantMessage fails the test unless err contains the text, or is nil if the text is "".
func wantMessage(t *testing.T, err error, want string) {
	t.Helper()

	switch {
	case want == "" && err != nil:
		t.Errorf("rejected: %v", err)
	case want != "" && err == nil:
		t.Errorf("accepted; want a rejection with %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("rejected, but the message lacks %q: %v", want, err)
	}
}

// wantRejected fails the test unless err is a rejection exactly if rejected is true.
func wantRejected(t *testing.T, write string, err error, rejected bool) {
	t.Helper()

	switch {
	case err != nil && !apierrors.IsInvalid(err):
		t.Errorf("%s: %v", write, err)
	case err != nil && !rejected:
		t.Errorf("%s is rejected: %v", write, err)
	case err == nil && rejected:
		t.Errorf("%s is accepted; want a rejection", write)
	}
}
