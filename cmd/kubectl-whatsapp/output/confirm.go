// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// Confirm asks on a terminal to confirm an irreversible action, and returns an error unless the answer is yes. With yes, the
// flag of that name, it does not ask. Without a terminal it refuses.
func (p *Printer) Confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}

	if !p.inTerminal || !p.errTerminal {
		return Usage("Add --yes to skip the confirmation.", "%q cannot be taken back, and there is no terminal to ask on", question)
	}

	fmt.Fprintf(p.Err, "%s This cannot be taken back. [y/N] ", Clean(question))

	answer := make(chan string, 1) // the read cannot be interrupted; the program ends with it

	go func() {
		line, _ := bufio.NewReader(p.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()

	select {
	case <-ctx.Done():
		fmt.Fprintln(p.Err)
		return ctx.Err()
	case line := <-answer:
		if line != "y" && line != "yes" {
			return Failed("", "nothing was changed: the answer was not yes")
		}

		return nil
	}
}
