// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTable(t *testing.T) {
	var b bytes.Buffer

	rows := []row{figure{
		name:     "claims",
		measured: "1 µs",
		verdict:  baseLine,
	}.row(), figure{
		name:     "  later",
		measured: "200 µs",
		target:   "<= 2.0",
		ratio:    times(1.5),
		verdict:  verdict(true),
	}.row()}
	if err := writeTable(&b, rows); err != nil {
		t.Fatal(err)
	}

	want := `
figure   measured  target  ratio  verdict
claims   1 µs                     base line
  later  200 µs    <= 2.0  1.50   met
`
	if diff := cmp.Diff(want, "\n"+b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{
		0:       "0",
		999:     "999",
		1000:    "1,000",
		123456:  "123,456",
		1234567: "1,234,567",
	} {
		if got := thousands(n); got != want {
			t.Errorf("%d is formatted %q, want %q", n, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	parts := []part{{name: "a"}, {name: "b"}, {name: "c"}}
	for _, c := range []struct{ names, want string }{
		{"", "a,b,c"},
		{"b", "b"},
		{"c, a", "a,c"},
		{"c,c", "c"},
		{"d", `unknown part "d": the parts are a, b, c`},
		{"a,,b", `unknown part "": the parts are a, b, c`},
	} {
		chosen, err := choose(parts, c.names)

		got := strings.Join(namesOf(chosen), ",")
		if err != nil {
			got = err.Error()
		}

		if got != c.want {
			t.Errorf("parts %q: %s, want %s", c.names, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	var s sizes
	if err := s.Set("0, 10,1000"); err != nil || s.String() != "0,10,1000" {
		t.Errorf("got %v, %v", s, err)
	}

	for _, wrong := range []string{"", "1,", "-1", "1e3"} {
		if err := s.Set(wrong); err == nil {
			t.Errorf("%q is accepted as %v", wrong, s)
		}
	}
}

func TestFailedPartDoesNotStopOthers(t *testing.T) {
	broken := errors.New("no disk")

	var out bytes.Buffer

	err := measureAll(t.Context(), []part{
		{"a", func(context.Context) (measurement, error) { return measurement{}, broken }},
		{
			"b",
			func(context.Context) (measurement, error) { return measurement{figures: []figure{{name: "of b"}}}, nil },
		},
	}, someMachine, false, "", &out)
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "a: ") {
		t.Errorf("got %v, want the failure of a", err)
	}

	if !strings.Contains(out.String(), "of b") || !strings.Contains(out.String(), someMachine.String()) {
		t.Errorf("printed:\n%s\nwant the figure of b and the machine", out.String())
	}
}

func TestFilesystemOf(t *testing.T) {
	const mounts = `/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
/dev/vdb /tmpdata xfs rw 0 0
/dev/vdc /var btrfs rw 0 0
/dev/vdd /var zfs rw 0 0
broken
`

	for folder, want := range map[string]string{
		"/":          "ext4",
		"/home/a":    "ext4",
		"/tmp":       "tmpfs",
		"/tmp/a/":    "tmpfs",
		"/tmpdata/a": "xfs",
		"/var/tmp":   "zfs",
	} {
		if got := filesystemOf([]byte(mounts), folder); got != want {
			t.Errorf("%s is on %s, want %s", folder, got, want)
		}
	}
}

func TestSmallGrowth(t *testing.T) {
	m, err := growth(t.Context(), []int{0, 100}, 40, 2)
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range m.charts {
		if len(c.lines) != 2 || len(c.lines[1].points) != 2 {
			t.Fatalf("%s has the lines %v, want a line of two points for each engine", c.file, c.lines)
		}

		if last := c.lines[1].points[1]; last.x != 100 || last.y <= 0 {
			t.Errorf("%s has the lines %v, want a line of two points for each engine", c.file, c.lines)
		}
	}

	if want := 2 * 2 * 2 * len(costNames); len(m.figures) != want {
		t.Errorf("%d figures, want %d", len(m.figures), want)
	}

	if _, err := growth(t.Context(), []int{10, 100}, 0, 1); err == nil {
		t.Error("histories without an empty store are accepted")
	}
}

func TestSmallIngest(t *testing.T) {
	figures, err := ingest(t.Context(), sizes{4, 8}, 1, 40)
	if err != nil {
		t.Fatal(err)
	}

	for _, f := range figures {
		if f.measured == "" {
			t.Errorf("%s has no measured value", f.name)
		}
	}
}
