//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// fault is a fault of one receiver, and the alerts that have to fire for it: these and no others.
type fault struct {
	want    []string
	options options
	inject  func(s *subject)
	fix     func(s *subject)
	disk    bool // the fault needs its own disk
	waits   bool // messages wait: WhatsAppMessagesWaiting would fire too, if the alert did not name a cause
}

const (
	// held is for how many evaluations the alerts have to fire before the fault is fixed, so that alerts that come later
	// are seen: ten minutes of the rules.
	held = 20
	// account and app are of the subscription that one of the faults concerns.
	account = "9001"
	app     = "77"
)

var faults = map[string]fault{
	"bird-503": {
		want:   []string{"WhatsAppAIUnavailable"},
		waits:  true,
		inject: func(s *subject) { s.Bird.Faults.Add(standin.Fault{Status: http.StatusServiceUnavailable}) },
		fix:    func(s *subject) { s.Bird.Faults.Clear() },
	},
	"bird-refuses": {
		want:   []string{"WhatsAppAIRefused"},
		waits:  true,
		inject: func(s *subject) { s.Bird.Faults.Add(standin.Fault{Status: http.StatusUnauthorized}) },
		fix:    func(s *subject) { s.Bird.Faults.Clear() },
	},
	"bird-404-on-a-method": {
		want:  []string{"WhatsAppAIMethodUnavailable"},
		waits: true,
		// Messages become dead letters after 20 times this, which is after the test also on a busy machine.
		options: options{config: func(c *config.Config) { c.Processing.ConfigurationRetry = 30 * time.Second }},
		inject: func(s *subject) {
			s.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/location", Status: http.StatusNotFound})
			s.also(func(n int) []byte {
				location := map[string]any{"latitude": 4.6, "longitude": -74.1}

				// Others than those who write texts, so that no text waits behind a location.
				person := fmt.Sprintf("5731012345%02d", n%people)
				if n >= 20*people {
					return nil
				}

				return standin.MessageDelivery(number, person, "Luis", standin.Wamid(fmt.Sprint("location-", n)), "location", location, time.Now())
			})
		},
		fix: func(s *subject) { s.Bird.Faults.Clear() },
	},
	"callback-unverified": {
		want: []string{"WhatsAppSubscriptionNotActive"},
		options: options{
			graph: standin.GraphOptions{AppID: app, AppSecret: folder.AppSecret},
			config: func(c *config.Config) {
				c.CloudAPI.Subscription = &config.Subscription{
					AppID:              app,
					CallbackURL:        "https://127.0.0.1:9/webhooks/whatsapp",
					BusinessAccountIDs: []string{account},
				}
			},
		},
		// Meta cannot reach the callback URL, and says so with its code 2200. Without the subscription there is no alert.
		fix: func(s *subject) {
			s.Config.CloudAPI.Subscription = nil
			s.reload()
		},
	},
	"wrong-token": {
		want:   []string{"WhatsAppTokenRefused"},
		waits:  true,
		inject: func(s *subject) { s.secret(config.RoleAccessToken, "revoked") },
		fix:    func(s *subject) { s.secret(config.RoleAccessToken, folder.AccessToken) },
	},
	"missing-secret": {
		want:    []string{"WhatsAppSecretMissing"},
		waits:   true,
		options: options{without: config.RoleBirdAccessKey},
		fix:     func(s *subject) { s.secret(config.RoleBirdAccessKey, folder.BirdAccessKey) },
	},
	"full-disk": {
		want:   []string{"WhatsAppDiskFull"},
		disk:   true,
		inject: func(s *subject) { s.fillDisk() },
		fix:    func(s *subject) { s.emptyDisk() },
	},
	"killed": {
		want: []string{"WhatsAppReceiverDown"},
		inject: func(s *subject) {
			if err := s.Local.Stop(); err != nil {
				s.t.Error(err)
			}
		},
		fix: func(s *subject) { s.start() },
	},
	"quarantine": {
		want: []string{"WhatsAppQuarantineGrows"},
		inject: func(s *subject) {
			s.also(func(n int) []byte {
				return standin.TextDelivery(otherNumber, "573201234567", "Eva", standin.Wamid(fmt.Sprint("other-", n)), "hello", time.Now())
			})
		},
		fix: func(s *subject) { s.also(nil) },
	},
	"person-waits": {
		want: []string{"WhatsAppPersonWaitsForColleague"},
		options: options{
			reply: func(method string, request map[string]any) any {
				if request["text"] == "a person, please" {
					return map[string]any{"response": map[string]any{"type": "handoff", "reason": "asked"}}
				}

				return standin.EchoReply(method, request)
			},
		},
		inject: func(s *subject) {
			s.deliver(standin.TextDelivery(number, waiting, "Eva", standin.Wamid("please"), "a person, please", time.Now()))
		},
		fix: func(s *subject) { s.deliver(echo(waiting)) },
	},
	"messages-fail": {
		want: []string{"WhatsAppDeadLetters", "WhatsAppMessagesFailing"},
		inject: func(s *subject) {
			s.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/text", Status: http.StatusBadRequest})
		},
		fix: func(s *subject) {
			s.Bird.Faults.Clear()
			s.replayAll()
		},
	},
	"answers-missing": {
		want:    []string{"WhatsAppAnswersMissing"},
		options: options{config: func(c *config.Config) { c.Processing.AnswerWithin = time.Second }},
		inject: func(s *subject) {
			s.Bird.Faults.Add(standin.Fault{
				PathPrefix: "/v1/messages/text",
				Status:     http.StatusAccepted,
				Body:       `{"accepted": true}`,
			})
		},
		fix: func(s *subject) { s.Bird.Faults.Clear() },
	},
	"one-message-fails": {
		want: []string{"WhatsAppDeadLetters"},
		inject: func(s *subject) {
			s.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/text", Status: http.StatusBadRequest, Times: 1})
		},
		fix: func(s *subject) { s.replayAll() },
	},
	"silent": {
		want:   []string{"WhatsAppSilent"},
		inject: func(s *subject) { s.pause(true) },
		fix:    func(s *subject) { s.pause(false) },
	},
}

