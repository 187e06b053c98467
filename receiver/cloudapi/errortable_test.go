// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"net/http"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// documented is the class and the scope of each error code of Meta's table and of the pages that it links to, for an error
// in a response. The ranges have one row for each code that the pages name.
var documented = []struct {
	class failure.Class
	scope failure.Scope
	codes []int
}{
	{failure.Ambiguous, failure.ScopeNone, []int{1, 131000, 131016, 133004}},
	{failure.Ambiguous, failure.ScopeApp, []int{2}},
	{failure.Configuration, failure.ScopeApp, []int{0, 5, 101, 102, 104, 190, 2200, 2500}},
	{failure.Configuration, failure.ScopeBusinessAccount, []int{368, 131031, 131042, 131044, 131064, 133007, 134011}},
	{failure.Configuration, failure.ScopeNumber, []int{
		3, 10, 200, 299, 803, 131005, 131037, 131045, 133000, 133005, 133006, 133010, 136025,
	}},
	{failure.RateLimited, failure.ScopeApp, []int{4, 17, 341, 613}},
	{failure.RateLimited, failure.ScopeBusinessAccount, []int{32, 80007, 80008}},
	{failure.RateLimited, failure.ScopeNumber, []int{
		130429, 131048, 131057, 131208, 133008, 133009, 133015, 133016, 2494100,
	}},
	{failure.RateLimited, failure.ScopePair, []int{131056, 132069, 134101}},
	{failure.TemplateRequired, failure.ScopePair, []int{131047}},
	{failure.Permanent, failure.ScopeNone, []int{
		100, 131008, 131009, 131035, 131043, 131051, 131052, 131053, 131055, 131059, 131060, 131062, 131063,
		132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068, 134100, 134102, 135000,
		138004, 138007, 138008, 138010, 138011, 138016, 139001, 139002, 139003, 139004, 139100, 139102, 139103,
		147001, 147002, 147003, 147004, 147005, 1752041,
		2388001, 2388012, 2388019, 2388040, 2388047, 2388072, 2388073, 2388091, 2388093, 2388103, 2388293, 2388299,
		2494164, 2494165, 2494166, 2494167, 2494168, 2494176, 2494177, 2494179,
	}},
	{failure.Permanent, failure.ScopeBusinessAccount, []int{130497, 139000}},
	{failure.Permanent, failure.ScopeNumber, []int{
		33, 133001, 133002, 133003, 136024, 138000, 138002, 138005, 138013, 138014, 138015, 138018, 139101,
		2593107, 2593108, 2593109,
	}},
	{failure.Permanent, failure.ScopePair, []int{131049, 138003, 138006, 138009, 138012, 138017, 138038, 2494191}},
	{failure.Permanent, failure.ScopeRecipient, []int{
		130403, 130472, 131020, 131021, 131026, 131030, 131036, 131041, 131050, 131201, 131202, 131203, 131204, 131205,
		131206, 131207, 131209, 131210, 131211, 131212, 131213, 131214, 131215, 137000, 138001,
	}},
}

func TestClassifyEveryDocumentedCode(t *testing.T) {
	unknown := Classify("op", ReportedError{Code: 999_999, HTTPStatus: http.StatusBadRequest}, nil)
	known := map[int]bool{}

	for _, row := range documented {
		for _, code := range row.codes {
			known[code] = true

			f := Classify("op", ReportedError{Code: code, HTTPStatus: http.StatusBadRequest}, nil)
			if f.Class != row.class || f.Scope != row.scope {
				t.Errorf("code %d is classified as %q, %q; want %q, %q", code, f.Class, f.Scope, row.class, row.scope)
			}

			if f.Text == "" || f.Text == unknown.Text {
				t.Errorf("code %d has the text %q", code, f.Text)
			}

			if (f.Class == failure.RateLimited) != (f.Pause > 0) {
				t.Errorf("code %d has class %s and the first pause %v", code, f.Class, f.Pause)
			}

			if f := Classify("op", ReportedError{Code: code}, nil); f.Class == failure.Ambiguous {
				t.Errorf("code %d in a failed status is ambiguous, though it failed for certain", code)
			}
		}
	}

	for code := range apiErrors {
		if !known[code] {
			t.Errorf("code %d is in the table, but not documented", code)
		}
	}
}
