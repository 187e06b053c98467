// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

type spec = v1alpha1.WhatsAppWebhookSpec

func TestCreateIsValidated(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	endpoint := func(method v1alpha1.BirdMethod, path string) v1alpha1.BirdEndpoint {
		return v1alpha1.BirdEndpoint{Method: method, Path: path}
	}
	ref := func(name, key string) v1alpha1.SecretKeyReference {
		return v1alpha1.SecretKeyReference{Name: name, Key: key}
	}
	tests := map[string]struct {
		edit func(*spec)
		want string // part of the refusal; "" when it is accepted
	}{
		"only what is required": {edit: func(*spec) {}},

		"no access token": {func(s *spec) { s.CloudAPI.AccessTokenSecretRef = v1alpha1.SecretKeyReference{} }, "accessTokenSecretRef: Required"},
		"no app secret":   {func(s *spec) { s.CloudAPI.AppSecretSecretRefs = nil }, "appSecretSecretRefs: Required"},
		"four app secrets": {func(s *spec) {
			s.CloudAPI.AppSecretSecretRefs = []v1alpha1.SecretKeyReference{ref("a", "1"), ref("a", "2"), ref("b", "1"), ref("b", "2")}
		}, ""},
		"five app secrets": {func(s *spec) {
			s.CloudAPI.AppSecretSecretRefs = []v1alpha1.SecretKeyReference{ref("a", "1"), ref("a", "2"), ref("b", "1"), ref("b", "2"), ref("c", "1")}
		}, "must have at most 4 items"},
		"the same app secret twice": {func(s *spec) {
			s.CloudAPI.AppSecretSecretRefs = []v1alpha1.SecretKeyReference{ref("a", "1"), ref("a", "1")}
		}, "Duplicate value"},
		"Secret name with upper case": {func(s *spec) { s.CloudAPI.VerifyTokenSecretRef.Name = "Sales" }, "must be the name of a Secret"},
		"Secret key with a slash":     {func(s *spec) { s.CloudAPI.VerifyTokenSecretRef.Key = "a/b" }, "must be a key of a Secret"},

		"Graph API elsewhere":          {func(s *spec) { s.CloudAPI.BaseURL = "http://graph.demo.svc:8080/meta" }, ""},
		"Graph API URL not absolute":   {func(s *spec) { s.CloudAPI.BaseURL = "graph.facebook.com" }, "must be an absolute http or https URL"},
		"Graph API URL with ftp":       {func(s *spec) { s.CloudAPI.BaseURL = "ftp://graph.facebook.com" }, "must be an absolute http or https URL"},
		"Graph API URL with a query":   {func(s *spec) { s.CloudAPI.BaseURL = "https://graph.facebook.com?token=x" }, "must be an absolute http or https URL"},
		"Graph API version":            {func(s *spec) { s.CloudAPI.Version = "v25.0" }, ""},
		"Graph API version without v":  {func(s *spec) { s.CloudAPI.Version = "25.0" }, "must be a version of the Graph API"},
		"phone number ID":              {func(s *spec) { s.CloudAPI.PhoneNumberIDs = []string{"106540352242922"} }, ""},
		"phone number":                 {func(s *spec) { s.CloudAPI.PhoneNumberIDs = []string{"+15550783881"} }, "phoneNumberIDs[0]: Invalid value"},
		"phone number ID twice":        {func(s *spec) { s.CloudAPI.PhoneNumberIDs = []string{"1", "1"} }, "Duplicate value"},
		"throughput past Meta's limit": {func(s *spec) { s.CloudAPI.MessagesPerSecond = 1001 }, "less than or equal to 1000"},

		"no Bird URL":                {func(s *spec) { s.Bird.BaseURL = "" }, "baseURL: Required"},
		"Bird URL with credentials":  {func(s *spec) { s.Bird.BaseURL = "https://user:pass@bridge.example.com" }, "must be an absolute http or https URL"},
		"Bird URL with a blank":      {func(s *spec) { s.Bird.BaseURL = "https://bridge.example.com/a b" }, "must be an absolute http or https URL"},
		"Bird auth scheme":           {func(s *spec) { s.Bird.AuthScheme = v1alpha1.AuthSchemeBearer }, ""},
		"Bird auth scheme not known": {func(s *spec) { s.Bird.AuthScheme = "Basic" }, "Unsupported value"},
		"Bird endpoint": {func(s *spec) {
			s.Bird.Endpoints = []v1alpha1.BirdEndpoint{{Method: v1alpha1.ParseDocument, Path: "/parse", TimeoutSeconds: 120, State: v1alpha1.Disabled}}
		}, ""},
		"Bird endpoint not known": {func(s *spec) { s.Bird.Endpoints = []v1alpha1.BirdEndpoint{endpoint("Dance", "/dance")} }, "Unsupported value"},
		"Bird endpoint path":      {func(s *spec) { s.Bird.Endpoints = []v1alpha1.BirdEndpoint{endpoint("ParseDocument", "parse")} }, "must start with /"},
		"Bird endpoint out of time": {func(s *spec) {
			s.Bird.Endpoints = []v1alpha1.BirdEndpoint{{Method: "ParseDocument", TimeoutSeconds: 601}}
		}, "less than or equal to 600"},
		"Bird endpoint twice": {func(s *spec) {
			s.Bird.Endpoints = []v1alpha1.BirdEndpoint{endpoint("ParseDocument", "/a"), endpoint("ParseDocument", "/b")}
		}, "Duplicate value"},
		"typing indicator not known": {func(s *spec) { s.Processing.TypingIndicator = "On" }, "Unsupported value"},

		"no retries":                         {func(s *spec) { s.Processing.Retry.MaxRetries = new(int32(0)) }, ""},
		"negative retries":                   {func(s *spec) { s.Processing.Retry.MaxRetries = new(int32(-1)) }, "greater than or equal to 0"},
		"longest delay below the base delay": {func(s *spec) { s.Processing.Retry = v1alpha1.RetrySpec{BaseDelaySeconds: 5, MaxDelaySeconds: 4} }, "must not be less than baseDelaySeconds"},
		"base delay above the default":       {func(s *spec) { s.Processing.Retry.BaseDelaySeconds = 61 }, "must not be less than baseDelaySeconds"},
		"delays alike":                       {func(s *spec) { s.Processing.Retry = v1alpha1.RetrySpec{BaseDelaySeconds: 5, MaxDelaySeconds: 5} }, ""},

		"two replicas on one file": {func(s *spec) { s.Receiver.Replicas = new(int32(2)) }, "must be 0 or 1 with the embedded store"},
		"paused":                   {func(s *spec) { s.Receiver.Replicas = new(int32(0)) }, ""},
		"no size":                  {func(s *spec) { s.Store.Embedded.Size = new(resource.MustParse("0")) }, "size must be more than 0"},
		"small size":               {func(s *spec) { s.Store.Embedded.Size = new(resource.MustParse("1Gi")) }, ""},
		"retention":                {func(s *spec) { s.Store.RetentionDays = 3651 }, "less than or equal to 3650"},
		"log level not known":      {func(s *spec) { s.Receiver.LogLevel = "trace" }, "Unsupported value"},

		"host":                   {func(s *spec) { s.Ingress.Host = "hooks.example.com" }, ""},
		"host with a scheme":     {func(s *spec) { s.Ingress.Host = "https://hooks.example.com" }, "must be a DNS name"},
		"host with a wildcard":   {func(s *spec) { s.Ingress.Host = "*.example.com" }, "must be a DNS name"},
		"host with upper case":   {func(s *spec) { s.Ingress.Host = "Hooks.example.com" }, "must be a DNS name"},
		"ingress without a host": {func(s *spec) { s.Ingress.ClassName = "nginx" }, "host: Required"},
		"path":                   {func(s *spec) { s.Ingress = v1alpha1.IngressSpec{Host: "a.example.com", Path: "/hooks/v1.0"} }, ""},
		"path without a slash":   {func(s *spec) { s.Ingress = v1alpha1.IngressSpec{Host: "a.example.com", Path: "hooks"} }, "must start with /"},
		"path with a plus":       {func(s *spec) { s.Ingress = v1alpha1.IngressSpec{Host: "a.example.com", Path: "/a+b"} }, "must start with /"},
		"path with a blank":      {func(s *spec) { s.Ingress = v1alpha1.IngressSpec{Host: "a.example.com", Path: "/a b"} }, "must start with /"},
		"path that climbs":       {func(s *spec) { s.Ingress = v1alpha1.IngressSpec{Host: "a.example.com", Path: "/a/../b"} }, "must start with /"},
		"path of health checks":  {func(s *spec) { s.Ingress = v1alpha1.IngressSpec{Host: "a.example.com", Path: "/health"} }, "must not be /health"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(namespace, "")
			webhook.GenerateName = "case-"
			test.edit(&webhook.Spec)
			check(t, testCluster.Create(t.Context(), webhook), test.want)
		})
	}
}

