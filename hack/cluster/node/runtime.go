// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Images built for the node. No images can be pulled, so others must be loaded.
const (
	pauseImage = "localhost/pause:node"
	dnsImage   = "localhost/coredns:node"
)

func (n *Node) startContainerd(ctx context.Context) error {
	config, err := n.writeFile("containerd.toml")
	if err != nil {
		return err
	}

	if err := os.MkdirAll(n.path("etc", "cni"), 0o750); err != nil {
		return err
	}

	if _, err := n.writeFile("cni/10-pods.conflist"); err != nil {
		return err
	}

	if err := n.run(ctx, "containerd", n.program("containerd", "containerd"), "--config="+config); err != nil {
		return err
	}

	return n.await(ctx, 2*time.Minute, func(ctx context.Context) error {
		_, err := n.ctr(ctx, nil, "version")
		return err
	})
}

// loadOwnImages builds and loads the images of pause and CoreDNS.
func (n *Node) loadOwnImages(ctx context.Context) error {
	for _, image := range []struct{ name, set, program string }{
		{pauseImage, "pause", "pause"},
		{dnsImage, "coredns", "coredns"},
	} {
		archive := n.path("tmp", image.program+".tar")
		if err := writeImage(archive, image.name, n.program(image.set, image.program)); err != nil {
			return fmt.Errorf("build the image %s: %w", image.name, err)
		}

		if _, err := n.Load(ctx, archive); err != nil {
			return err
		}

		if err := os.Remove(archive); err != nil {
			return err
		}
	}

	return nil
}

// Load loads the images of an archive of Docker or OCI into the node. It returns the names of new images.
func (n *Node) Load(ctx context.Context, archive string) ([]string, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()

	before, err := n.images(ctx)
	if err != nil {
		return nil, err
	}

	if _, err := n.ctr(ctx, file, "images", "import", "-"); err != nil {
		return nil, fmt.Errorf("load %s: %w", archive, err)
	}

	after, err := n.images(ctx)
	if err != nil {
		return nil, err
	}

	var loaded []string
	for image, digest := range after {
		if before[image] != digest {
			loaded = append(loaded, image)
		}
	}

	slices.Sort(loaded)

	return loaded, nil
}

func (n *Node) images(ctx context.Context) (map[string]string, error) {
	listed, err := n.ctr(ctx, nil, "images", "list")
	if err != nil {
		return nil, err
	}

	images := map[string]string{}
	for line := range strings.Lines(listed) {
		fields := strings.Fields(line)

		// kubelet also names each image by its digest; these names are skipped.
		if len(fields) > 2 && fields[0] != "REF" && !strings.HasPrefix(fields[0], "sha256:") {
			images[fields[0]] = fields[2]
		}
	}

	return images, nil
}

// ctr runs containerd's client in kubelet's namespace, and returns its output.
func (n *Node) ctr(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()

	command, err := n.Exec(ctx, append([]string{"ctr", "--namespace=k8s.io"}, args...)...)
	if err != nil {
		return "", err
	}

	var stdout, stderr strings.Builder

	command.Stdin = stdin
	command.Stdout = &stdout
	command.Stderr = &stderr

	if err := command.Run(); err != nil {
		return "", fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}

	return stdout.String(), nil
}
