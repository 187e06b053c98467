// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package requestbody

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRead(t *testing.T) {
	const limit = 100 << 10

	text := func(size int) io.Reader { return strings.NewReader(strings.Repeat("x", size)) }

	for name, tc := range map[string]struct {
		announced int64 // -1: chunked
		source    io.Reader
		size      int // bytes read
		problem   error
	}{
		"empty":                   {0, text(0), 0, nil},
		"small":                   {5, text(5), 5, nil},
		"small, byte by byte":     {5, iotest.OneByteReader(text(5)), 5, nil},
		"small, chunked":          {-1, text(5), 5, nil},
		"largest small":           {small, text(small), small, nil},
		"smallest large":          {small + 1, text(small + 1), small + 1, nil},
		"at the limit":            {limit, text(limit), limit, nil},
		"at the limit, chunked":   {-1, iotest.HalfReader(text(limit)), limit, nil},
		"over the limit":          {limit + 1, text(0), 0, &http.MaxBytesError{}},
		"over the limit, chunked": {-1, text(limit + 1), 0, &http.MaxBytesError{}},
		"broken off":              {50, iotest.ErrReader(io.ErrUnexpectedEOF), 0, io.ErrUnexpectedEOF},
		"large, then broken off": {
			announced: limit,
			source:    io.MultiReader(text(60<<10), iotest.ErrReader(io.ErrUnexpectedEOF)),
			problem:   io.ErrUnexpectedEOF,
		},
	} {
		t.Run(name, func(t *testing.T) {
			budget := NewBudget(limit)
			r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(tc.source))
			r.ContentLength = tc.announced

			body, release, err := budget.Read(httptest.NewRecorder(), r, limit)
			if len(body) != tc.size || (err == nil) != (tc.problem == nil) {
				t.Errorf("read %d bytes, error %v, want %d and %v", len(body), err, tc.size, tc.problem)
			}

			tooLarge, isTooLarge := errors.AsType[*http.MaxBytesError](tc.problem)
			if isTooLarge && !errors.As(err, &tooLarge) || !isTooLarge && !errors.Is(err, tc.problem) {
				t.Errorf("error = %v, want %v", err, tc.problem)
			}

			if isReserved := budget.Used() > 0; isReserved != (tc.size > small) {
				t.Errorf("memory reserved: %t", isReserved)
			}

			if err == nil {
				release()
			}

			if budget.Used() != 0 {
				t.Error("the memory was not released")
			}
		})
	}
}

func TestReadWithoutMemory(t *testing.T) {
	const limit = 100 << 10

	budget := NewBudget(limit)
	read := func() (func(), error) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", limit)))
		_, release, err := budget.Read(httptest.NewRecorder(), r, limit)

		return release, err
	}

	release, err := read()
	if err != nil {
		t.Fatal(err)
	}

	if _, err := read(); !errors.Is(err, ErrBusy) {
		t.Errorf("error = %v, want ErrBusy", err)
	}

	release()

	if release, err = read(); err != nil {
		t.Fatal(err)
	}

	release()
}
