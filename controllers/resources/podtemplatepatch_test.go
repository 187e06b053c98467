// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// templateOf returns the pod template of the minimal case with a patch, as JSON.
func templateOf(t *testing.T, patch string) (map[string]any, error) {
	t.Helper()

	webhook := read(t, filepath.Join("testdata", "minimal"))
	if patch != "" {
		webhook.Spec.Receiver.PodTemplatePatch = &runtime.RawExtension{Raw: []byte(patch)}
	}

	params, err := resources.NewParams(webhook, environment)
	if err != nil {
		return nil, err
	}

	for _, object := range resources.Render(params) {
		deployment, ok := object.(*appsv1ac.DeploymentApplyConfiguration)
		if !ok {
			continue
		}

		data, err := json.Marshal(deployment.Spec.Template)
		if err != nil {
			t.Fatal(err)
		}

		var template map[string]any
		if err := json.Unmarshal(data, &template); err != nil {
			t.Fatal(err)
		}

		return template, nil
	}

	t.Fatal("no Deployment is rendered")

	return nil, nil
}

func TestBadPodTemplatePatches(t *testing.T) {
	for name, test := range map[string]struct{ patch, want string }{
		"unknown field":             {`{"spec":{"contaners":[]}}`, `unknown field "spec.contaners"`},
		"unknown field in a list":   {`{"spec":{"volumes":[{"name":"a","emptydir":{}}]}}`, `unknown field "spec.volumes[0].emptydir"`},
		"another type":              {`{"spec":{"hostNetwork":"yes"}}`, "spec.hostNetwork of type bool"},
		"object for a list":         {`{"spec":{"containers":{"name":"receiver"}}}`, "spec.containers of type"},
		"list":                      {`[]`, "cannot unmarshal array"},
		"text":                      {`"spec"`, "cannot unmarshal string"},
		"fields of a Deployment":    {`{"spec":{"template":{"spec":{}}}}`, `unknown field "spec.template"`},
		"container without a name":  {`{"spec":{"containers":[{"image":"a"}]}}`, "name"},
		"unknown mode":              {`{"spec":{"$patch":"remove"}}`, "spec.$patch: must be delete or replace"},
		"mode of another type":      {`{"spec":{"containers":[{"$patch":1}]}}`, "spec.containers[0].$patch: must be delete or replace"},
		"unknown directive":         {`{"spec":{"$remove":[]}}`, `unknown field "spec.$remove"`},
		"keys that are not strings": {`{"$retainKeys":[{}]}`, "$retainKeys: must be a list of strings"},
		"keys of the spec":          {`{"spec":{"$retainKeys":[{}]}}`, "spec.$retainKeys: must be a list of strings"},
		"keys of a container":       {`{"spec":{"containers":[{"name":"receiver","$retainKeys":["name",[]]}]}}`, "spec.containers[0].$retainKeys: must be a list of strings"},
		"keys that are not a list":  {`{"spec":{"$retainKeys":"volumes"}}`, "spec.$retainKeys: must be a list of strings"},
		"order of lists":            {`{"metadata":{"$setElementOrder/finalizers":[[]],"finalizers":[]}}`, "metadata.$setElementOrder/finalizers: must be a list of strings"},
		"order by objects":          {`{"spec":{"$setElementOrder/volumes":[{"name":{}}]}}`, "spec.$setElementOrder/volumes: must be a list of strings"},
		"deleted objects":           {`{"metadata":{"$deleteFromPrimitiveList/finalizers":[{}]}}`, "metadata.$deleteFromPrimitiveList/finalizers: must be a list of strings"},
		"long exponent of a volume": {`{"spec":{"volumes":[{"name":"tmp","emptyDir":{"sizeLimit":"1e-999999999"}}]}}`, "spec.volumes[0].emptyDir.sizeLimit: must be a quantity whose exponent has 2 digits at most"},
		"long exponent of a limit":  {`{"spec":{"containers":[{"name":"receiver","resources":{"limits":{"memory":"1E-999999999"}}}]}}`, "spec.containers[0].resources.limits.memory: must be a quantity"},
		"long exponent of overhead": {`{"spec":{"overhead":{"cpu":"1e+999999999"}}}`, "spec.overhead.cpu: must be a quantity"},
		"long exponent of a field":  {`{"spec":{"containers":[{"name":"receiver","env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1e-999999999"}}}]}]}}`, "divisor: must be a quantity"},
		"two long exponents": {
			`{"spec":{"overhead":{"memory":"1e999","cpu":"1e999"}}}`,
			"spec.overhead.cpu: must be a quantity whose exponent has 2 digits at most\nspec.overhead.memory: must be a quantity",
		},
		"long list":                {`{"spec":{"volumes":[` + strings.Repeat(`{"name":"a"},`, 80_000) + `{"name":"a"}]}}`, "has 1040035 bytes; a patch may have 65536 (64 KiB)"},
		"container deleted":        {`{"spec":{"containers":[{"name":"receiver","$patch":"delete"}]}}`, "spec.containers: the container receiver must stay"},
		"containers replaced":      {`{"spec":{"containers":[{"$patch":"replace"},{"name":"a"}]}}`, "spec.containers: the container receiver must stay"},
		"spec removed":             {`{"spec":null}`, "spec.containers: the container receiver must stay"},
		"spec replaced":            {`{"spec":{"$patch":"replace"}}`, "spec.containers: the container receiver must stay"},
		"template replaced":        {`{"$patch":"replace"}`, "spec.containers: the container receiver must stay"},
		"template deleted":         {`{"$patch":"delete"}`, "spec.containers: the container receiver must stay"},
		"quantity that is not one": {`{"spec":{"volumes":[{"name":"tmp","emptyDir":{"sizeLimit":"big"}}]}}`, "quantities must match"},
		"volumes deleted by name":  {`{"spec":{"$deleteFromPrimitiveList/volumes":["tmp"]}}`, "cannot be merged: list element types are not identical"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := templateOf(t, test.patch)
			if err == nil || !strings.HasPrefix(err.Error(), "spec.receiver.podTemplatePatch: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want spec.receiver.podTemplatePatch and %q", err, test.want)
			}
		})
	}
}

