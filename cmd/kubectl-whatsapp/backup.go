// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/backup"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/receiverapi"
)

func newBackupCommand(g *global) *cobra.Command {
	var (
		file      string
		overwrite bool
	)

	cmd := &cobra.Command{
		Use:   "backup NAME --file FILE",
		Short: "Back the embedded store of a resource up to a file",
		Long: "Back the embedded store of a resource up to a file while the receiver runs. The file appears when it is complete and verified.\n" +
			"It contains personal data.\n\n" +
			"A receiver whose volume has no store is initialized with the backup that spec.store.embedded.backup.restore names: Newest, or\n" +
			"the name of a backup. docs/volumes.md says how to restore the file, and how to replace an existing store by a backup.",
		Example:           g.example("backup sales --file sales.db"),
		Args:              g.nameAnd(0, 0),
		ValidArgsFunction: g.webhookNames,
		RunE: g.callReceiver(nil, func(ctx context.Context, api *receiverapi.Client, _ []string) error {
			return backUp(ctx, g.printer(), api, file, overwrite)
		}),
	}

	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` to write")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace the file if it exists")

	_ = cmd.MarkFlagRequired("file")

	return cmd
}

// backupResult is the result of the command backup.
type backupResult struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

func backUp(ctx context.Context, p *output.Printer, api *receiverapi.Client, file string, overwrite bool) error {
	if err := checkBackupFile(file, overwrite); err != nil {
		return err
	}

	body, size, err := api.Backup(ctx)
	if err != nil {
		return err
	}
	defer body.Close()

	progress := p.Progress()

	n, err := backup.Write(ctx, body, size, file, func(n int64) {
		if size > 0 {
			progress.Update("received %s of %s", mebibytes(n), mebibytes(size))
		} else {
			progress.Update("received %s", mebibytes(n))
		}
	})

	progress.End()

	if err != nil {
		return output.Failed("Nothing was written. Try again.", "back up the store: %w", err)
	}

	result := backupResult{
		File:  file,
		Bytes: n,
	}

	return p.Result(result, func() { p.Printf("%s: %s, complete and sound.\n", file, mebibytes(n)) })
}

// checkBackupFile checks where the backup goes, before the receiver makes it of a store that may be large.
func checkBackupFile(file string, overwrite bool) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(file))
	}

	switch {
	case err != nil:
		return output.Usage("Name a file in a folder that exists.", "%w", err)
	case info == nil:
		return nil
	case info.IsDir():
		return output.Usage("Name a file in it.", "%s is a folder", file)
	case !overwrite:
		return output.Usage("Choose another file, or add --overwrite.", "%s exists", file)
	}

	return nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
