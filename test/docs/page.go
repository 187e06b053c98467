// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docs reads the project's Markdown pages for tests: their links, their blocks, and the commands in these.
package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Root is the folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Page is a Markdown page of the repository.
type Page struct {
	Path   string // relative to Root, with slashes
	Blocks []Block

	prose   []string // the lines outside of blocks
	anchors map[string]bool
}

// Block is a fenced block of a page.
type Block struct {
	Page     string
	Line     int    // of the opening fence, from 1
	Language string // the first word of the info string
	Note     string // the rest of the info string
	Text     string // without the indentation of the fence
}

// String returns the place of the block, as PAGE:LINE.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Pages returns the pages of the repository, tracked or new, without those of testdata.
func Pages(ctx context.Context) ([]*Page, error) {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", "*.md")
	list.Dir = Root()

	printed, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the pages: %w", err)
	}

	var pages []*Page

	for path := range strings.SplitSeq(strings.Trim(string(printed), "\x00"), "\x00") {
		if strings.Contains(path, "/testdata/") {
			continue
		}

		text, err := os.ReadFile(filepath.Join(Root(), path))
		if os.IsNotExist(err) {
			continue // deleted and not committed
		}

		if err != nil {
			return nil, fmt.Errorf("read a page: %w", err)
		}

		page, err := parse(path, string(text))
		if err != nil {
			return nil, err
		}

		pages = append(pages, page)
	}

	return pages, nil
}

var (
	fence   = regexp.MustCompile("^( *)```(.*)$")
	heading = regexp.MustCompile(`^#{1,6} +(.*)$`)
	notName = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	// linked is the text of a link in a heading, of which the anchor keeps the words only.
	linked = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
)

func parse(path, text string) (*Page, error) {
	page := &Page{
		Path:    path,
		anchors: map[string]bool{},
	}

	var (
		open   *Block
		indent string
	)

	for i, line := range strings.Split(text, "\n") {
		mark := fence.FindStringSubmatch(line)

		switch {
		case open == nil && mark != nil:
			language, note, _ := strings.Cut(strings.TrimSpace(mark[2]), " ")
			indent = mark[1]
			open = &Block{
				Page:     path,
				Line:     i + 1,
				Language: language,
				Note:     strings.TrimSpace(note),
			}
		case open != nil && mark != nil && mark[2] == "":
			page.Blocks = append(page.Blocks, *open)
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		default:
			page.prose = append(page.prose, line)
			page.addAnchor(line)
		}
	}

	if open != nil {
		return nil, fmt.Errorf("%s: the block does not end", open)
	}

	return page, nil
}

// addAnchor adds the anchor that GitHub gives to a heading. A second heading of the same words gets a number.
func (p *Page) addAnchor(line string) {
	match := heading.FindStringSubmatch(line)
	if match == nil {
		return
	}

	words := strings.ToLower(linked.ReplaceAllString(match[1], "$1"))
	anchor := strings.ReplaceAll(strings.TrimSpace(notName.ReplaceAllString(words, "")), " ", "-")

	unique := anchor
	for n := 1; p.anchors[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", anchor, n)
	}

	p.anchors[unique] = true
}

// HasAnchor reports whether a link to the page may end with #anchor.
func (p *Page) HasAnchor(anchor string) bool { return p.anchors[anchor] }

var (
	inlineCode = regexp.MustCompile("`[^`]*`")
	targets    = []*regexp.Regexp{
		regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?[^)]*\)`),
		regexp.MustCompile(`(?:src|href)="([^"]+)"`),
		regexp.MustCompile(`(?m)^\[[^]]+\]:\s+(\S+)`),
	}
)

// Links returns the targets of the page's links and pictures.
func (p *Page) Links() []string {
	// A link can begin in one line and end in the next.
	text := inlineCode.ReplaceAllString(strings.Join(p.prose, "\n"), "")

	var links []string

	for _, target := range targets {
		for _, match := range target.FindAllStringSubmatch(text, -1) {
			links = append(links, match[1])
		}
	}

	slices.Sort(links)

	return slices.Compact(links)
}
