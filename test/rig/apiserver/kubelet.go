// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/streaming/pkg/httpstream"
	streamspdy "k8s.io/streaming/pkg/httpstream/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// portForwardProtocol is the protocol of the streams of kubectl port-forward.
const portForwardProtocol = "portforward.k8s.io"

// Kubelet plays the kubelet of a node for the API server: it forwards ports of pods, and has their logs.
type Kubelet struct {
	server *Server
	node   string

	mu    sync.Mutex
	pods  map[string]*runningPod
	conns map[httpstream.Connection]string // the pod of each
}

// NoLog stands for the log of a pod whose container waits to start.
const NoLog = "\x00"

// runningPod is a pod that the kubelet runs.
type runningPod struct {
	ports map[int]string // the address that serves each port
	logs  string
}

// StartKubelet registers a node with its kubelet, until the test ends.
func (s *Server) StartKubelet(t *testing.T) *Kubelet {
	t.Helper()

	k := &Kubelet{
		server: s,
		pods:   map[string]*runningPod{},
		conns:  map[httpstream.Connection]string{},
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.portForward)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.containerLogs)

	web := httptest.NewTLSServer(mux)

	t.Cleanup(func() {
		k.disconnect("")
		web.Close()
	})

	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "node-"}}
	s.MustCreate(t, node)
	t.Cleanup(func() { _ = s.Delete(context.WithoutCancel(t.Context()), node) })

	address, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}

	port, err := strconv.ParseInt(address.Port(), 10, 32)
	if err != nil {
		t.Fatal(err)
	}

	node.Status = corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{{
			Type:    corev1.NodeInternalIP,
			Address: address.Hostname(),
		}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(port)}},
	}
	if err := s.Status().Update(t.Context(), node); err != nil {
		t.Fatalf("report the address of the kubelet: %v", err)
	}

	k.node = node.Name

	return k
}

// Run creates a pod with the labels that is ready. ports has the address that serves each of its ports.
func (k *Kubelet) Run(t *testing.T, namespace, name string, labels map[string]string, ports map[int]string, logs string) {
	t.Helper()

	k.mu.Lock()
	k.pods[name] = &runningPod{
		ports: ports,
		logs:  logs,
	}
	k.mu.Unlock()

	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      name,
			Labels:    labels,
		},
		Spec: corev1.PodSpec{
			NodeName: k.node,
			Containers: []corev1.Container{{
				Name:  "receiver",
				Image: "registry.example.com/receiver:test",
			}},
		},
	}
	k.server.MustCreate(t, pod)

	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning,
		Conditions: []corev1.PodCondition{{
			Type:               corev1.PodReady,
			Status:             corev1.ConditionTrue,
			LastTransitionTime: metav1.Now(),
		}},
	}
	if err := k.server.Status().Update(t.Context(), pod); err != nil {
		t.Fatalf("report pod %s as ready: %v", name, err)
	}
}

// Kill ends the pod: its connections break, and the API server has it no more.
func (k *Kubelet) Kill(t *testing.T, namespace, name string) {
	t.Helper()

	k.mu.Lock()
	delete(k.pods, name)
	k.mu.Unlock()

	k.disconnect(name)

	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace,
		Name:      name,
	}}
	if err := k.server.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatalf("delete pod %s: %v", name, err)
	}
}

// disconnect breaks the connections of a pod, or all.
func (k *Kubelet) disconnect(pod string) {
	k.mu.Lock()
	defer k.mu.Unlock()

	for conn, of := range k.conns {
		if pod == "" || of == pod {
			_ = conn.Close()
		}
	}
}

func (k *Kubelet) pod(name string) *runningPod {
	k.mu.Lock()
	defer k.mu.Unlock()

	return k.pods[name]
}

func (k *Kubelet) containerLogs(w http.ResponseWriter, r *http.Request) {
	pod := k.pod(r.PathValue("pod"))
	if pod == nil {
		http.Error(w, "no such pod", http.StatusNotFound)
		return
	}

	if pod.logs == NoLog {
		http.Error(w, "the container waits to start: ContainerCreating", http.StatusBadRequest)
		return
	}

	_, _ = io.WriteString(w, pod.logs)
}

// portForward serves the streams of a connection: for each request one on which errors are reported, and one with data.
func (k *Kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{portForwardProtocol}); err != nil {
		return
	}

	var (
		mu      sync.Mutex
		errors  = map[string]httpstream.Stream{}
		running sync.WaitGroup
	)

	name := r.PathValue("pod")

	conn := streamspdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, replied <-chan struct{}) error {
		mu.Lock()
		defer mu.Unlock()

		id := stream.Headers().Get(corev1.PortForwardRequestIDHeader)
		if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
			errors[id] = stream
			return nil
		}

		failure := errors[id]
		delete(errors, id)
		running.Go(func() {
			<-replied
			k.forward(name, stream, failure)
		})

		return nil
	})
	if conn == nil {
		return
	}

	k.mu.Lock()
	k.conns[conn] = name
	k.mu.Unlock()

	<-conn.CloseChan()
	running.Wait()

	k.mu.Lock()
	delete(k.conns, conn)
	k.mu.Unlock()
}

// forward copies between a stream and the address that serves its port.
func (k *Kubelet) forward(name string, data, failure httpstream.Stream) {
	defer func() {
		_ = failure.Close()
		_ = data.Close()
	}()

	port, err := strconv.Atoi(data.Headers().Get(corev1.PortHeader))
	if err != nil {
		return
	}

	var address string
	if pod := k.pod(name); pod != nil {
		address = pod.ports[port]
	}

	//nolint:noctx // ends with the streams
	conn, err := net.Dial("tcp", address)
	if err != nil || address == "" {
		fmt.Fprintf(failure, "dial tcp 127.0.0.1:%d: connect: connection refused", port)
		return
	}
	defer conn.Close()

	var sent sync.WaitGroup

	sent.Go(func() {
		_, _ = io.Copy(conn, data)
		_ = conn.Close()
	})

	_, _ = io.Copy(data, conn)
	_ = data.Reset()

	sent.Wait()
}
