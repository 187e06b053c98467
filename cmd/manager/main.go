// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager runs the operator.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/buildinfo"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

const (
	defaultLeaderElectionID = "whatsapp-webhook-operator.wawebhook.dev"
	// defaultConcurrentUpgrades keeps most receivers as they are until a few have shown that the new version works.
	defaultConcurrentUpgrades = 3
)

// version is set by the linker.
var version = "dev"

type options struct {
	metricsAddress string
	metricsCertDir string
	probeAddress   string
	leaderElect    bool
	leaseName      string
	receiverImage  string
	pullSecrets    names
	runbookURL     string
	namespaces     names
	selector       selector
	disabledKinds  disabledKinds
	hosts          names
	gateways       names
	images         names

	maxConcurrentUpgrades limit
	logLevel              slog.Level
	showVersion           bool
	checked               string
}

func main() {
	o := options{maxConcurrentUpgrades: defaultConcurrentUpgrades}
	flag.StringVar(&o.metricsAddress, "metrics-bind-address", ":8443", "address of the metrics, served over TLS to authorized clients; 0 disables them")
	flag.StringVar(&o.metricsCertDir, "metrics-cert-dir", "", "folder with tls.crt and tls.key for the metrics, reloaded when they change; defaults to a self-signed certificate")
	flag.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 disables them")
	flag.BoolVar(&o.leaderElect, "leader-elect", false, "reconcile only while holding the lease, so that several managers can run")
	flag.StringVar(&o.leaseName, "leader-election-id", defaultLeaderElectionID, "name of the lease; operators in one namespace that reconcile different resources need different leases")
	flag.StringVar(&o.receiverImage, "receiver-image", resources.DefaultReceiverImage(version), "default image of receivers")
	flag.Var(&o.pullSecrets, "receiver-image-pull-secrets", "Secrets in the namespaces of receivers to pull their images with, separated by commas")
	flag.StringVar(&o.runbookURL, "runbook-url", resources.DefaultRunbookURL, "address of docs/alerts.md, to which the alerts of receivers link")
	flag.Var(&o.namespaces, "namespaces", "namespaces to watch, separated by commas; defaults to all")
	flag.Var(&o.selector, "watch-label-selector", "labels of the WhatsAppWebhooks to reconcile, such as team=a,tier!=test; defaults to all")
	flag.Var(&o.disabledKinds, "disabled-kinds", "optional kinds to disable: "+strings.Join(controllers.OptionalKinds(), ", ")+", separated by commas")
	flag.Var(&o.hosts, "allowed-hosts", "hosts that resources may use, such as *.example.com, separated by commas; defaults to all")
	flag.Var(&o.gateways, "allowed-gateways", "Gateways that resources may use, as namespace/name, such as infra/*, separated by commas; defaults to all")
	flag.Var(&o.images, "allowed-receiver-images", "images that pods of receivers may use besides --receiver-image, such as registry.example.com/*, separated by commas; defaults to all")
	flag.Var(&o.maxConcurrentUpgrades, "max-concurrent-upgrades", "how many receivers an upgrade of the operator replaces at the same time; 0 means all")
	flag.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "least severe level to log: debug, info, warn or error")
	flag.BoolVar(&o.showVersion, "version", false, "print the version and exit")
	flag.StringVar(&o.checked, "check", "", "check the WhatsAppWebhooks in a `FILE` or folder, or in standard input for -, without a cluster, and exit")
	flag.Parse()

	if o.showVersion {
		fmt.Println("manager", buildinfo.Read(version))
		return
	}

	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q: the manager accepts flags only, see --help\n", flag.Arg(0))
		os.Exit(2)
	}

	if o.checked != "" {
		os.Exit(check(os.Stdout, o.checked))
	}

	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: o.logLevel}))
	ctrl.SetLogger(logr.FromSlogHandler(logger.Handler()))
	klog.SetSlogLogger(logger)

	if err := run(ctrl.SetupSignalHandler(), o); err != nil {
		logger.Error("manager failed", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	scheme, err := controllers.NewScheme()
	if err != nil {
		return fmt.Errorf("build the scheme: %w", err)
	}

	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("load the client configuration: %w", err)
	}

	watched := controllers.NewCache(scheme, o.namespaces, o.selector.labels(), ctrl.Log.WithName("cache"))
	config.Wrap(watched.Wrap)

	mgr, err := ctrl.NewManager(config, managerOptions(o, scheme, watched))
	if err != nil {
		return fmt.Errorf("create the manager: %w", err)
	}

	reconciler, err := controllers.NewWhatsAppWebhookReconciler(mgr, controllers.Options{
		Environment:           environment(o),
		Cache:                 watched,
		DisabledKinds:         o.disabledKinds.names,
		MaxConcurrentUpgrades: int(o.maxConcurrentUpgrades),
	})
	if err != nil {
		return err
	}

	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return err
	}

	if err := metrics.Registry.Register(reconciler.Metrics()); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}

	if err := addProbes(mgr, o.probeAddress, watched); err != nil {
		return fmt.Errorf("add the health probes: %w", err)
	}

	mgr.GetLogger().Info("manager starting",
		"version", version,
		"receiverImage", o.receiverImage,
		"namespaces", o.namespaces.String(),
		"watchLabelSelector", o.selector.String(),
		"operatorNamespace", operatorNamespace())

	return start(ctx, mgr.Start, watched)
}

func managerOptions(o options, scheme *runtime.Scheme, watched *controllers.Cache) ctrl.Options {
	return ctrl.Options{
		Scheme: scheme,
		Cache:  watched.Options(),
		Metrics: metricsserver.Options{
			BindAddress:    o.metricsAddress,
			SecureServing:  true,
			CertDir:        o.metricsCertDir,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
			TLSOpts:        []func(*tls.Config){withoutHTTP2},
		},
		HealthProbeBindAddress:        "0", // addProbes serves them
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              o.leaseName,
		LeaderElectionNamespace:       operatorNamespace(), // defaults to the pod's namespace
		LeaderElectionReleaseOnCancel: true,                // safe, because the process exits when run returns
		GracefulShutdownTimeout:       new(gracefulShutdown),
	}
}

func environment(o options) resources.Environment {
	return resources.Environment{
		ReceiverImage:            o.receiverImage,
		ReceiverImagePullSecrets: o.pullSecrets,
		RunbookURL:               o.runbookURL,
		OperatorNamespace:        operatorNamespace(),
		Policy: resources.Policy{
			Hosts:    o.hosts,
			Gateways: o.gateways,
			Images:   o.images,
		},
	}
}

// operatorNamespace returns the namespace of the operator's pod, or "" outside a cluster.
func operatorNamespace() string { return os.Getenv("POD_NAMESPACE") }

// withoutHTTP2 disables HTTP/2, and with it rapid reset attacks. The metrics gain nothing from it.
func withoutHTTP2(c *tls.Config) {
	c.NextProtos = []string{"http/1.1"}
}
