// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import "strings"

// isAddress reports whether a link may lead to target. Without this check a[i](n) were a link.
func isAddress(target string) bool {
	return target == "" || strings.ContainsAny(target, ".:/#@?")
}

// hasScheme reports whether target is an absolute URL.
func hasScheme(target string) bool {
	scheme, _, ok := strings.Cut(target, ":")
	isScheme := len(scheme) > 1 && strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+.-") == ""

	return ok && isScheme && len(target) > len(scheme)+1 || strings.HasPrefix(strings.ToLower(target), "www.")
}

// show returns what people see of an address. A place within the same page leads nowhere in WhatsApp.
func show(target string) string {
	lower := strings.ToLower(target)

	switch {
	case strings.HasPrefix(target, "#"):
		return ""
	case strings.HasPrefix(lower, "mailto:"):
		address, _, _ := strings.Cut(target[len("mailto:"):], "?")
		return address
	case strings.HasPrefix(lower, "tel:"):
		return target[len("tel:"):]
	}

	return target
}

// isSame reports whether the text of a link repeats its address.
func isSame(label, target, shown string) bool {
	if len(label) > maxTarget {
		return false
	}

	label = strings.Trim(label, "*_`~<> \n")
	if strings.HasPrefix(strings.ToLower(target), "tel:") {
		return label == "" || digits(label) == digits(shown)
	}

	return shown != "" && (label == "" || core(label) == core(shown) || core(unescape(label)) == core(shown))
}

// core returns an address without the parts that people leave out.
func core(address string) string {
	address = strings.ToLower(address)
	for _, scheme := range []string{"https://", "http://", "mailto:"} {
		address = strings.TrimPrefix(address, scheme)
	}

	return strings.TrimSuffix(strings.TrimPrefix(address, "www."), "/")
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}

		return r
	}, text)
}
