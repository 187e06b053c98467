// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/config/crd"
)

// resourceSchema judges resources as the API server does when one is created.
type resourceSchema struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
	namespace  string // of objects that name none
}

func newResourceSchema() (*resourceSchema, error) {
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(crd.WhatsAppWebhooks, definition); err != nil {
		return nil, fmt.Errorf("read the CustomResourceDefinition: %w", err)
	}

	props := &apiextensions.JSONSchemaProps{}

	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		definition.Spec.Versions[0].Schema.OpenAPIV3Schema, props, nil)
	if err != nil {
		return nil, fmt.Errorf("convert the schema: %w", err)
	}

	s := &resourceSchema{}

	if s.structural, err = schema.NewStructural(props); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}

	if s.validator, _, err = validation.NewSchemaValidator(props); err != nil {
		return nil, fmt.Errorf("compile the schema: %w", err)
	}

	s.rules = cel.NewValidator(s.structural, true, celconfig.PerCallLimit)

	return s, nil
}

// judgement is what the API server says about an object.
type judgement struct {
	object  map[string]any // without unknown fields, and with defaults
	unknown []string       // paths of fields that the API does not have
	errors  field.ErrorList
}

// judge returns what the API server would say about the creation of the object, which stays unchanged. It is an error if
// the server could not even read the object.
func (s *resourceSchema) judge(ctx context.Context, object map[string]any) (judgement, error) {
	j := judgement{object: runtime.DeepCopyJSON(object)}

	metadata, found, unknown, err := objectmeta.GetObjectMetaWithOptions(j.object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return j, err
	}

	j.unknown = append(j.unknown, unknown...)
	j.unknown = append(j.unknown,
		pruning.PruneWithOptions(j.object, s.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)

	defaulting.PruneNonNullableNullsWithoutDefaults(j.object, s.structural)

	malformed, unknown := objectmeta.CoerceWithOptions(nil, j.object, s.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if malformed != nil {
		return j, malformed
	}

	j.unknown = append(j.unknown, unknown...)

	if !found {
		metadata = &metav1.ObjectMeta{}
	}

	metadata.Namespace = cmp.Or(metadata.Namespace, s.namespace)
	if metadata.Name == "" && metadata.GenerateName != "" {
		metadata.Name = metadata.GenerateName + "00000"
	}

	if err := objectmeta.SetObjectMeta(j.object, metadata); err != nil {
		return j, err
	}

	defaulting.Default(j.object, s.structural)
	delete(j.object, "status") // the creation of an object sets no status

	j.errors = append(j.errors, apivalidation.ValidateObjectMeta(metadata, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	j.errors = append(j.errors, validation.ValidateCustomResource(nil, j.object, s.validator)...)
	j.errors = append(j.errors, objectmeta.Validate(ctx, nil, j.object, s.structural, false)...)
	j.errors = append(j.errors, listtype.ValidateListSetsAndMaps(nil, s.structural, j.object)...)

	if preventsRules(j.errors) {
		j.errors = append(j.errors, field.Invalid(nil, nil, rulesNotChecked))

		return j, nil
	}

	broken, _ := s.rules.Validate(ctx, nil, s.structural, j.object, nil, celconfig.RuntimeCELCostBudget)
	j.errors = append(j.errors, broken...)

	return j, nil
}

// rulesNotChecked is what the API server adds if [preventsRules] is true.
const rulesNotChecked = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"

// preventsRules reports whether the API server checks no CEL rule, since the object is too malformed for them.
func preventsRules(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported,
			field.ErrorTypeRequired,
			field.ErrorTypeTooLong,
			field.ErrorTypeTooMany,
			field.ErrorTypeTypeInvalid:
			return true
		}
	}

	return false
}
