// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"os"

	"golang.org/x/sys/windows"
)

// understandsEscapes reports whether a terminal understands escape sequences. A console of Windows shows them as text until a program
// enables them; one of an old version cannot.
func understandsEscapes(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}

	console := windows.Handle(file.Fd())

	var mode uint32
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}

	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
