// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRun is the longest run of marks that are a format: bold and italic.
const maxRun = 3

type delimiterKind struct {
	mark   byte
	length int // of the marks that belong to no format yet
}

// delimiter is a run of marks that may begin a format.
type delimiter struct {
	delimiterKind
	token int // its index
	// isInWord means that a letter precedes it. Its format ends with the word: x**2 + y** has none.
	isInWord bool
}

// run is a run of marks between two characters.
type run struct {
	delimiterKind
	before, after rune // a space at the ends of the text
}

// parseDelimiter parses a run of *, _ or ~.
func (p *inline) parseDelimiter(at int) int {
	r := run{
		delimiterKind: delimiterKind{mark: p.source[at]},
		before:        ' ',
		after:         ' ',
	}

	end := at
	for end < len(p.source) && p.source[end] == r.mark {
		end++
	}

	r.length = end - at
	if at > 0 {
		r.before, _ = utf8.DecodeLastRuneInString(p.source[:at])
	}

	if end < len(p.source) {
		r.after, _ = utf8.DecodeRuneInString(p.source[end:])
	}

	p.add(token{start: at, end: end})
	index := len(p.tokens) - 1

	if r.length > maxRun || r.mark == '~' && r.length != 2 || r.isNamed() {
		return end
	}

	if r.canClose() {
		r.length = p.closeFormats(index, r)
	}

	if r.length > 0 && r.canOpen() {
		p.delimiters = append(p.delimiters, delimiter{
			delimiterKind: r.delimiterKind,
			token:         index,
			isInWord:      isWord(r.before),
		})
		p.openers[r.delimiterKind]++
	}

	return end
}

// closing are the marks that end what another mark begins.
var closing = map[rune]rune{
	'(': ')',
	'[': ']',
	'{': '}',
	'<': '>',
	'«': '»',
	'“': '”',
	'‘': '’',
}

// isNamed reports whether a run stands for itself, as in (*) or "**", or is part of a face, such as ^_^.
func (r run) isNamed() bool {
	isMark := r.before < utf8.RuneSelf && unicode.IsSymbol(r.before) || unicode.IsPunct(r.before)

	return isMark && (r.after == r.before || r.after == closing[r.before])
}

func (r run) canOpen() bool {
	if unicode.IsSpace(r.after) || strings.ContainsRune(")]},;:?!", r.after) {
		return false
	}

	switch {
	case r.mark == '~':
		return true
	case r.mark == '_':
		return !isLetterOrDigit(r.before)
	case r.length == 1:
		return !isWord(r.before) && r.after != '.' // *.txt
	default:
		return !unicode.IsDigit(r.before)
	}
}

func (r run) canClose() bool {
	if unicode.IsSpace(r.before) || strings.ContainsRune("([{¿¡", r.before) {
		return false
	}

	switch {
	case r.mark == '~':
		return true
	case r.mark == '_':
		return !isLetterOrDigit(r.after)
	case r.length == 1:
		return !isWord(r.after)
	default:
		return !unicode.IsDigit(r.after)
	}
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// isWord reports whether r is part of a word that blanks separate from others. Some languages are written without them.
func isWord(r rune) bool {
	return isLetterOrDigit(r) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao,
		unicode.Khmer, unicode.Myanmar)
}

// closeFormats ends the formats that the run at the token closes, and returns how many of its marks are left.
func (p *inline) closeFormats(index int, r run) int {
	for r.length > 0 && p.opens(r.delimiterKind) {
		last := len(p.delimiters) - 1
		for !r.fits(p.delimiters[last].delimiterKind) {
			last--
		}

		opener := p.delimiters[last]
		p.drop(last)

		if opener.isInWord && !p.endsWord(opener, index, r) || p.isIdentifier(opener, index, r) {
			return r.length
		}

		used := min(opener.length, r.length)
		if used == maxRun {
			p.link(opener.token, index, italic)
			p.link(opener.token, index, bold)
		} else {
			p.link(opener.token, index, styleOf(r.mark, used))
		}

		r.length -= used
		p.setText(index, r.mark, r.length)

		opener.length -= used
		p.setText(opener.token, r.mark, opener.length)

		if opener.length > 0 {
			p.delimiters = append(p.delimiters, opener)
			p.openers[opener.delimiterKind]++
		}
	}

	return r.length
}

