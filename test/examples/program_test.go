// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package examples runs the programs of examples/ as their READMEs say, and drives them with real requests.
package examples

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waitLimit bounds every wait for something that must happen. Only a failing test waits so long.
const waitLimit = 2 * time.Minute

// program is a program of examples/.
type program struct {
	folder  string
	command []string
	install string // the command that installs what the program needs
}

const aptGet = "apt-get install --no-install-recommends "

// start runs the program until the test ends, and returns its address. It has to listen on PORT of HOST.
func (p program) start(t *testing.T, environment ...string) string {
	t.Helper()
	checkout.DependOn(t)

	if _, err := exec.LookPath(p.command[0]); err != nil {
		t.Fatalf("%s is not installed: run %s", p.command[0], p.install)
	}

	address := port.Address(t)

	_, number, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}

	output := &lockedBuffer{}

	process := exec.Command(p.command[0], p.command[1:]...)
	process.Dir = filepath.Join("..", "..", "examples", p.folder)

	process.Env = append(os.Environ(), append(environment, "HOST=127.0.0.1", "PORT="+number)...)
	process.Stdout = output
	process.Stderr = output

	if err := process.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		process.Process.Kill() //nolint:errcheck // it has ended
		process.Wait()         //nolint:errcheck // it was killed

		if t.Failed() {
			t.Logf("output of %s:\n%s", p.folder, output)
		}
	})

	if err := probe.WaitFor(t.Context(), waitLimit, p.folder+" listens", func() bool {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}

		return connection.Close() == nil
	}); err != nil {
		t.Fatal(err)
	}

	return "http://" + address
}

// buildGo builds a Go program of examples/ and returns its path.
func buildGo(t *testing.T, folder string) string {
	t.Helper()

	binary := filepath.Join(t.TempDir(), folder)

	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = filepath.Join("..", "..", "examples", folder)

	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", folder, err, output)
	}

	return binary
}

// newClient returns a client whose connections are closed at the end of the test.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)

	return &http.Client{Timeout: waitLimit, Transport: transport}
}

// lockedBuffer is a buffer that can be read while a program writes to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.Write(p)
}

// String implements fmt.Stringer.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.String()
}
