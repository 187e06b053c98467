// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
)

// ReceiverSpec configures the receiver pods.
//
// +kubebuilder:validation:AtMostOneOf=replicas;autoscaling
// +kubebuilder:validation:XValidation:rule="!has(self.proxy) || !has(self.env) || self.env.all(e, !(e.name in ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']))",message="env must not set a proxy if proxy is set"
type ReceiverSpec struct {
	// image is the image of the receiver. Defaults to the image of the operator's release, so that an upgrade of the
	// operator rolls out the receiver.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image,omitempty"`

	// imagePullPolicy is the pull policy of the image. Defaults to Kubernetes' policy for its tag.
	// +optional
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets are Secrets with registry credentials.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(s, s.name != '')",message="must each have a name"
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// replicas is the number of receiver pods. 0 pauses the receiver: deliveries fail until it runs again, and Meta
	// redelivers for up to 7 days. The embedded store allows at most 1. Defaults to 1. If not set, with a database, a
	// replica count that others set on the Deployment is left in place.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// autoscaling scales the number of receiver pods with the load. It requires store.postgreSQL. When it is enabled, the
	// current number of pods stays until the autoscaler changes it. If not set, replicas applies.
	// +optional
	Autoscaling AutoscalingSpec `json:"autoscaling,omitzero"`

	// podDisruptionBudget limits how many pods a node drain may evict at a time. If not set, there is no budget.
	// +optional
	PodDisruptionBudget PodDisruptionBudgetSpec `json:"podDisruptionBudget,omitzero"`

	// resources are the resource requirements of the receiver container. They replace the default entirely. Autoscaling by CPU
	// needs a CPU request. Defaults to requests of 50m CPU, or 500m with autoscaling by CPU, and 64Mi memory and a limit of
	// 256Mi memory.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// scheduling selects the nodes for the pods.
	// +optional
	Scheduling SchedulingSpec `json:"scheduling,omitzero"`

	// podMetadata is added to the pods. Labels and annotations that the operator sets take precedence.
	// +optional
	PodMetadata Metadata `json:"podMetadata,omitzero"`

	// logLevel is the lowest severity that the receiver logs. Defaults to Info.
	// +optional
	LogLevel LogLevel `json:"logLevel,omitempty"`

	// env are environment variables of the receiver container: a value, or a reference to a key of a Secret or ConfigMap, or
	// to a field of the pod. A changed Secret or ConfigMap takes effect when the pods are replaced.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(e, e.name != 'GOMEMLIMIT')",message="must not set GOMEMLIMIT, which follows the memory limit in resources"
	Env []corev1.EnvVar `json:"env,omitempty"`

	// proxy is the proxy for all calls of the receiver over HTTP: to Meta, the AI, the desk, the sink, the bucket of backups
	// and the trace collector. If not set, the receiver calls them directly.
	// +optional
	Proxy ProxySpec `json:"proxy,omitzero"`

	// media limits the download of media that people send.
	// +optional
	Media MediaSpec `json:"media,omitzero"`

	// shutdown configures how a pod stops.
	// +optional
	Shutdown ShutdownSpec `json:"shutdown,omitzero"`

	// podSecurityContext is the security context of the pods. It replaces the default entirely: {} leaves every choice to the
	// cluster, such as the security context constraints of OpenShift. Defaults to the user and group 65532, which own the
	// volume, and the seccomp profile of the container runtime.
	// +optional
	PodSecurityContext *corev1.PodSecurityContext `json:"podSecurityContext,omitempty"`

	// securityContext is the security context of the receiver container. It replaces the default entirely. Defaults to a
	// read-only root file system, no capabilities and no privilege escalation.
	// +optional
	SecurityContext *corev1.SecurityContext `json:"securityContext,omitempty"`

	// podTemplatePatch is a strategic merge patch of the pod template: an object with metadata, spec or both, for settings
	// that have no field here, such as volumes, hostAliases, dnsConfig or runtimeClassName. The name of the container is
	// receiver. It is applied last, so it wins over every other field. At most 64 KiB. If not set, the template stays as it is.
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	PodTemplatePatch *runtime.RawExtension `json:"podTemplatePatch,omitempty"`
}

// ProxySpec configures the proxy for the calls of the receiver.
type ProxySpec struct {
	// httpURL is the URL of the proxy for http URLs. It has no credentials: to use some, set HTTP_PROXY from a Secret in env.
	// If not set, http URLs are called directly.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^(https?|socks5h?)://[^/?#@[:space:]]+/?$') && isURL(self)",message="must be the URL of a proxy without credentials, path, query or fragment, such as http://proxy.example.com:3128"
	HTTPURL string `json:"httpURL,omitempty"`

	// httpsURL is the URL of the proxy for https URLs. It has no credentials: to use some, set HTTPS_PROXY from a Secret in
	// env. If not set, https URLs are called directly.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^(https?|socks5h?)://[^/?#@[:space:]]+/?$') && isURL(self)",message="must be the URL of a proxy without credentials, path, query or fragment, such as http://proxy.example.com:3128"
	HTTPSURL string `json:"httpsURL,omitempty"`

	// noProxy are the hosts that are called directly: host names, domains with their subdomains such as example.com, IP
	// addresses, and CIDRs. localhost and the domains svc and cluster.local are always called directly. If not set, no other
	// host is.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:items:Pattern=`^[^,[:space:]]+$`
	NoProxy []string `json:"noProxy,omitempty"`
}

// MediaSpec limits the download of media that people send.
//
// +kubebuilder:validation:XValidation:rule="!has(self.maxSpoolSize) || string(self.maxSpoolSize).matches('[eE][+-]?[0-9]{3}') || quantity(string(self.maxSpoolSize)).compareTo(quantity('128Mi')) >= 0",message="maxSpoolSize must be at least 128Mi, and has a unit, such as 512Mi: a number alone is in bytes"
type MediaSpec struct {
	// maxSpoolSize is the size of all media that a pod stores at a time, on the disk of its node, until the AI has them. It is
	// at least 128Mi, since a document has up to 100 MB. Further downloads wait. Defaults to 512Mi.
	// +optional
	MaxSpoolSize *resource.Quantity `json:"maxSpoolSize,omitempty"`

	// downloadTimeoutSeconds limits the download of one file. Defaults to 120.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	DownloadTimeoutSeconds int32 `json:"downloadTimeoutSeconds,omitempty"`

	// allowedHosts are the hosts from which media are downloaded with the access token: host names, or domains with a dot in
	// front, which include every subdomain. They replace the default entirely. Defaults to .fbsbx.com, .fbcdn.net and
	// .whatsapp.net, the hosts of Meta.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[.]?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	AllowedHosts []string `json:"allowedHosts,omitempty"`
}

// ShutdownSpec configures how a pod stops.
type ShutdownSpec struct {
	// drainSeconds is the time for a stopping receiver to finish the deliveries and conversations in progress. The next
	// receiver continues the rest. With the embedded store, deliveries fail meanwhile. Defaults to 25.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600
	DrainSeconds int32 `json:"drainSeconds,omitempty"`
}

// LogLevel is a severity of the receiver's log.
//
// +k8s:enum
type LogLevel string

// The severities of the receiver's log.
const (
	LogLevelDebug LogLevel = "Debug"
	LogLevelInfo  LogLevel = "Info"
	LogLevelWarn  LogLevel = "Warn"
	LogLevelError LogLevel = "Error"
)
