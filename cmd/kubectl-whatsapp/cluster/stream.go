// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
)

const (
	// maxFailure bounds the text in which the kubelet says why it cannot connect.
	maxFailure = 4 << 10
	// failureTimeout is how long the end of a stream waits for that text.
	failureTimeout = time.Second
)

// tunnel is a connection to one pod. It ends when it was retired and its last stream has ended.
type tunnel struct {
	pod  string
	conn httpstream.Connection

	mu      sync.Mutex
	streams int
	created int
	retired bool
}

// alive reports whether the tunnel takes new streams.
func (t *tunnel) alive() bool {
	t.mu.Lock()
	defer t.mu.Unlock()

	return !t.retired && !t.ended()
}

// ended reports whether the connection is closed.
func (t *tunnel) ended() bool {
	select {
	case <-t.conn.CloseChan():
		return true
	default:
		return false
	}
}

// retire lets the tunnel take no new streams.
func (t *tunnel) retire() {
	t.mu.Lock()
	t.retired = true
	last := t.streams == 0
	t.mu.Unlock()

	if last {
		_ = t.conn.Close()
	}
}

// dial opens a stream to a port of the pod. The goroutine in failures reads why the kubelet cannot connect.
func (t *tunnel) dial(port int, failures *sync.WaitGroup) (net.Conn, error) {
	t.mu.Lock()
	t.streams++
	t.created++
	id := strconv.Itoa(t.created)
	t.mu.Unlock()

	headers := http.Header{}
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, id)

	failure, err := t.conn.CreateStream(headers)
	if err != nil {
		t.release()
		return nil, fmt.Errorf("open a stream to port %d of pod %s: %w", port, t.pod, err)
	}

	_ = failure.Close() // nothing is written to it

	headers.Set(corev1.StreamType, corev1.StreamTypeData)

	data, err := t.conn.CreateStream(headers)
	if err != nil {
		_ = failure.Reset()
		t.conn.RemoveStreams(failure)
		t.release()

		return nil, fmt.Errorf("open a stream to port %d of pod %s: %w", port, t.pod, err)
	}

	s := &stream{
		Stream:  data,
		tunnel:  t,
		port:    port,
		errors:  failure,
		checked: make(chan struct{}),
	}

	failures.Go(s.readFailure)

	return s, nil
}

// release counts the end of a stream.
func (t *tunnel) release() {
	t.mu.Lock()
	t.streams--
	last := t.retired && t.streams == 0
	t.mu.Unlock()

	if last {
		_ = t.conn.Close()
	}
}

// stream is a connection to a port of a pod.
type stream struct {
	httpstream.Stream

	tunnel *tunnel
	port   int
	errors httpstream.Stream // on which the kubelet says why it cannot connect

	checked chan struct{} // closed when the stream of errors has ended
	failure error

	closing sync.Once
}

func (s *stream) readFailure() {
	defer close(s.checked)

	text, err := io.ReadAll(io.LimitReader(s.errors, maxFailure))
	if reason := strings.TrimSpace(string(text)); reason != "" {
		s.failure = fmt.Errorf("connect to port %d of pod %s: %s", s.port, s.tunnel.pod, reason)
		s.tunnel.retire()

		return
	}

	if err != nil && !errors.Is(err, io.EOF) {
		s.failure = fmt.Errorf("the connection to pod %s was lost", s.tunnel.pod)
	}
}

// Read reads from the pod. At the end of the stream it returns why the kubelet could not connect, if it could not.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if err == nil || n > 0 {
		return n, err
	}

	timer := time.NewTimer(failureTimeout)
	defer timer.Stop()

	select {
	case <-s.checked:
		if s.failure != nil {
			return 0, s.failure
		}
	case <-timer.C:
	}

	return 0, err
}

// Close ends the stream.
func (s *stream) Close() error {
	s.closing.Do(func() {
		_ = s.Reset() // data that nothing reads would block the tunnel
		_ = s.errors.Reset()

		s.tunnel.conn.RemoveStreams(s.Stream, s.errors)
		s.tunnel.release()
	})

	return nil
}

// podAddr is the address of a port of a pod.
type podAddr string

func (podAddr) Network() string { return "portforward" }

func (a podAddr) String() string { return string(a) }

// LocalAddr returns the address of this end.
func (*stream) LocalAddr() net.Addr { return podAddr("localhost") }

// RemoteAddr returns the pod and the port.
func (s *stream) RemoteAddr() net.Addr {
	return podAddr(net.JoinHostPort(s.tunnel.pod, strconv.Itoa(s.port)))
}

// SetDeadline does nothing: calls are bounded by closing the stream.
func (*stream) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (*stream) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (*stream) SetWriteDeadline(time.Time) error { return nil }
