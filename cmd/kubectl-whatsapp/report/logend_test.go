// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/cluster"
)

// TestEndOfALongLogIsKept reads a log that is larger than a file of a bundle may be.
func TestEndOfALongLogIsKept(t *testing.T) {
	t.Parallel()

	line := `{"level":"INFO","sizes":[` + strings.Repeat("1,", 400) + "1]}\n"

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the first line\n"+strings.Repeat(line, maxFile/len(line)+1)+"the last line\n")
	}))
	defer server.Close()

	c, err := cluster.New(&rest.Config{Host: server.URL}, "shop")
	if err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer

	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "sales-1"}}
	bundle := New(&out, "sales", "test")
	bundle.log(t.Context(), c, pod, "receiver", 100_000)

	index, err := bundle.Close()
	if err != nil {
		t.Fatal(err)
	}

	text := unpack(t, out.Bytes())["logs/sales-1.log"]
	if strings.Contains(text, "the first line") || !strings.HasPrefix(text, line) || !strings.HasSuffix(text, line+"the last line\n") {
		t.Errorf("the log begins with %.20q and has %d bytes, want whole lines up to the last one", text, len(text))
	}

	if len(index.Files) != 1 || !index.Files[0].Cut || index.Files[0].Bytes != len(text) {
		t.Errorf("the index has %+v, want a file that is cut", index.Files)
	}
}

func TestLogEnd(t *testing.T) {
	t.Parallel()

	// lines returns so many lines of 16 bytes.
	lines := func(from, n int) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "line %010d\n", from+i)
		}

		return text.String()
	}

	const full = maxFile / 16

	for name, test := range map[string]struct {
		written string
		want    string
		cut     bool
	}{
		"nothing":              {"", "", false},
		"all that fits":        {lines(0, full), lines(0, full), false},
		"a line more":          {lines(0, full+1), lines(2, full-1), true},
		"many times as much":   {lines(0, 5*full), lines(4*full+1, full-1), true},
		"one line without end": {strings.Repeat("x", maxFile+1), "", true},
	} {
		for _, size := range []int{1 << 15, 3 << 20, 16 << 20} {
			end := &logEnd{}

			for rest := []byte(test.written); len(rest) > 0; {
				n := min(size, len(rest))

				if written, err := end.Write(rest[:n]); written != n || err != nil {
					t.Fatalf("%d, %v", written, err)
				}

				if len(end.kept) > 2*maxFile {
					t.Errorf("%s: %d bytes are kept", name, len(end.kept))
				}

				rest = rest[n:]
			}

			if got, cut := end.lines(); string(got) != test.want || cut != test.cut {
				t.Errorf("%s, in pieces of %d: %d bytes from %.20q, cut %t; want %d from %.20q, cut %t",
					name, size, len(got), got, cut, len(test.want), test.want, test.cut)
			}
		}
	}
}
