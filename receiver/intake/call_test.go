// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestCallEvents(t *testing.T) {
	const (
		metadata = `{"metadata":{"phone_number_id":"42","display_phone_number":"15550001111"},`
		contact  = `"contacts":[{"wa_id":"573","user_id":"CO.1"}],`
	)

	anHourAgo := strconv.FormatInt(now.Add(-time.Hour).Unix(), 10)
	call := func(properties string) string {
		return `{"id":"c1","event":"connect","timestamp":"` + anHourAgo + `"` + properties + `}`
	}
	lanes := func(events []store.Event) (lanes []string) {
		for _, e := range events {
			if e.State != store.Skipped {
				t.Errorf("the event is %s, want skipped", e.State)
			}

			if e.Lane != "" && !e.SentAt.Equal(now.Add(-time.Hour)) {
				t.Errorf("the call is of %v, want an hour ago", e.SentAt)
			}

			lanes = append(lanes, strings.Join(append([]string{e.Lane}, e.Aliases...), " "))
		}

		return lanes
	}

	for name, tc := range map[string]struct {
		value string
		want  []string // lane and aliases of each event
	}{
		"by the person":    {contact + `"calls":[` + call(`,"from":"573","direction":"USER_INITIATED"`) + `]}`, []string{"42:573 42:CO.1"}},
		"in other letters": {`"calls":[` + call(`,"from_parent_user_id":"CO.ENT.1","direction":"user_initiated"`) + `]}`, []string{"42:CO.ENT.1"}},
		"by the business":  {contact + `"calls":[` + call(`,"to":"573","direction":"BUSINESS_INITIATED"`) + `]}`, []string{""}},
		"accepted by the person": {
			contact + `"calls":[` + call(`,"to":"573","direction":"BUSINESS_INITIATED","event":"terminate","start_time":"`+anHourAgo+`"`) + `]}`,
			[]string{"42:573 42:CO.1"},
		},
		"not accepted": {
			`"calls":[` + call(`,"to":"573","direction":"BUSINESS_INITIATED","event":"terminate"`) + `]}`,
			[]string{""},
		},
		"an accepted call beside another": {
			`"calls":[` + call(`,"to":"574","direction":"BUSINESS_INITIATED"`) + `],"statuses":[` +
				`{"id":"c2","type":"call","status":"ACCEPTED","recipient_id":"573","timestamp":"` + anHourAgo + `"},` +
				`{"id":"c3","type":"call","status":"RINGING","recipient_id":"575"}]}`,
			[]string{"42:573", ""},
		},
		"from the number":     {`"calls":[` + call(`,"from":"15550001111","session":{"sdp_type":"offer"}`) + `]}`, []string{""}},
		"an answered session": {`"calls":[` + call(`,"from":"573","session":{"sdp_type":"answer"}`) + `]}`, []string{""}},
		"by no one":           {`"calls":[` + call(`,"direction":"USER_INITIATED"`) + `]}`, []string{""}},
		"several": {
			contact + `"calls":[` + call(`,"from":"573","direction":"USER_INITIATED"`) + `,` + call(`,"from":"574","direction":"USER_INITIATED"`) + `]}`,
			[]string{"42:573 42:CO.1", "42:574", ""},
		},
		"several beside the contact of one": {
			`"contacts":[{"wa_id":"573"}],"calls":[` + call(`,"from":"573","direction":"USER_INITIATED"`) + `,` +
				call(`,"from_user_id":"CO.1","direction":"USER_INITIATED"`) + `]}`,
			[]string{"42:573", "42:CO.1", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, lanes(parse(t, settings, "calls", metadata+tc.value))); diff != "" {
				t.Errorf("lanes (-want +got):\n%s", diff)
			}
		})
	}

	foreign := parse(t, settings, "calls", `{"metadata":{"phone_number_id":"43"},"calls":[`+call(`,"from":"573","direction":"USER_INITIATED"`)+`]}`)[0]
	if _, opens := foreign.InboundAt(); opens || foreign.State != store.Skipped {
		t.Errorf("call to a foreign number = %+v, want it skipped and without effect", foreign)
	}
}
