// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ErrorPolicy overrides how one error code of Meta is handled.
//
// +kubebuilder:validation:XValidation:rule="has(self.class) || has(self.scope)",message="must set class, scope or both"
type ErrorPolicy struct {
	// code is the error code, such as 131026.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99999999
	Code int32 `json:"code,omitempty"`

	// class selects the reaction. Transient: retry. RateLimited: pause the scope, without using up a retry.
	// Configuration: wait for the configuration to be corrected, without using up a retry. Permanent: dead-letter the
	// message. Ambiguous: the message may have been sent, so find out before sending it again. TemplateRequired: the
	// person has not written for 24 hours. Defaults to the built-in class of the code.
	// +optional
	Class ErrorClass `json:"class,omitempty"`

	// scope selects what a rate limit pauses: the app, the business account, the phone number, the pair of phone number
	// and person, or the person. Defaults to the built-in scope of the code.
	// +optional
	Scope ErrorScope `json:"scope,omitempty"`
}

// ErrorClass selects the reaction to an error.
//
// +k8s:enum
type ErrorClass string

// The error classes.
const (
	ErrorClassTransient     ErrorClass = "Transient"
	ErrorClassRateLimited   ErrorClass = "RateLimited"
	ErrorClassConfiguration ErrorClass = "Configuration"
	ErrorClassPermanent     ErrorClass = "Permanent"
	ErrorClassAmbiguous     ErrorClass = "Ambiguous"
	// ErrorClassTemplateRequired: the person has not written for 24 hours.
	ErrorClassTemplateRequired ErrorClass = "TemplateRequired"
)

// ErrorScope selects what a rate limit pauses.
//
// +k8s:enum
type ErrorScope string

// The error scopes.
const (
	ErrorScopeApp             ErrorScope = "App"
	ErrorScopeBusinessAccount ErrorScope = "BusinessAccount"
	ErrorScopeNumber          ErrorScope = "Number"
	ErrorScopePair            ErrorScope = "Pair"
	ErrorScopeRecipient       ErrorScope = "Recipient"
)