func TestPodTemplatePatches(t *testing.T) {
	plain, err := templateOf(t, "")
	if err != nil {
		t.Fatal(err)
	}

	names := func(template map[string]any, list string) []string {
		var names []string
		for _, element := range template["spec"].(map[string]any)[list].([]any) {
			names = append(names, element.(map[string]any)["name"].(string))
		}

		return names
	}

	t.Run("an empty patch changes nothing", func(t *testing.T) {
		for _, patch := range []string{`{}`, `{"metadata":{}}`, `{"spec":{}}`, `{"spec":{"tolerations":[]}}`, `null`} {
			patched, err := templateOf(t, patch)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(plain, patched); diff != "" {
				t.Errorf("%s (-without +with):\n%s", patch, diff)
			}
		}
	})

	t.Run("labels and the hash stay", func(t *testing.T) {
		for _, patch := range []string{
			`{"metadata":null}`,
			`{"metadata":{"$patch":"delete"}}`,
			`{"metadata":{"labels":null,"annotations":null}}`,
			`{"metadata":{"labels":{"app.kubernetes.io/instance":"other","app.kubernetes.io/name":null}}}`,
			`{"metadata":{"annotations":{"whatsapp.wawebhook.dev/start-settings-hash":"0"}}}`,
		} {
			patched, err := templateOf(t, patch)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(plain["metadata"], patched["metadata"]); diff != "" {
				t.Errorf("%s (-without +with):\n%s", patch, diff)
			}
		}
	})

	t.Run("a sidecar comes after the receiver", func(t *testing.T) {
		patched, err := templateOf(t, `{"spec":{"containers":[{"name":"sidecar","image":"a"}]}}`)
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff([]string{"receiver", "sidecar"}, names(patched, "containers")); diff != "" {
			t.Errorf("containers (-want +got):\n%s", diff)
		}
	})

	t.Run("a text may look like a quantity", func(t *testing.T) {
		if _, err := templateOf(t, `{"spec":{"containers":[{"name":"receiver","env":[{"name":"A","value":"1e-999999999"}]}]}}`); err != nil {
			t.Error(err)
		}
	})

	t.Run("the order is set by names", func(t *testing.T) {
		patched, err := templateOf(t, `{"spec":{"$setElementOrder/volumes":[{"name":"tmp"},{"name":"config"}]}}`)
		if err != nil {
			t.Fatal(err)
		}

		volumes := names(patched, "volumes")
		if slices.Index(volumes, "tmp") > slices.Index(volumes, "config") {
			t.Errorf("volumes %v; want tmp before config", volumes)
		}
	})

	t.Run("a key of others may begin like a directive", func(t *testing.T) {
		patched, err := templateOf(t, `{"spec":{"volumes":[{"name":"a","csi":{"driver":"a","volumeAttributes":{"$patches":"b"}}}]}}`)
		if err != nil {
			t.Fatal(err)
		}

		if !strings.Contains(fmt.Sprint(patched), "$patches:b") {
			t.Errorf("the attribute is missing: %v", patched)
		}
	})

	t.Run("a volume is deleted", func(t *testing.T) {
		patched, err := templateOf(t, `{"spec":{"volumes":[{"name":"tmp","$patch":"delete"}]}}`)
		if err != nil {
			t.Fatal(err)
		}

		want := slices.DeleteFunc(names(plain, "volumes"), func(name string) bool { return name == "tmp" })
		if diff := cmp.Diff(want, names(patched, "volumes")); diff != "" {
			t.Errorf("volumes (-want +got):\n%s", diff)
		}
	})
}

