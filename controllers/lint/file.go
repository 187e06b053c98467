// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The bounds of the input.
const (
	maxFileBytes = 16 << 20
	maxFiles     = 10_000
)

// File is a file with objects in YAML or JSON.
type File struct {
	// Name is the path of the file, as findings show it.
	Name string
	// Data is the content.
	Data []byte
	// Found means that the file was found in a folder. Its unreadable parts are findings only if they name the kind
	// WhatsAppWebhook: the file may be a template, or no manifest.
	Found bool
}

// ReadFiles reads files, the YAML and JSON files in folders, and in for the path "-".
func ReadFiles(paths []string, in io.Reader) ([]File, error) {
	var files []File

	for _, path := range paths {
		if path == "-" {
			data, err := readAll(in)
			if err != nil {
				return nil, fmt.Errorf("standard input: %w", err)
			}

			files = append(files, File{Name: "standard input", Data: data})

			continue
		}

		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}

		if info.IsDir() {
			found, err := readFolder(path)
			if err != nil {
				return nil, err
			}

			files = append(files, found...)

			continue
		}

		file, err := readFile(path)
		if err != nil {
			return nil, err
		}

		files = append(files, file)
	}

	return files, nil
}

func readFolder(folder string) ([]File, error) {
	var files []File

	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}

		hidden := strings.HasPrefix(entry.Name(), ".") && path != folder
		if entry.IsDir() && hidden {
			return fs.SkipDir
		}

		if hidden || !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			return nil
		}

		if len(files) == maxFiles {
			return fmt.Errorf("%s has more than %d files; name a smaller folder", folder, maxFiles)
		}

		file, err := readFile(path)
		file.Found = true
		files = append(files, file)

		return err
	})

	return files, err
}

func readFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()

	data, err := readAll(f)
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}

	return File{Name: path, Data: data}, nil
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		err = errors.New("larger than 16 MiB")
	}

	return data, err
}
