// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// figures are the progress of a trial.
type figures struct {
	kills, stalls, restarts       int
	acknowledged                  int
	accepted                      int
	expected, delivered, notified int // statuses
	owed, owedAtKill              int // answers of Bird
	outages, callsDuringOutages   int
}

func (l *ledger) figures() figures {
	l.mu.Lock()
	defer l.mu.Unlock()

	f := figures{
		accepted:   len(l.accepted),
		notified:   len(l.notified),
		outages:    len(l.outages),
		owed:       l.owed,
		owedAtKill: l.owedAtKill,
	}
	for _, o := range l.outages {
		f.callsDuringOutages += o.Calls
	}

	for _, i := range l.incidents {
		switch i.Kind {
		case killed:
			f.kills++
		case stalled:
			f.stalls++
		case restarted:
			f.restarts++
		}
	}

	for _, m := range l.messages {
		if m.Acknowledged {
			f.acknowledged++
		}
	}

	for _, s := range l.accepted {
		if !s.WithoutStatuses {
			f.expected += len(statuses)
			f.delivered += s.StatusCount
		}
	}

	return f
}
