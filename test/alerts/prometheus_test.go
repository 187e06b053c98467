//go:build linux

// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

const (
	// interval is the time between scrapes, and between evaluations of the rules.
	interval = time.Second
	// waitLimit bounds each wait for a condition. Only a failing test waits so long.
	waitLimit = 8 * time.Minute
)

// server is a running Prometheus.
type server struct {
	t   *testing.T
	dir string
	url string

	process   *os.Process
	evaluates time.Time // since when Prometheus evaluates the rules

	mu     sync.Mutex
	relays map[string]*relay // by resource
}

// newServer returns a Prometheus that does not run yet.
func newServer(t *testing.T) *server {
	t.Helper()

	return &server{
		t:      t,
		dir:    inMemory(t, recordSize),
		relays: map[string]*relay{},
	}
}

// start starts Debian's Prometheus. It evaluates no rules yet.
func (s *server) start() {
	t := s.t
	t.Helper()

	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("this test needs Prometheus: apt-get install --no-install-recommends prometheus")
	}

	s.write("rules.yml", map[string]any{"groups": []group{}})
	s.writeTargets()
	s.write("prometheus.yml", map[string]any{
		"global": map[string]any{
			"scrape_interval":     interval.String(),
			"scrape_timeout":      interval.String(),
			"evaluation_interval": interval.String(),
		},
		"rule_files": []string{"rules.yml"},
		"scrape_configs": []any{map[string]any{
			"job_name":        "receivers",
			"file_sd_configs": []any{map[string]any{"files": []string{"targets.json"}, "refresh_interval": "1s"}},
		}},
	})

	address := port.Address(t)
	s.url = "http://" + address

	var output bytes.Buffer

	process := exec.CommandContext(context.WithoutCancel(t.Context()), binary,
		"--config.file="+filepath.Join(s.dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(s.dir, "data"),
		"--web.listen-address="+address,
		"--log.level=warn")
	process.Stdout = &output
	process.Stderr = &output
	process.Dir = s.dir

	if err := process.Start(); err != nil {
		t.Fatal(err)
	}

	s.process = process.Process

	t.Cleanup(func() {
		if err := process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}

		if err := process.Wait(); err != nil || t.Failed() {
			t.Logf("Prometheus ended: %v\n%s", err, &output)
		}
	})
	until(t, "Prometheus is ready", func() error {
		_, err := s.get("/-/ready", nil)

		return err
	})
}

// evaluate makes Prometheus evaluate rules. Every receiver is scraped by then: before its first scrape it is down.
func (s *server) evaluate(rules []group) {
	s.t.Helper()
	s.write("rules.yml", map[string]any{"groups": rules})

	if err := s.process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}

	until(s.t, "the rules are loaded", func() error {
		body, err := s.get("/api/v1/rules", nil)
		if err != nil {
			return err
		}

		var answer struct {
			Data struct{ Groups []struct{ Name string } }
		}

		err = json.Unmarshal(body, &answer)
		if loaded := len(answer.Data.Groups); err == nil && loaded != len(rules) {
			err = fmt.Errorf("%d of %d groups", loaded, len(rules))
		}

		return err
	})

	s.evaluates = time.Now()
}

// scrape makes Prometheus scrape the receiver of a resource at an address.
func (s *server) scrape(resource, address string) {
	s.t.Helper()
	s.mu.Lock()

	r := s.relays[resource]
	if r == nil {
		r = newRelay(s.t)
		s.relays[resource] = r
	}
	s.mu.Unlock()

	r.follow(address)
	s.writeTargets()
}

// writeTargets writes the file from which Prometheus reads its targets, with the labels that a ServiceMonitor sets.
func (s *server) writeTargets() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()

	all := []any{}
	for resource, r := range s.relays {
		all = append(all, map[string]any{
			"targets": []string{r.server.Listener.Addr().String()},
			"labels": map[string]string{
				"job":       resource + "-admin",
				"namespace": namespace,
				"pod":       resource + "-0",
			},
		})
	}

	data, err := json.Marshal(all)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "targets.new"), data, 0o600)
	}

	if err == nil {
		err = os.Rename(filepath.Join(s.dir, "targets.new"), filepath.Join(s.dir, "targets.json"))
	}

	if err != nil {
		s.t.Error(err)
	}
}

func (s *server) write(name string, content any) {
	s.t.Helper()

	data, err := yaml.Marshal(content)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, name), data, 0o600)
	}

	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) get(path string, query url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), busyTimeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}

	return body, err
}

// sample is one series of the result of a query.
type sample struct {
	labels map[string]string
	value  float64
}

// query evaluates an expression now.
func (s *server) query(expr string) ([]sample, error) {
	body, err := s.get("/api/v1/query", url.Values{"query": {expr}})
	if err != nil {
		return nil, err
	}

	var answer struct {
		Data struct {
			ResultType string
			Result     []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}

	if answer.Data.ResultType != "vector" {
		return nil, errors.New("the result is a " + answer.Data.ResultType + ", want a vector")
	}

	var samples []sample

	for _, series := range answer.Data.Result {
		text, _ := series.Value[1].(string)

		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}

		samples = append(samples, sample{labels: series.Metric, value: value})
	}

	return samples, nil
}

// hasValue reports whether an expression has at least one value that is a number.
func (s *server) hasValue(expr string) error {
	samples, err := s.query(expr)
	if err != nil {
		return err
	}

	for _, sample := range samples {
		if !math.IsNaN(sample.value) {
			return nil
		}
	}

	return fmt.Errorf("no value among %d samples", len(samples))
}

// until waits until try succeeds.
func until(t *testing.T, what string, try func() error) {
	t.Helper()

	deadline := time.After(waitLimit)

	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()

	for {
		err := try()
		if err == nil {
			return
		}

		select {
		case <-deadline:
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}
