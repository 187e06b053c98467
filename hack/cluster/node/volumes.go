// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/cluster/volumes"
)

const (
	// VolumesCommand is the command that provisions volumes inside the node. Its argument is a kubeconfig.
	VolumesCommand = "volumes"

	storageClass = "standard" // as with kind
	provisioner  = "whatsapp-webhook-cluster/folders"
	volumeFolder = "/var/lib/volumes"
)

func (n *Node) startVolumes(ctx context.Context) error {
	if err := n.apply(ctx, "volumes.yaml"); err != nil {
		return err
	}

	return n.run(ctx, "volumes", n.ownProgram(), VolumesCommand, n.Kubeconfig())
}

// ProvisionVolumes provisions volumes, inside the node, until the context ends.
func ProvisionVolumes(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}

	ctrl.SetLogger(klog.Background())

	provisioner := &volumes.Provisioner{Name: provisioner, Folder: volumeFolder}

	return provisioner.Run(ctx, config)
}
