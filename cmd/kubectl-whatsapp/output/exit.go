// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package output writes the output of the commands: results as tables or as one document, progress, questions and errors. It
// decides the exit codes, and whether to use colors.
package output

import (
	"errors"
	"fmt"
)

// The exit codes of the tool.
const (
	CodeDone        = 0
	CodeFailed      = 1 // the command failed, or a check found faults
	CodeUsage       = 2 // the command was called in a wrong way
	CodeUnreachable = 3 // the API server, a receiver or another server cannot be reached, or denies the call
)

// ErrVerdict ends a command whose report says already that the check failed. Nothing else is printed.
var ErrVerdict = errors.New("the check failed")

// Error is an error for people: the failure and its fix.
type Error struct {
	Code int    // the exit code
	Fix  string // what to do, as one or more lines; may be empty
	Err  error
}

// Error returns the failure, without the fix.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Usage returns an error of a command that was called in a wrong way.
func Usage(fix, format string, args ...any) error {
	return &Error{
		Code: CodeUsage,
		Fix:  fix,
		Err:  fmt.Errorf(format, args...),
	}
}

// Failed returns an error of a failed command.
func Failed(fix, format string, args ...any) error {
	return &Error{
		Code: CodeFailed,
		Fix:  fix,
		Err:  fmt.Errorf(format, args...),
	}
}

// Unreachable returns an error of a server that does not answer, or denies the call.
func Unreachable(fix, format string, args ...any) error {
	return &Error{
		Code: CodeUnreachable,
		Fix:  fix,
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
