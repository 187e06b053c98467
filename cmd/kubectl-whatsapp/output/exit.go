// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package output writes what the commands of the tool have to say: results as tables or as one document, progress,
// questions and errors. It decides the exit codes, and when there are colours.
package output

import (
	"errors"
	"fmt"
)

// The exit codes of the tool.
const (
	CodeDone        = 0
	CodeFailed      = 1 // the command failed, or a check ended with a verdict against what it checked
	CodeUsage       = 2 // the command was called in a wrong way
	CodeUnreachable = 3 // the API server, a receiver or another server cannot be reached, or denies the call
)

// ErrVerdict ends a command whose report says already that the check failed. Nothing else is printed.
var ErrVerdict = errors.New("the check failed")

// Error is an error for people: what failed, and how to mend it.
type Error struct {
	Code int    // the exit code
	Mend string // what to do, as one or more lines; may be empty
	Err  error
}

// Error returns what failed, without the mend.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Usage returns an error of a command that was called in a wrong way.
func Usage(mend, format string, args ...any) error {
	return &Error{
		Code: CodeUsage,
		Mend: mend,
		Err:  fmt.Errorf(format, args...),
	}
}

// Failed returns an error of a command that could not do what it should.
func Failed(mend, format string, args ...any) error {
	return &Error{
		Code: CodeFailed,
		Mend: mend,
		Err:  fmt.Errorf(format, args...),
	}
}

// Unreachable returns an error of a server that does not answer, or denies the call.
func Unreachable(mend, format string, args ...any) error {
	return &Error{
		Code: CodeUnreachable,
		Mend: mend,
		Err:  fmt.Errorf(format, args...),
	}
}

// ExitCode returns the exit code of a command that ended with err. An error without a code means that the command failed.
func ExitCode(err error) int {
	if err == nil {
		return CodeDone
	}

	if known, ok := errors.AsType[*Error](err); ok {
		return known.Code
	}

	return CodeFailed
}
