// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// pod is the receiver's view of its pod: configuration and Secrets, written to a folder.
type pod struct {
	webhook  *v1alpha1.WhatsAppWebhook
	rendered []string // kind and name of each object
	dir      string
	config   config.Config
	secrets  config.Secrets
}

// render does the work of operator and kubelet: it renders the WhatsAppWebhook in from, and writes the configuration and
// the projected Secrets of its Deployment to dir.
func render(from, dir string) (*pod, error) {
	found, err := load(from)
	if err != nil {
		return nil, err
	}

	webhook := found.webhook

	params, err := resources.NewParams(webhook, resources.Environment{ReceiverImage: "receiver"})
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", webhook.Name, err)
	}

	p := &pod{webhook: webhook, dir: dir}
	for _, object := range resources.Render(params) {
		p.rendered = append(p.rendered, *object.GetKind()+"/"+*object.GetName())
		switch *object.GetKind() {
		case "ConfigMap":
			err = p.readConfig(object)
		case "Deployment":
			err = p.project(object, found.secrets)
		}

		if err != nil {
			return nil, fmt.Errorf("write %s %s: %w", *object.GetKind(), *object.GetName(), err)
		}
	}

	if p.secrets, err = config.ReadSecrets(p.secretsDir()); err != nil {
		return nil, err
	}

	if err := p.mountInstructions(found.configMaps); err != nil {
		return nil, err
	}

	return p, nil
}

func (p *pod) secretsDir() string { return filepath.Join(p.dir, "secrets") }

// load reads the YAML files of a folder, like kubectl apply.
func load(dir string) (*manifests, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no YAML files in %s: set the folder with -resources", dir)
	}

	found := &manifests{
		secrets:    map[string]*corev1.Secret{},
		configMaps: map[string]*corev1.ConfigMap{},
	}
	for _, file := range files {
		if err := found.read(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}

	if found.webhook == nil {
		return nil, fmt.Errorf("no WhatsAppWebhook in %s", dir)
	}

	return found, nil
}

// manifests are the objects that the demo needs, decoded from YAML files.
type manifests struct {
	webhook    *v1alpha1.WhatsAppWebhook
	secrets    map[string]*corev1.Secret
	configMaps map[string]*corev1.ConfigMap
}

// read decodes the documents of one file.
func (m *manifests) read(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}

	documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		var raw json.RawMessage

		err := documents.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}

		if err == nil {
			err = m.add(raw)
		}

		if err != nil {
			return err
		}
	}
}

// add decodes one object; it ignores kinds that the demo does not need.
func (m *manifests) add(raw json.RawMessage) error {
	var kind struct{ Kind string }
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}

	var err error

	switch kind.Kind {
	case "WhatsAppWebhook":
		m.webhook = &v1alpha1.WhatsAppWebhook{}
		err = json.Unmarshal(raw, m.webhook)
	case "Secret":
		secret := &corev1.Secret{}
		err = json.Unmarshal(raw, secret)
		m.secrets[secret.Name] = secret
	case "ConfigMap":
		configMap := &corev1.ConfigMap{}
		err = json.Unmarshal(raw, configMap)
		m.configMaps[configMap.Name] = configMap
	}

	if err != nil {
		return fmt.Errorf("%s: %w", kind.Kind, err)
	}

	return nil
}

// as converts a rendered object to its API type.
func as[T any](object resources.Object) (*T, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}

	typed := new(T)

	return typed, json.Unmarshal(data, typed)
}

func (p *pod) readConfig(object resources.Object) error {
	configMap, err := as[corev1.ConfigMap](object)
	if err != nil {
		return err
	}

	for _, content := range configMap.Data {
		p.config, err = config.Parse([]byte(content))
	}

	return err
}

// project writes the keys of Secrets that the Deployment's projected volume refers to.
func (p *pod) project(object resources.Object, secrets map[string]*corev1.Secret) error {
	deployment, err := as[appsv1.Deployment](object)
	if err != nil {
		return err
	}

	volumes := deployment.Spec.Template.Spec.Volumes

	i := slices.IndexFunc(volumes, func(v corev1.Volume) bool { return v.Projected != nil })
	if i < 0 {
		return errors.New("no projected volume")
	}

	for _, source := range volumes[i].Projected.Sources {
		secret := secrets[source.Secret.Name]
		for _, item := range source.Secret.Items {
			if secret == nil {
				continue // the volume's sources are optional
			}

			value, ok := secret.StringData[item.Key]
			if !ok {
				continue
			}

			if err := p.writeSecret(item.Path, value); err != nil {
				return err
			}
		}
	}

	return nil
}

func (p *pod) writeSecret(path, value string) error {
	file := filepath.Join(p.secretsDir(), filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}

	return os.WriteFile(file, []byte(value), 0o600) //nolint:gosec // the name is that of a role
}

// mountInstructions writes the instructions of a model, which the Deployment mounts from a ConfigMap.
func (p *pod) mountInstructions(configMaps map[string]*corev1.ConfigMap) error {
	if p.config.OpenAI == nil || p.config.OpenAI.InstructionsFile == "" {
		return nil
	}

	ref := p.webhook.Spec.OpenAI.InstructionsConfigMapRef

	configMap := configMaps[ref.Name]
	if configMap == nil {
		return fmt.Errorf("no ConfigMap %s with the instructions", ref.Name)
	}

	p.config.OpenAI.InstructionsFile = filepath.Join(p.dir, "instructions")

	return os.WriteFile(p.config.OpenAI.InstructionsFile, []byte(configMap.Data[ref.Key]), 0o600)
}