func styleOf(mark byte, length int) style {
	switch {
	case mark == '~':
		return strike
	case length == 1:
		return italic
	default:
		return bold
	}
}

// fits reports whether a run can end a format that opener began. Runs of different lengths fit only if one of them is bold
// and italic, since no mark may be left.
func (k delimiterKind) fits(opener delimiterKind) bool {
	return k.mark == opener.mark && (k.length == opener.length || k.length == maxRun || opener.length == maxRun)
}

// opens reports whether there is a delimiter that the run k can close.
func (p *inline) opens(k delimiterKind) bool {
	for length := 1; length <= maxRun; length++ {
		opener := delimiterKind{mark: k.mark, length: length}
		if k.fits(opener) && p.openers[opener] > 0 {
			return true
		}
	}

	return false
}

// drop removes the delimiters from an index on, and the brackets between them.
func (p *inline) drop(index int) {
	for _, d := range p.delimiters[index:] {
		p.openers[d.delimiterKind]--
	}

	first := p.delimiters[index].token
	p.delimiters = p.delimiters[:index]

	for len(p.brackets) > 0 && p.brackets[len(p.brackets)-1].token > first {
		p.popBracket()
	}
}

// link makes the text between two delimiters bold, italic or struck through. A URL alone gets no marks, since they could be
// taken for a part of it.
func (p *inline) link(open, end int, s style) {
	inside := p.tokens[open+1 : end]
	if !slices.ContainsFunc(inside, func(t token) bool { return t.kind != address && !t.isOmitted && t.start < t.end }) {
		return
	}

	opened := &p.tokens[open].opened
	opened[0], opened[1] = s, opened[0]

	closed := &p.tokens[end].closed
	if closed[0] == none {
		closed[0] = s
	} else {
		closed[1] = s
	}
}

// setText sets the marks of a delimiter that belong to no format.
func (p *inline) setText(index int, mark byte, count int) {
	p.tokens[index].isEdited = true
	p.tokens[index].text = strings.Repeat(string(mark), count)
}

// endsWord reports whether the format that begins within a word ends with it.
func (p *inline) endsWord(opener delimiter, closer int, r run) bool {
	return !isWord(r.after) && !p.hasBlank(p.tokens[opener.token].end, p.tokens[closer].start)
}

// isIdentifier reports whether double underscores belong to a name of a program, such as __init__.py.
func (p *inline) isIdentifier(opener delimiter, closer int, r run) bool {
	start := p.tokens[opener.token].end
	end := p.tokens[closer].start

	if r.mark != '_' || opener.length != 2 || r.length != 2 || p.hasBlank(start, end) {
		return false
	}

	name := p.source[start:end]
	before := p.source[:start-2]
	after := p.source[end+2:]
	isCalled := strings.HasPrefix(after, "(") || strings.HasPrefix(after, "[")
	isMember := strings.HasSuffix(before, ".") || strings.HasSuffix(before, "/") || strings.HasSuffix(before, `\`) ||
		strings.HasPrefix(after, "/") || strings.HasPrefix(after, `\`) ||
		len(after) > 1 && after[0] == '.' && isLetterOrDigit(rune(after[1]))
	// Every opener has its own marks, so a search for one ends at the next opener.
	hasMark := strings.Contains(name, "_")

	return isCalled || isMember || hasMark || len(name) <= maxIdentifier && identifiers[name]
}

// hasBlank reports whether a blank or a line end is between two positions. It searches each part of the source once, since
// the end is that of the text before a delimiter, and never decreases.
func (p *inline) hasBlank(start, end int) bool {
	if last := strings.LastIndexAny(p.source[p.searched:end], " \n"); last >= 0 {
		p.lastBlank = p.searched + last
	}

	p.searched = end

	return p.lastBlank >= start
}
