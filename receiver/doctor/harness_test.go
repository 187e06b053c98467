// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/s3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	host        = "hooks.example.test"
	number      = "106540352242922"
	account     = "102290129340398"
	appID       = "634974688087057"
	accessToken = "EAAtestAccessToken"
	appSecret   = "0123456789abcdef0123456789abcdef"
	otherSecret = "fedcba9876543210fedcba9876543210"
	verifyToken = "testVerifyToken"
	bridgeKey   = "testBridgeKey"
	person      = "573001234567"
	messageText = "a text that no report repeats"

	// month is the lifetime of the certificate of the public host.
	month = 60 * 24 * time.Hour
	// waitLimit bounds every wait for something that must happen.
	waitLimit = 2 * time.Minute
)

// harness runs a receiver behind an Ingress with TLS, between stand-ins, and a Doctor that looks at it from outside.
type harness struct {
	*rig.Rig
	t       *testing.T
	options rig.Options
	secrets map[string]string // by role

	root, intermediate *authority
	certificate        atomic.Pointer[tls.Certificate]
	ingress            *standin.Ingress
	rule               standin.IngressRule
	public             *httptest.Server
	routed             chan struct{} // closed once the Ingress has its rules
	sink               *httptest.Server
	sinkStatus         atomic.Int32
	bucket             *s3.Server

	clock   *rig.Clock // of the Doctor
	network doctor.Network
	process doctor.Process
	store   *watchedStore
	request doctor.Request
}

func newHarness(t *testing.T) *harness {
	h := &harness{
		t:      t,
		clock:  rig.NewClock(),
		routed: make(chan struct{}),
		secrets: map[string]string{
			config.RoleAccessToken:   accessToken,
			config.RoleAppSecret:     appSecret,
			config.RoleVerifyToken:   verifyToken,
			config.RoleBirdAccessKey: bridgeKey,
		},
	}

	var none *authority

	h.root = none.newAuthority(t, "root")
	h.intermediate = h.root.newAuthority(t, "intermediate")
	h.certificate.Store(h.intermediate.server(t, host, month, h.intermediate))

	roots := x509.NewCertPool()
	roots.AddCert(h.root.certificate)
	h.network = doctor.Network{
		Roots: roots,
		Lookup: func(_ context.Context, name string) ([]netip.Addr, error) {
			if name == host {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}

			return nil, &net.DNSError{Name: name, IsNotFound: true}
		},
	}

	h.ingress = standin.NewIngress()
	h.public = httptest.NewUnstartedServer(http.HandlerFunc(h.serveIngress))
	h.public.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	h.public.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.certificate.Load(), nil }}
	h.public.StartTLS()
	t.Cleanup(h.public.Close)

	h.sinkStatus.Store(http.StatusOK)
	h.sink = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(h.sinkStatus.Load()))
	}))
	t.Cleanup(h.sink.Close)

	h.bucket = s3.New()
	t.Cleanup(h.bucket.Close)

	h.secrets[config.RoleBackupKeyID] = h.bucket.KeyID
	h.secrets[config.RoleBackupSecret] = h.bucket.Key

	h.options = rig.Options{
		Dir: t.TempDir(),
		Graph: standin.GraphOptions{
			AccessTokens:   []string{accessToken},
			AppID:          appID,
			AppSecret:      appSecret,
			PhoneNumberIDs: []string{number},
			CallbackClient: h.metasClient(roots),
		},
		Bird: standin.BirdOptions{AccessKeys: []string{bridgeKey}},
		Config: config.Config{
			CloudAPI: config.CloudAPI{
				PhoneNumberIDs: []string{number},
				Subscription: &config.Subscription{
					AppID:              appID,
					CallbackURL:        h.publicURL(),
					BusinessAccountIDs: []string{account},
				},
			},
			Bird:          config.Bird{CircuitBreaker: config.CircuitBreaker{OpenDuration: 20 * time.Millisecond}},
			Notifications: config.Notifications{SinkURL: h.sink.URL},
			Handoff:       config.Handoff{URL: "http://desk", AuthScheme: config.AuthNone},
			MessagesAPI:   &config.MessagesAPI{},
			Processing:    config.Processing{Poll: 10 * time.Millisecond, ConfigurationRetry: 20 * time.Millisecond},
		},
	}

	return h
}