// waiting is the person who waits for a colleague. No one else hears from one.
const waiting = "573301234567"

// echo returns the delivery of a message that a colleague sent from the WhatsApp Business app.
func echo(to string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"smb_message_echoes","value":{
		"metadata":{"phone_number_id":%q},"message_echoes":[{"from":"15550783881","to":%q,"id":"wamid.echo","timestamp":%q,"type":"text","text":{"body":"I will help"}}]}}]}]}`,
		number, to, strconv.FormatInt(time.Now().Unix(), 10))
}

// healthy is the name of the receiver without a fault.
const healthy = "healthy"

// TestAlerts runs a receiver for each fault, and one without. It checks which alerts fire while the fault lasts, that they
// end once it is fixed, and that no other fired at any time.
func TestAlerts(t *testing.T) {
	s := newServer(t)
	rules := []group{rulesOf(t, healthy, false)}
	well := newSubject(t, s, healthy, options{})
	subjects := map[string]*subject{}

	for name, f := range faults {
		if f.disk && os.Geteuid() != 0 {
			t.Run(name, func(t *testing.T) { t.Skip("needs root, to mount a disk") })
			continue
		}

		rules = append(rules, rulesOf(t, name, f.waits))
		subjects[name] = newSubject(t, s, name, f.options)
	}

	s.start()
	well.waitScraped(t)

	for _, sub := range subjects {
		sub.waitScraped(t)
	}

	s.evaluate(rules)

	// The faults last at the same time: all of them wait most of it. t.Parallel would run as many as there are processors.
	var all sync.WaitGroup
	defer all.Wait()

	for name, sub := range subjects {
		all.Go(func() {
			t.Run(name, func(t *testing.T) { try(t, s, sub, faults[name]) })
		})
	}

	t.Run(healthy, func(t *testing.T) {
		checkDashboard(t, s, healthy)
		until(t, "20 minutes of the rules without a fault", func() error {
			since := time.Since(s.evaluates).Round(time.Second)

			return s.hasValue(fmt.Sprintf(`count_over_time(up{job="healthy-admin"}[%s]) > %d`, since, 20*60/faster))
		})
	})
	all.Wait()
	checkFired(t, s, healthy, nil)
}

// try injects a fault, waits for its alerts, and fixes it.
func try(t *testing.T, s *server, sub *subject, f fault) {
	name := sub.name

	if f.inject != nil {
		f.inject(sub)
	}

	firing := fmt.Sprintf(`ALERTS{alertstate="firing",whatsappwebhook=%q}`, name)
	until(t, "the alerts fire", func() error { return names(s, firing, f.want) })
	until(t, "the alerts stay", func() error {
		samples, err := s.query(fmt.Sprintf(`min(count_over_time(%s[10m])) >= %d`, firing, held))
		if err == nil && len(samples) == 0 {
			err = fmt.Errorf("they have not fired for %d evaluations", held)
		}

		return err
	})
	checkTexts(t, s, name)

	f.fix(sub)
	until(t, "the alerts end", func() error { return names(s, firing, nil) })
	checkFired(t, s, name, f.want)
}

// names returns an error if the alerts of an expression are not the wanted ones.
func names(s *server, expr string, want []string) error {
	samples, err := s.query(expr)
	if err != nil {
		return err
	}

	var got []string
	for _, sample := range samples {
		got = append(got, sample.labels["alertname"])
	}

	slices.Sort(got)

	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}

	return nil
}

// checkFired checks which alerts of a resource have fired at any time.
func checkFired(t *testing.T, s *server, name string, want []string) {
	t.Helper()

	expr := fmt.Sprintf(`max_over_time(ALERTS{alertstate="firing",whatsappwebhook=%q}[1h])`, name)
	if err := names(s, expr, want); err != nil {
		t.Errorf("alerts that fired at any time: %v", err)
	}
}