func TestUpdateIsValidated(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	size := func(quantity string) func(*spec) {
		return func(s *spec) { s.Store.Embedded.Size = new(resource.MustParse(quantity)) }
	}
	class := func(name string) func(*spec) {
		return func(s *spec) { s.Store.Embedded.StorageClassName = &name }
	}
	tests := map[string]struct {
		before, after func(*spec)
		want          string
	}{
		"volume grows":                     {size("10Gi"), size("20Gi"), ""},
		"volume stays, in another unit":    {size("1Gi"), size("1073741824"), ""},
		"volume shrinks":                   {size("20Gi"), size("10Gi"), "cannot shrink"},
		"volume shrinks to the default":    {size("20Gi"), func(s *spec) { s.Store.Embedded.Size = nil }, "cannot shrink"},
		"volume shrinks from the default":  {func(*spec) {}, size("9Gi"), "cannot shrink"},
		"volume grows from the default":    {func(*spec) {}, size("11Gi"), ""},
		"store taken away, with its size":  {size("20Gi"), func(s *spec) { s.Store = v1alpha1.StoreSpec{} }, "cannot shrink"},
		"storage class changes":            {class("fast"), class("slow"), "storageClassName cannot change"},
		"storage class comes":              {func(*spec) {}, class("slow"), "storageClassName cannot change"},
		"storage class goes":               {class("fast"), func(s *spec) { s.Store.Embedded.StorageClassName = nil }, "storageClassName cannot change"},
		"store taken away, with its class": {class("fast"), func(s *spec) { s.Store = v1alpha1.StoreSpec{} }, "storageClassName cannot change"},
		"storage class stays":              {class("fast"), func(s *spec) { s.Store.RetentionDays = 7 }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := newWebhook(namespace, "")
			webhook.GenerateName = "case-"
			test.before(&webhook.Spec)
			create(t, webhook)
			before := webhook.DeepCopy()
			test.after(&webhook.Spec)
			check(t, testCluster.Patch(t.Context(), webhook, client.MergeFrom(before)), test.want)
		})
	}
}

func check(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && err == nil:
		t.Errorf("accepted; want a refusal with %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("refused, but the message lacks %q: %v", want, err)
	}
}
