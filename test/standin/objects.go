// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

// VisitObjects calls visit with each object of a decoded JSON value, such as a delivery of Meta.
func VisitObjects(value any, visit func(map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(value)

		for _, child := range value {
			VisitObjects(child, visit)
		}
	case []any:
		for _, child := range value {
			VisitObjects(child, visit)
		}
	}
}