// TestMemoryLimitOfPatches patches the memory limit of the container. The limit of the Go runtime follows it, unless the patch sets
// this one too.
func TestMemoryLimitOfPatches(t *testing.T) {
	for name, test := range map[string]struct{ container, want string }{
		"other settings":      {`"resources":{"limits":{"cpu":"1"}}`, "241591905"},
		"lower":               {`"resources":{"limits":{"memory":"100M"}}`, "90000000"},
		"higher":              {`"resources":{"limits":{"memory":"2G"}}`, "1800000000"},
		"none":                {`"resources":{"limits":{"memory":null}}`, ""},
		"no resources":        {`"resources":null`, ""},
		"with the variable":   {`"resources":{"limits":{"memory":"2G"}},"env":[{"name":"GOMEMLIMIT","value":"1GiB"}]`, "1GiB"},
		"variable of no use":  {`"resources":{"limits":{"memory":"2G"}},"env":[{"name":"GOMEMLIMIT","$patch":"delete"}]`, ""},
		"with other variable": {`"resources":{"limits":{"memory":"2G"}},"env":[{"name":"GOGC","value":"50"}]`, "1800000000"},
	} {
		t.Run(name, func(t *testing.T) {
			template, err := templateOf(t, `{"spec":{"containers":[{"name":"receiver",`+test.container+`}]}}`)
			if err != nil {
				t.Fatal(err)
			}

			container := template["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
			variables, _ := container["env"].([]any)

			got := ""

			for _, variable := range variables {
				if v := variable.(map[string]any); v["name"] == "GOMEMLIMIT" {
					got = v["value"].(string)
				}
			}

			if got != test.want {
				t.Errorf("GOMEMLIMIT %q; want %q", got, test.want)
			}
		})
	}
}

// FuzzPodTemplatePatch checks that no patch ends the operator, and that each is refused or keeps what the operator needs.
func FuzzPodTemplatePatch(f *testing.F) {
	for _, seed := range []string{
		`{"spec":{"containers":[{"name":"receiver","$patch":"delete"}]}}`,
		`{"spec":{"$setElementOrder/containers":[{"name":"receiver"}],"containers":[{"name":"a"}]}}`,
		`{"spec":{"volumes":[{"name":"tmp","$retainKeys":["name","hostPath"],"hostPath":{"path":"/"}}]}}`,
		`{"metadata":{"$retainKeys":[1],"labels":{"a":null}}}`,
		`{"spec":{"tolerations":[{"$patch":"replace"}],"hostAliases":[{"ip":"10.0.0.1"}]}}`,
		`{"spec":{"$deleteFromPrimitiveList/x":1,"nodeSelector":[]}}`,
		`{"metadata":{"$setElementOrder/finalizers":[[]],"finalizers":["a"]}}`,
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, patch string) {
		template, err := templateOf(t, patch)
		if err != nil {
			return
		}

		labels, ok := template["metadata"].(map[string]any)["labels"].(map[string]any)
		if !ok || labels["app.kubernetes.io/instance"] != "sales" {
			t.Errorf("labels %v do not have the selector's", labels)
		}
	})
}
