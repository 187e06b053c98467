// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/rivo/uniseg"
)

// Texts are cut between grapheme clusters, the characters that people see: an emoji can consist of ten code points, and an
// accent can be one of its own. Meta does not document in which unit its limits count. UTF-16 code units are never fewer
// than code points, so that a text within the limit in units is within it either way.

// maxCluster bounds the size of a cluster in bytes. Even one of this size is longer than any message, and is cut in turn.
// Without a bound, a text that consists of accents would be read completely for each message.
const maxCluster = 4 * MaxTextRunes

// firstCluster returns the first grapheme cluster of a text that is not empty.
func firstCluster(text string) string {
	cluster, _, _, _ := uniseg.FirstGraphemeClusterInString(text[:min(len(text), maxCluster)], -1)
	return cluster
}

// codeUnits returns the length of a text in UTF-16.
func codeUnits(text string) int {
	n := 0
	for _, r := range text {
		n += max(1, utf16.RuneLen(r))
	}

	return n
}

// exceeds reports whether a text has more code units than limit. It reads no more than it must.
func exceeds(text string, limit int) bool {
	n := 0
	for _, r := range text {
		n += max(1, utf16.RuneLen(r))
		if n > limit {
			return true
		}
	}

	return false
}

// trimBlanks removes white space at both ends. It keeps a space that carries an accent or the like.
func trimBlanks(text string) string {
	for text != "" && isBlank(firstCluster(text)) {
		text = text[len(firstCluster(text)):]
	}

	return strings.TrimRightFunc(text, unicode.IsSpace)
}

func isBlank(cluster string) bool { return strings.TrimSpace(cluster) == "" }

// allowsBreak reports whether a line may end at a blank cluster. Unicode has no-break spaces for names and numbers.
func allowsBreak(blank string) bool { return !strings.ContainsAny(blank, "\u00a0\u2007\u202f") }

// cut returns the longest prefix of text within limit, and the rest. It cuts at the last blank if wanted and if there is
// one, and otherwise between two grapheme clusters. Text begins with no blank and exceeds the limit.
func cut(text string, limit int, atBlank bool) (prefix, rest string) {
	length := 0  // in code units
	offset := 0  // of the cluster, in bytes
	content := 0 // end of the last cluster that is not blank

	var atLastBlank string // the prefix that ends before the last blank

	for offset < len(text) {
		cluster := firstCluster(text[offset:])
		blank := isBlank(cluster)

		if blank && atBlank && allowsBreak(cluster) {
			atLastBlank = text[:content]
			rest = text[offset:]
		}

		length += codeUnits(cluster)
		if length > limit {
			break
		}

		offset += len(cluster)
		if !blank {
			content = offset
		}
	}

	switch {
	case atLastBlank != "":
		return atLastBlank, rest
	case content == 0: // one cluster is longer than the limit
		return cutRunes(text, limit)
	}

	return text[:content], text[offset:]
}

// cutRunes cuts between two code points, after at least one.
func cutRunes(text string, limit int) (prefix, rest string) {
	length := 0
	for offset, r := range text {
		length += max(1, utf16.RuneLen(r))
		if length > limit && offset > 0 {
			return text[:offset], text[offset:]
		}
	}

	return text, ""
}