// metasClient is the client of Meta for callbacks, which resolves the host of the test.
func (h *harness) metasClient(roots *x509.CertPool) *http.Client {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, strings.Replace(address, host, "127.0.0.1", 1))
		},
	}

	return &http.Client{Transport: transport, Timeout: waitLimit}
}

func (h *harness) serveIngress(w http.ResponseWriter, r *http.Request) {
	select {
	case <-h.routed:
		h.ingress.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

func (h *harness) publicURL() string {
	_, port, err := net.SplitHostPort(h.public.Listener.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}

	return "https://" + host + ":" + port + "/webhooks/whatsapp"
}

// start runs the receiver until it is subscribed at Meta and has answered a message.
func (h *harness) start() {
	h.t.Helper()

	var err error

	h.Rig, err = rig.New(h.options)
	h.must(err)
	h.t.Cleanup(func() { h.must(h.Close()) })

	h.Config.Store.Embedded.Backup = &config.Backup{
		Schedule: "@yearly",
		S3: &config.BackupBucket{
			Endpoint: h.bucket.URL,
			Region:   h.bucket.Region,
			Bucket:   h.bucket.Bucket,
		},
	}
	h.must(h.Folder.Layout(h.Config, h.secrets))
	h.must(h.Start(h.t.Context()))

	h.rule = standin.IngressRule{
		Host:    host,
		Path:    "/webhooks/whatsapp",
		Backend: "http://" + h.Local.WebhookAddr(),
	}
	h.route(nil)
	close(h.routed)

	h.store = &watchedStore{Store: h.Local.Store()}
	h.process = doctor.Process{
		Store:        h.store,
		Problems:     func() map[string]string { return nil },
		ClosedScopes: func() []health.ClosedScope { return nil },
		Standby:      func() []health.Standby { return nil },
		WebhookAddr:  h.Local.WebhookAddr(),
		MessagesAddr: h.Local.MessagesAddr(),
	}
}

// settle waits until the receiver is subscribed, and has answered a message.
func (h *harness) settle() {
	h.t.Helper()

	ctx, cancel := context.WithTimeout(h.t.Context(), waitLimit)
	defer cancel()

	for {
		report, err := h.Local.Status(ctx)
		h.must(err)

		if report.Subscription.State == health.SubscriptionActive {
			break
		}

		select {
		case <-ctx.Done():
			h.t.Fatalf("the subscription is %+v, want active", report.Subscription)
		case <-time.After(10 * time.Millisecond):
		}
	}

	delivery := standin.TextDelivery(number, person, "Ana", standin.Wamid("1"), messageText, time.Now())

	status, _, err := standin.Deliver(ctx, h.metasClient(h.network.Roots), h.publicURL(), appSecret, delivery)
	if err != nil || status != http.StatusOK {
		h.t.Fatalf("the delivery was answered %d, %v", status, err)
	}

	h.must(h.Graph.SentLog.WaitTotal(ctx, 1))

	for {
		stats, err := h.Local.Store().Stats(ctx, time.Now())
		h.must(err)

		if stats.Pending == 0 {
			break
		}
	}
}

// route changes the rule of the Ingress.
func (h *harness) route(change func(*standin.IngressRule)) {
	rule := h.rule
	if change != nil {
		change(&rule)
	}

	h.ingress.SetRules([]standin.IngressRule{rule})
}

// setSecret replaces the value of a role in the running receiver. An empty value removes it.
func (h *harness) setSecret(role, value string) {
	h.t.Helper()
	h.must(h.Folder.WriteSecret(role, "0", value))
	h.Local.Live.Reload()
	h.Local.Live.Reload() // a secret counts as removed if it is missing twice
}

// reconfigure changes the configuration of the running receiver.
func (h *harness) reconfigure(change func(*config.Config)) {
	h.t.Helper()
	change(&h.Config)
	h.must(h.Folder.WriteConfig(h.Config))
	h.Local.Live.Reload()
}

// askMeta calls the stand-in for Meta, as a person does who changes settings there.
func (h *harness) askMeta(method, path, token string, form url.Values) {
	h.t.Helper()

	request, err := http.NewRequestWithContext(h.t.Context(), method, h.GraphURL()+"/v27.0/"+path, strings.NewReader(form.Encode()))
	h.must(err)
	request.Header.Set("Authorization", "Bearer "+token)

	if len(form) > 0 {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}

	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	h.must(err)

	defer response.Body.Close()

	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		h.t.Fatalf("%s %s: HTTP %d %s", method, path, response.StatusCode, body)
	}
}

// doctor returns a Doctor of the running receiver.
func (h *harness) doctor() *doctor.Doctor {
	graph := cloudapi.NewClient(h.Local.Live, 4, h.clock)
	h.t.Cleanup(graph.Close)

	return doctor.New(doctor.Dependencies{
		Live:    h.Local.Live,
		Graph:   graph,
		Clock:   h.clock,
		Version: "test",
		Process: &h.process,
		Network: h.network,
	})
}

func (h *harness) run() doctor.Report {
	h.t.Helper()
	return h.doctor().Run(h.t.Context(), h.request)
}

func (h *harness) must(err error) {
	h.t.Helper()

	if err != nil {
		h.t.Fatal(err)
	}
}

// watchedStore is a store with some of its figures replaced. The disk of the machine that runs the tests says nothing.
type watchedStore struct {
	store.Store

	mu     sync.Mutex
	change func(*store.Stats)
	space  store.Space
	causes map[store.State][]store.Cause
	taken  []store.NamedConversation
	ping   error
	stats  error
}

func (s *watchedStore) Stats(ctx context.Context, now time.Time) (store.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	stats, err := s.Store.Stats(ctx, now)
	if s.change != nil {
		s.change(&stats)
	}

	if s.stats != nil {
		err = s.stats
	}

	return stats, err
}

func (s *watchedStore) Space() store.Space {
	if s.space != (store.Space{}) {
		return s.space
	}

	return store.Space{
		Total:    10 << 30,
		Free:     8 << 30,
		Reserved: 256 << 20,
	}
}

func (s *watchedStore) Causes(_ context.Context, selection store.Selection) ([]store.Cause, error) {
	return s.causes[selection.States[0]], nil
}

func (s *watchedStore) TakenOver(context.Context, time.Time, string, int) ([]store.NamedConversation, error) {
	return s.taken, nil
}

func (s *watchedStore) Ping(ctx context.Context) error {
	if s.ping != nil {
		return fmt.Errorf("store: %w", s.ping)
	}

	return s.Store.Ping(ctx)
}

var _ store.Disk = (*watchedStore)(nil)

// secretTexts are what no report may contain.
var secretTexts = []string{
	accessToken, appSecret, otherSecret, verifyToken, bridgeKey, person, messageText, folder.HandoffKey, folder.AssistantKey,
	"wJalrXUtnFEMI", "AKIAEXAMPLE", // of the bucket
}

// server serves a handler and returns its address.
func (h *harness) server(handler http.HandlerFunc) string {
	s := httptest.NewServer(handler)
	h.t.Cleanup(s.Close)

	return s.URL
}

// challenger returns the address of a callback of others, which answers every verification request.
func (h *harness) challenger() string {
	return h.server(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
	})
}

// appendToConfig appends lines to the configuration file.
func (h *harness) appendToConfig(lines string) {
	f, err := os.OpenFile(h.Folder.ConfigFile(), os.O_APPEND|os.O_WRONLY, 0)
	h.must(err)

	_, err = f.WriteString(lines)
	h.must(errors.Join(err, f.Close()))
}
