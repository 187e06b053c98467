// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	smallest = "bird: {baseURL: https://bridge.example.com}\n"
	model    = "openAI: {baseURL: \"https://api.example.com/v1\", model: small}\n"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		yaml string
		want []string // parts of the error; none: no error
	}{
		"smallest":           {yaml: smallest},
		"durations":          {yaml: smallest + "processing: {lease: 45s, retry: {maxRetries: 0, baseDelay: 250ms}}\n"},
		"empty":              {yaml: "", want: []string{"at least bird.baseURL, or openAI, must be set"}},
		"no bird":            {yaml: "log: {level: debug}\n", want: []string{"bird.baseURL must be an absolute http or https URL"}},
		"unknown key":        {yaml: smallest + "processing:\n  concurency: 3\n", want: []string{"line 3", `unknown key "concurency"`}},
		"wrong type":         {yaml: smallest + "processing: {concurrency: many}\n", want: []string{"line 2", "many"}},
		"two documents":      {yaml: smallest + "---\n" + smallest, want: []string{"more than one YAML document"}},
		"several faults":     {yaml: smallest + "cloudAPI: {version: \"26\"}\nlog: {level: loud}\n", want: []string{"cloudAPI.version", "log.level"}},
		"console for all":    {yaml: smallest + "listen: {console: \":9091\"}\n", want: []string{"listen.console", "loopback"}},
		"resource's name":    {yaml: smallest + "resource: {namespace: ../x, name: Sales}\n", want: []string{"resource.namespace", "resource.name"}},
		"path of the check":  {yaml: smallest + "webhook: {path: /live, healthPath: /live}\n", want: []string{"webhook.path"}},
		"check without a /":  {yaml: smallest + "webhook: {healthPath: live}\n", want: []string{"webhook.healthPath"}},
		"check of media":     {yaml: smallest + "webhook: {healthPath: /media/live}\n", want: []string{"webhook.healthPath"}},
		"check of messages":  {yaml: smallest + "webhook: {healthPath: /v1/messages}\n", want: []string{"webhook.healthPath"}},
		"path with a plus":   {yaml: smallest + "webhook: {path: /a+b}\n", want: []string{"webhook.path"}},
		"credentials in URL": {yaml: "bird: {baseURL: \"https://user:pass@example.com\"}\n", want: []string{"bird.baseURL"}},
		"method":             {yaml: "bird: {baseURL: \"https://b.example.com\", endpoints: {Text: {path: /x}}}\n", want: []string{"bird.endpoints.Text"}},
		"delays crossed":     {yaml: smallest + "processing: {retry: {baseDelay: 2m}}\n", want: []string{"processing.retry.maxDelay"}},
		"flow":               {yaml: "bird: {protocol: Flow, baseURL: \"https://f.example.com/run?key=1\", flow: {signatureHeader: X-Signature}}\n"},
		"flow without key":   {yaml: "bird: {protocol: Flow, baseURL: \"https://f.example.com\", authScheme: None}\n"},
		"flow with settings of the contract": {
			yaml: "bird: {protocol: Flow, baseURL: \"https://f.example.com\", workspaceID: w, aiEmployeeID: e, " +
				"endpoints: {process_order: {path: /o}}, media: {mode: Analyze, transport: Multipart}}\n",
			want: []string{
				"bird.endpoints requires bird.protocol Contract",
				"bird.workspaceID requires",
				"bird.aiEmployeeID requires",
				"bird.media.mode Analyze requires",
				"bird.media.transport Multipart requires",
			},
		},
		"contract with settings of a flow": {
			yaml: "bird: {baseURL: \"https://b.example.com\", authScheme: None, flow: {timeout: 5s}}\n",
			want: []string{"bird.authScheme None requires bird.protocol Flow", "bird.flow requires bird.protocol Flow"},
		},
		"contract with a query": {yaml: "bird: {baseURL: \"https://b.example.com?key=1\"}\n", want: []string{"bird.baseURL"}},
		"signature in a header that every request has": {
			yaml: "bird: {protocol: Flow, baseURL: \"https://f.example.com\", flow: {signatureHeader: authorization}}\n",
			want: []string{"bird.flow.signatureHeader"},
		},
		"protocol":           {yaml: "bird: {protocol: OpenAI, baseURL: \"https://b.example.com\"}\n", want: []string{"bird.protocol must be one of Contract, Flow"}},
		"empty answer":       {yaml: "bird: {emptyAnswer: Never, baseURL: \"https://b.example.com\"}\n", want: []string{"bird.emptyAnswer must be one of NoReply, Later, Fail"}},
		"media by URL":       {yaml: "webhook: {publicURL: \"https://hooks.example.com\"}\nbird: {baseURL: \"https://b.example.com\", media: {transport: URL}}\n"},
		"URL without host":   {yaml: "bird: {baseURL: \"https://b.example.com\", media: {transport: URL}}\n", want: []string{"URL requires webhook.publicURL"}},
		"public URL":         {yaml: smallest + "webhook: {publicURL: \"https://hooks.example.com/webhooks\"}\n", want: []string{"webhook.publicURL must be scheme and host only"}},
		"model":              {yaml: model},
		"model and bird":     {yaml: model + smallest, want: []string{"bird must not be set beside openAI"}},
		"model at Azure":     {yaml: "openAI: {baseURL: \"https://a.example.com/openai?api-version=2024-10-21\", model: m, authScheme: APIKey}\n"},
		"model without name": {yaml: "openAI: {baseURL: \"https://a.example.com\"}\n", want: []string{"openAI.model"}},
		"model with faults": {
			yaml: "openAI: {baseURL: a, model: m, authScheme: AccessKey, instructionsFile: prompt.md, memory: {turns: -1, characters: 1}}\n",
			want: []string{"openAI.baseURL", "openAI.authScheme", "openAI.instructionsFile", "openAI.memory.turns", "openAI.memory.characters"},
		},
		"messages API":  {yaml: smallest + "messagesAPI: {roles: [Assistant, Desk]}\n"},
		"role":          {yaml: smallest + "messagesAPI: {roles: [Guest]}\n", want: []string{"messagesAPI.roles[0] must be one of Assistant, Desk"}},
		"handoff":       {yaml: smallest + "handoff: {url: ftp://desk, authScheme: APIKey}\n", want: []string{"handoff.url", "handoff.authScheme"}},
		"answer within": {yaml: smallest + "processing: {answerWithin: 25h}\n", want: []string{"processing.answerWithin"}},
		"too large":     {yaml: strings.Repeat("#", maxFileBytes+1), want: []string{"larger than"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.yaml))
			if (err != nil) != (len(tc.want) > 0) {
				t.Fatalf("Parse() error = %v, want parts %q", err, tc.want)
			}

			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("Parse() error = %q, want it to say %q", err, part)
				}
			}
		})
	}
}

func TestParseReadsAMarshalledConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"contract": {
			Bird: Bird{BaseURL: "https://b.example.com", Endpoints: map[string]Endpoint{"process_text_message": {
				Path:    "/t",
				Timeout: 3 * time.Second,
				Enabled: new(true),
			}}},
			CloudAPI:    CloudAPI{PhoneNumberIDs: []string{"1", "2"}},
			MessagesAPI: &MessagesAPI{},
		},
		"flow": {Bird: Bird{
			Protocol: ProtocolFlow,
			BaseURL:  "https://f.example.com",
			Flow:     Flow{Statuses: true},
		}},
		"OpenAI": {OpenAI: &OpenAI{
			BaseURL: "https://o.example.com/v1",
			Model:   "small",
			Memory:  Memory{Turns: new(0)},
			Tools:   new(false),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := c.WithDefaults()

			data, err := yaml.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}

			got, err := Parse(data)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Parse(Marshal(config)) (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add([]byte("processing: {retry: {maxRetries: -1}}"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err == nil && c.AIBaseURL() == "" {
			t.Error("a configuration without an AI was accepted")
		}
	})
}

func write(t *testing.T, path, content string) {
	t.Helper()

	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadSecrets(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, RoleAccessToken, "0"), "token\n")
	write(t, filepath.Join(dir, RoleAppSecret, "0"), "old")
	write(t, filepath.Join(dir, RoleAppSecret, "1"), "\ufeffnew\r\n") // as editors for Windows write a file
	write(t, filepath.Join(dir, RoleAppSecret, "..2026"), "bookkeeping")
	write(t, filepath.Join(dir, RoleVerifyToken, "0"), "\n")
	write(t, filepath.Join(dir, RoleDeskKey, "0"), "old")
	write(t, filepath.Join(dir, RoleDeskKey, "1"), "new")

	got, err := ReadSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}

	want := Secrets{
		AccessToken: "token",
		AppSecrets:  []string{"old", "new"},
		DeskKeys:    []string{"old", "new"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadSecrets() (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{RoleVerifyToken, RoleBirdAccessKey}, Fixed(Config{}, got).Current().Missing()); diff != "" {
		t.Errorf("Missing() (-want +got):\n%s", diff)
	}

	write(t, filepath.Join(dir, RoleAccessToken, "1"), "another")

	if _, err := ReadSecrets(dir); err == nil || strings.Contains(err.Error(), "another") {
		t.Errorf("ReadSecrets() with two access tokens: error = %v, want one without the value", err)
	}
}

// The receiver starts with what it can read, and reports what it cannot. It does not exit, so that /status can say why.
func TestOpenWithTooManyValues(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "receiver.yaml")
	secrets := filepath.Join(dir, "secrets")
	write(t, file, smallest+"secretsDir: "+secrets+"\n")

	for i := range MaxValues + 1 {
		write(t, filepath.Join(secrets, RoleAppSecret, strconv.Itoa(i)), "value "+strconv.Itoa(i))
	}

	for _, role := range []string{RoleAccessToken, RoleVerifyToken, RoleBirdAccessKey} {
		write(t, filepath.Join(secrets, role, "0"), role)
	}

	live, err := Open(file, clockwork.NewFakeClock(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	live.Reload()

	got := live.Current()
	if diff := cmp.Diff([]string{RoleAppSecret}, got.Missing()); diff != "" {
		t.Errorf("Missing() (-want +got):\n%s", diff)
	}

	if !strings.Contains(got.Problem, "secret app-secret has 5 values; the maximum is 4") {
		t.Errorf("problem = %q, want one that names the secret", got.Problem)
	}

	if err := os.Remove(filepath.Join(secrets, RoleAppSecret, "4")); err != nil {
		t.Fatal(err)
	}

	live.Reload()

	if got := live.Current(); got.Problem != "" || len(got.Missing()) > 0 {
		t.Errorf("problem %q and %v missing after the correction, want none", got.Problem, got.Missing())
	}
}

func TestMissingForDeliveries(t *testing.T) {
	c := Config{
		Webhook:       Webhook{MutualTLS: &MutualTLS{}},
		Store:         Store{PostgreSQL: &PostgreSQLStore{}},
		Notifications: Notifications{SinkURL: "http://sink", Signed: true},
	}
	snapshot := Fixed(c, Secrets{}).Current()

	missing := snapshot.Missing()
	for _, role := range []string{RoleAccessToken, RoleBirdAccessKey, RoleSinkSigningKey} {
		if !slices.Contains(missing, role) {
			t.Errorf("Missing() = %v, want %s in it", missing, role)
		}
	}

	want := []string{RoleAppSecret, RoleVerifyToken, RoleDatabaseURL, RoleServerCertificate, RoleServerKey, RoleClientCA}
	if diff := cmp.Diff(want, snapshot.MissingForDeliveries()); diff != "" {
		t.Errorf("MissingForDeliveries() (-want +got):\n%s", diff)
	}

	c.Notifications.Signed = false

	if missing = Fixed(c, Secrets{}).Current().Missing(); slices.Contains(missing, RoleSinkSigningKey) {
		t.Errorf("Missing() = %v, though notices are not signed", missing)
	}
}

func TestLiveReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "receiver.yaml")
	secrets := filepath.Join(dir, "secrets")
	write(t, file, smallest+"secretsDir: "+secrets+"\n")

	clock := clockwork.NewFakeClock()

	live, err := Open(file, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	if got := len(live.Current().Missing()); got != 4 {
		t.Fatalf("missing secrets = %d, want 4", got)
	}

	write(t, filepath.Join(secrets, RoleAppSecret, "0"), "first")
	live.Reload()

	if diff := cmp.Diff([]string{"first"}, live.Current().Secrets.AppSecrets); diff != "" {
		t.Errorf("after a secret appeared (-want +got):\n%s", diff)
	}

	write(t, filepath.Join(secrets, RoleAppSecret, "0"), "")
	live.Reload()

	if diff := cmp.Diff([]string{"first"}, live.Current().Secrets.AppSecrets); diff != "" {
		t.Errorf("while the file is being written (-want +got):\n%s", diff)
	}

	write(t, filepath.Join(secrets, RoleAppSecret, "0"), "second")
	live.Reload()

	if diff := cmp.Diff([]string{"second"}, live.Current().Secrets.AppSecrets); diff != "" {
		t.Errorf("after rotation (-want +got):\n%s", diff)
	}

	write(t, file, "nonsense: true\n")
	live.Reload()

	if live.Current().Problem == "" || live.Current().Bird.BaseURL == "" {
		t.Errorf("an invalid file must be reported and leave the previous one in force, got %+v", live.Current())
	}

	write(t, file, smallest+"secretsDir: "+secrets+"\nprocessing: {debounce: 3s}\n")
	live.Reload()

	if got := live.Current(); got.Problem != "" || got.Processing.Debounce != 3*time.Second {
		t.Errorf("a valid file must clear the problem, got problem %q, debounce %v", got.Problem, got.Processing.Debounce)
	}
}

func TestLiveWatch(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "receiver.yaml")
	secrets := filepath.Join(dir, "secrets")
	write(t, file, smallest+"secretsDir: "+secrets+"\n")

	clock := clockwork.NewFakeClock()

	live, err := Open(file, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}

	ended := make(chan struct{})

	ctx := t.Context()
	go func() { defer close(ended); live.Watch(ctx) }()

	t.Cleanup(func() { <-ended })

	write(t, filepath.Join(secrets, RoleVerifyToken, "0"), "token")

	if err := clock.BlockUntilContext(ctx, 1); err != nil {
		t.Fatal(err)
	}

	for live.Current().Secrets.VerifyToken != "token" {
		clock.Advance(reloadInterval)
	}
}
