// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// eventually waits until a call succeeds.
func eventually(t *testing.T, what string, call func() error) {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()

	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()

	for {
		err := call()
		if err == nil {
			return
		}

		select {
		case <-retry.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// wantFault checks an error for what it must say, and for what it must not.
func wantFault(t *testing.T, err error, want string, secrets ...string) {
	t.Helper()

	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one that says %q", err, want)
	}

	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, secret := range secrets {
			if strings.Contains(e.Error(), secret) {
				t.Errorf("error %q tells %q", e, secret)
			}
		}
	}
}

// liveAccess can be changed while a store uses it.
type liveAccess struct{ now atomic.Pointer[Access] }

func live(access Access) *liveAccess {
	l := &liveAccess{}
	l.now.Store(&access)

	return l
}

func (l *liveAccess) set(access Access) { l.now.Store(&access) }
func (l *liveAccess) get() Access       { return *l.now.Load() }

func TestURLThatIsMissingAtFirst(t *testing.T) {
	access := live(Access{})
	s := openLive(t, access.get, Options{})
	wantFault(t, s.Ping(t.Context()), "the database URL is missing")

	if _, err := s.Ingest(t.Context(), []store.Event{message(1, 1)}); err == nil {
		t.Error("an event was stored nowhere")
	}

	access.set(Access{URL: "postgres://somebody:hunter2@[nowhere"})
	wantFault(t, s.Ping(t.Context()), "the database URL is invalid", "hunter2", "somebody", "nowhere")
	access.set(newAccess(t))

	if fresh, err := s.Ingest(t.Context(), []store.Event{message(1, 1)}); err != nil || !fresh[0] {
		t.Errorf("Ingest returned %v, %v", fresh, err)
	}
}

func TestPasswordThatIsRotated(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	access := live(Access{URL: user.URL})

	s := openLive(t, access.get, Options{})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	old := s.database.pool

	rotated := server.SetPassword(t, user, "another")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("a connection that is there must go on: %v", err)
	}

	access.set(Access{URL: rotated.URL})

	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the new password is not in use: %v", err)
	}

	s.closing.Wait()

	if n := old.Stat().TotalConns(); n != 0 {
		t.Errorf("%d connections with the old password are left", n)
	}

	access.set(Access{URL: user.URL})

	err = s.Ping(t.Context())
	wantFault(t, err, "refuses the user or the password", user.Name, user.Password, "127.0.0.1")
	access.set(Access{URL: rotated.URL})

	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("back to the new password: %v", err)
	}
}

func TestFaultsTellWhatIsWrongAndNoSecret(t *testing.T) {
	user, err := server.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	secrets := []string{user.Name, user.Password, "127.0.0.1", "elsewhere"}

	change := func(change func(*url.URL)) Access {
		u, err := url.Parse(user.URL)
		if err != nil {
			t.Fatal(err)
		}

		change(u)

		return Access{URL: u.String()}
	}
	for _, c := range []struct {
		name   string
		access Access
		want   string
	}{
		{"no such database", change(func(u *url.URL) { u.Path = "/elsewhere" }), "the database that its URL names does not exist"},
		{"wrong password", change(func(u *url.URL) { u.User = url.UserPassword(user.Name, "elsewhere") }), "refuses the user or the password"},
		{"nobody listens", change(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "the database cannot be reached"},
		{"no such host", change(func(u *url.URL) { u.Host = "elsewhere.invalid" }), "the database cannot be reached"},
		{"no TLS", change(func(u *url.URL) { u.RawQuery = "sslmode=require" }), "the database cannot be reached"},
		{"no URL", Access{URL: "host=elsewhere user=" + user.Name}, "the database URL is invalid"},
		{"no sslmode", change(func(u *url.URL) { u.RawQuery = "sslmode=elsewhere" }), "the database URL is invalid"},
		{"no certificate", Access{URL: user.URL, CA: "elsewhere"}, "the secret database-ca contains no PEM certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t, c.access)
			wantFault(t, s.Ping(t.Context()), c.want, secrets...)
			_, err := s.Ingest(t.Context(), []store.Event{message(1, 1)})
			wantFault(t, err, c.want, secrets...)
			_, err = s.Stats(t.Context(), start)
			wantFault(t, err, c.want, secrets...)
		})
	}
}

