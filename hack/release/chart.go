// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/image"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/oci"
)

// maxChart bounds the chart's files, in bytes.
const maxChart = 16 << 20

func (r *release) chartFile() string { return product + "-" + r.semver() + ".tgz" }

// makeInstallation writes install.yaml and the chart, which name the images by their digests.
func (r *release) makeInstallation(ctx context.Context) error {
	var digests []string
	for i, name := range []string{"MANAGER_DIGEST", "RECEIVER_DIGEST"} {
		digests = append(digests, name+"="+r.artifacts[i].Digest)
	}

	return command(ctx, digests, "hack/dist.sh", r.version, r.prefix, r.out)
}

// publishChart pushes the chart as Helm does (https://helm.sh/docs/topics/registries/), but without the time of the push.
func (r *release) publishChart(ctx context.Context) error {
	packed, err := os.ReadFile(filepath.Join(r.out, r.chartFile()))
	if err != nil {
		return err
	}

	packed, described, err := repack(packed, r.created)
	if err != nil {
		return fmt.Errorf("read the packaged chart: %w", err)
	}

	if err := r.write(r.chartFile(), packed); err != nil {
		return err
	}

	var metadata map[string]any
	if err := yaml.Unmarshal(described, &metadata); err != nil {
		return fmt.Errorf("read Chart.yaml: %w", err)
	}

	config, err := json.Marshal(metadata)
	if err != nil {
		return err
	}

	tag, err := r.tag("charts/"+product, r.semver())
	if err != nil {
		return err
	}

	pushed, err := oci.PushArtifact(ctx, tag.Context(), tag.TagStr(), oci.Artifact{
		ConfigType: "application/vnd.cncf.helm.config.v1+json",
		Config:     config,
		LayerType:  "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
		Layer:      packed,
		Annotations: image.Described{
			Title:    product,
			Text:     fmt.Sprint(metadata["description"]),
			Version:  r.semver(),
			Revision: r.revision,
			Created:  r.created,
		}.Annotations(),
	})
	if err != nil {
		return err
	}

	r.artifacts = append(r.artifacts, artifact{
		Tag:         tag.String(),
		Digest:      pushed.Digest.String(),
		descriptors: []v1.Descriptor{pushed},
	})

	return nil
}

// repack returns a packaged chart whose files all have one time, and its Chart.yaml. Helm gives them the time of the packaging.
func repack(packed []byte, modified time.Time) (repacked, metadata []byte, err error) {
	compressed, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, nil, err
	}

	var result bytes.Buffer

	writer, err := gzip.NewWriterLevel(&result, gzip.BestCompression)
	if err != nil {
		return nil, nil, err
	}

	// Helm marks its archives so.
	writer.Extra = compressed.Extra
	writer.Comment = compressed.Comment

	tw := tar.NewWriter(writer)

	if metadata, err = copyChart(tw, tar.NewReader(io.LimitReader(compressed, maxChart)), modified); err != nil {
		return nil, nil, err
	}

	if err := errors.Join(tw.Close(), writer.Close()); err != nil {
		return nil, nil, err
	}

	if metadata == nil {
		return nil, nil, errors.New("it has no Chart.yaml")
	}

	return result.Bytes(), metadata, nil
}

// copyChart copies the files of a chart with the time modified, and returns its Chart.yaml.
func copyChart(tw *tar.Writer, tr *tar.Reader, modified time.Time) (metadata []byte, err error) {
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return metadata, nil
		}

		if err != nil {
			return nil, err
		}

		content, err := io.ReadAll(tr)
		if err != nil {
			return nil, err
		}

		if strings.Count(header.Name, "/") == 1 && strings.HasSuffix(header.Name, "/Chart.yaml") {
			metadata = content
		}

		if err := tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg,
			Name:     header.Name,
			Mode:     0o644,
			Size:     int64(len(content)),
			ModTime:  modified,
			Format:   tar.FormatPAX,
		}); err != nil {
			return nil, err
		}

		if _, err := tw.Write(content); err != nil {
			return nil, err
		}
	}
}
