//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// days is the name of the resource whose figures are those of weeks.
const days = "days"

// figures are figures of a receiver that takes weeks to show them.
type figures struct {
	backupOverdue    time.Time
	oldestDeadLetter time.Duration
	deadLetters      int
}

func (f figures) write(w http.ResponseWriter) {
	fmt.Fprintf(w, "whatsapp_backup_overdue_timestamp_seconds %d\n", f.backupOverdue.Unix())
	fmt.Fprintf(w, "whatsapp_oldest_dead_letter_seconds %d\n", int64(f.oldestDeadLetter.Seconds())/faster)
	fmt.Fprintf(w, "whatsapp_dead_letters %d\n", f.deadLetters)
}

// TestAlertsOfDays shows Prometheus figures that no receiver has within minutes, and checks which alerts fire: for a backup that
// is overdue, and for dead letters that are purged within a week, of the 90 days that they are kept.
func TestAlertsOfDays(t *testing.T) {
	var now atomic.Pointer[figures]

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		now.Load().write(w)
	}))
	t.Cleanup(server.Close)

	const day = 24 * time.Hour

	tomorrow := time.Now().Add(day)
	fine := figures{tomorrow, 82 * day, 1}
	now.Store(&fine)

	s := newServer(t)
	s.scrape(days, strings.TrimPrefix(server.URL, "http://"))
	s.start()
	until(t, "the figures are scraped", func() error { return s.hasValue(`whatsapp_dead_letters{job="days-admin"}`) })
	s.evaluate([]group{rulesOf(t, days, false)})

	firing := fmt.Sprintf(`ALERTS{alertstate="firing",whatsappwebhook=%q}`, days)

	for _, step := range []struct {
		name string
		now  figures
		want []string
	}{
		{"the backup is overdue", figures{time.Now().Add(-time.Minute), 82 * day, 1}, []string{"WhatsAppBackupOverdue", "WhatsAppDeadLetters"}},
		{"a copy was made", fine, []string{"WhatsAppDeadLetters"}},
		{"dead letters expire", figures{tomorrow, 84 * day, 1}, []string{"WhatsAppDeadLetters", "WhatsAppDeadLettersExpire"}},
		{"they were handled", figures{tomorrow, 0, 0}, nil},
	} {
		now.Store(&step.now)
		until(t, step.name, func() error { return names(s, firing, step.want) })
		checkTexts(t, s, days)
	}
}