// What is said to be stored is there after a crash of the server, and the store finds it again by itself.
func TestServerThatGoesAndComesBack(t *testing.T) {
	own := pgtest.New(t, pgtest.Options{})

	user, err := own.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	s := openStore(t, Access{URL: user.URL})

	var stored, next, failed atomic.Int64

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	done := make(chan struct{})

	const producers = 8
	for range producers {
		go func() {
			defer func() { done <- struct{}{} }()

			for ctx.Err() == nil {
				n := next.Add(1)
				if _, err := s.Ingest(context.Background(), []store.Event{message(n, 10)}); err == nil {
					stored.Add(1)
				} else {
					failed.Add(1)
				}
			}
		}()
	}

	eventually(t, "events are stored", func() error {
		if stored.Load() < 100 {
			return errors.New("too few")
		}

		return nil
	})

	if err := own.Stop(); err != nil {
		t.Fatal(err)
	}

	eventually(t, "deliveries are refused", func() error {
		if failed.Load() < 100 {
			return errors.New("none")
		}

		return nil
	})

	before := stored.Load()

	eventually(t, "the database is found to be away", func() error { // what is left of it may still say that it is being stopped
		if err = s.Ping(t.Context()); !errors.Is(err, errUnreachable) {
			return fmt.Errorf("error is %w", err)
		}

		return nil
	})
	wantFault(t, err, "the database cannot be reached", user.Name, user.Password, "127.0.0.1")

	if err := own.Run(t.Context()); err != nil {
		t.Fatal(err)
	}

	eventually(t, "events are stored again", func() error {
		if stored.Load() < before+100 {
			return errors.New("too few")
		}

		return nil
	})
	cancel()

	for range producers {
		<-done
	}

	stats, err := s.Stats(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	// A commit whose answer the crash swallowed may have taken place.
	if stats.Pending < stored.Load() || stats.Pending > next.Load() {
		t.Errorf("%d events are pending, of %d that were said to be stored and %d that were delivered", stats.Pending, stored.Load(), next.Load())
	}

	var there int64
	for after := int64(0); ; {
		page, err := s.List(t.Context(), store.Filter{}, after, 1000)
		if err != nil {
			t.Fatal(err)
		}

		if len(page) == 0 {
			break
		}

		there += int64(len(page))
		after = page[len(page)-1].Seq
	}

	if there != stats.Pending {
		t.Errorf("%d events are there, %d are counted", there, stats.Pending)
	}
}

// certify returns a CA and a server's certificate with its key, as PEM.
func certify(t *testing.T) (ca string, certificate, key []byte) {
	t.Helper()

	issue := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}

		if parent == nil {
			parent = template
			signer = key
		}

		template.NotBefore = time.Now().Add(-time.Hour)
		template.NotAfter = time.Now().Add(time.Hour)

		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}

		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}

		return made, key
	}
	root, rootKey := issue(&x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "ca"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, leafKey := issue(&x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(192, 0, 2, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}, root, rootKey)

	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}

	encode := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }

	return string(encode("CERTIFICATE", root.Raw)), encode("CERTIFICATE", leaf.Raw), encode("PRIVATE KEY", der)
}

func TestTLS(t *testing.T) {
	ca, certificate, key := certify(t)
	otherCA, _, _ := certify(t)
	own := pgtest.New(t, pgtest.Options{Certificate: certificate, Key: key})

	user, err := own.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	byIP := user.URL // which the certificate is not for
	byName := strings.Replace(byIP, "127.0.0.1", "localhost", 1)

	const untrusted, elsewhere = "not signed by a trusted CA", "for another host"
	for _, c := range []struct {
		name   string
		access Access
		want   string // of the fault; empty: it connects
		tls    bool
	}{
		{"a CA alone verifies in full", Access{URL: byName, CA: ca}, "", true},
		{"also the host", Access{URL: byIP, CA: ca}, elsewhere, false},
		{"also the CA", Access{URL: byName, CA: otherCA}, untrusted, false},
		{"verify-full", Access{URL: byName + "?sslmode=verify-full", CA: ca}, "", true},
		{"verify-full needs the CA", Access{URL: byName + "?sslmode=verify-full"}, untrusted, false},
		{"verify-ca", Access{URL: byIP + "?sslmode=verify-ca", CA: ca}, "", true},
		{"verify-ca, another CA", Access{URL: byIP + "?sslmode=verify-ca", CA: otherCA}, untrusted, false},
		{"require, with a CA", Access{URL: byIP + "?sslmode=require", CA: ca}, "", true},
		{"require, with another CA", Access{URL: byIP + "?sslmode=require", CA: otherCA}, untrusted, false},
		{"require, without a CA", Access{URL: byIP + "?sslmode=require"}, "", true},
		{"disable", Access{URL: byName + "?sslmode=disable", CA: otherCA}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t, c.access)

			err := s.Ping(t.Context())
			if c.want != "" {
				wantFault(t, err, c.want, user.Name, user.Password, "localhost", "127.0.0.1")
				return
			}

			if err != nil {
				t.Fatal(err)
			}

			conn, err := s.acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()

			var tls bool
			if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&tls); err != nil {
				t.Fatal(err)
			}

			if tls != c.tls {
				t.Errorf("the connection has TLS: %v, want %v", tls, c.tls)
			}
		})
	}
}
