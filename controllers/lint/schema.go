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
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/config/crd"
)

// resourceSchema validates resources as the API server does when one is created.
type resourceSchema struct {
	structural *schema.Structural
	validator  crdvalidation.SchemaValidator
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

	if s.validator, _, err = crdvalidation.NewSchemaValidator(props); err != nil {
		return nil, fmt.Errorf("compile the schema: %w", err)
	}

	s.rules = cel.NewValidator(s.structural, true, celconfig.PerCallLimit)

	return s, nil
}

// validation is the result of the validation of an object by the API server.
type validation struct {
	object  map[string]any // without unknown fields, and with defaults
	unknown []string       // paths of fields that the API does not have
	errors  field.ErrorList
}

// validate returns what the API server would say about the creation of the object, which stays unchanged. It is an error if
// the server could not even read the object.
func (s *resourceSchema) validate(ctx context.Context, object map[string]any) (validation, error) {
	v := validation{object: runtime.DeepCopyJSON(object)}

	metadata, found, unknown, err := objectmeta.GetObjectMetaWithOptions(v.object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return v, err
	}

	v.unknown = append(v.unknown, unknown...)
	v.unknown = append(v.unknown,
		pruning.PruneWithOptions(v.object, s.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)

	defaulting.PruneNonNullableNullsWithoutDefaults(v.object, s.structural)

	malformed, unknown := objectmeta.CoerceWithOptions(nil, v.object, s.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if malformed != nil {
		return v, malformed
	}

	v.unknown = append(v.unknown, unknown...)

	if !found {
		metadata = &metav1.ObjectMeta{}
	}

	metadata.Namespace = cmp.Or(metadata.Namespace, s.namespace)
	if metadata.Name == "" && metadata.GenerateName != "" {
		metadata.Name = metadata.GenerateName + "00000"
	}

	if err := objectmeta.SetObjectMeta(v.object, metadata); err != nil {
		return v, err
	}

	defaulting.Default(v.object, s.structural)
	delete(v.object, "status") // the creation of an object sets no status

	v.errors = append(v.errors, apivalidation.ValidateObjectMeta(metadata, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	v.errors = append(v.errors, crdvalidation.ValidateCustomResource(nil, v.object, s.validator)...)
	v.errors = append(v.errors, objectmeta.Validate(ctx, nil, v.object, s.structural, false)...)
	v.errors = append(v.errors, listtype.ValidateListSetsAndMaps(nil, s.structural, v.object)...)

	if preventsRules(v.errors) {
		v.errors = append(v.errors, field.Invalid(nil, nil, rulesNotChecked))

		return v, nil
	}

	broken, _ := s.rules.Validate(ctx, nil, s.structural, v.object, nil, celconfig.RuntimeCELCostBudget)
	v.errors = append(v.errors, broken...)

	return v, nil
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
