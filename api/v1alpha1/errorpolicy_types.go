// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ErrorPolicy says what one error code of Meta means. An absent field keeps the built-in meaning.
//
// +kubebuilder:validation:XValidation:rule="has(self.class) || has(self.scope)",message="must say what the code means: class, scope or both"
type ErrorPolicy struct {
	// code of the error, such as 131026.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99999999
	Code int32 `json:"code,omitempty"`

	// class says what to do. Transient: try again. RateLimited: pause the scope, spend no attempt. Configuration: wait
	// until a person mends it, spend no attempt. Permanent: give up, make a dead letter. Ambiguous: it may have been
	// sent, so find out before sending again. TemplateRequired: the person has not written for 24 hours.
	// Absent: the built-in meaning.
	// +optional
	Class ErrorClass `json:"class,omitempty"`

	// scope is what a rate limit pauses: everything of the app, of the business account, of the phone number, of the
	// phone number and the person, or of the person. Absent: the built-in meaning.
	// +optional
	Scope ErrorScope `json:"scope,omitempty"`
}

// ErrorClass says what to do about an error.
//
// +k8s:enum
type ErrorClass string

// The classes of errors.
const (
	ErrorClassTransient     ErrorClass = "Transient"
	ErrorClassRateLimited   ErrorClass = "RateLimited"
	ErrorClassConfiguration ErrorClass = "Configuration"
	ErrorClassPermanent     ErrorClass = "Permanent"
	ErrorClassAmbiguous     ErrorClass = "Ambiguous"
	// ErrorClassTemplateRequired: the person has not written for 24 hours.
	ErrorClassTemplateRequired ErrorClass = "TemplateRequired"
)

// ErrorScope is what a rate limit pauses.
//
// +k8s:enum
type ErrorScope string

// The scopes of errors.
const (
	ErrorScopeApp             ErrorScope = "App"
	ErrorScopeBusinessAccount ErrorScope = "BusinessAccount"
	ErrorScopeNumber          ErrorScope = "Number"
	ErrorScopePair            ErrorScope = "Pair"
	ErrorScopeRecipient       ErrorScope = "Recipient"
)
