// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

// storeAlerts returns the alerts about the store. Only the embedded store has a volume.
func storeAlerts(p Params) []alert {
	all := []alert{
		{
			name:     "WhatsAppStoreFailing",
			severity: critical,
			pending:  "5m",
			// The range is shorter than the pending time: two calls that a slow disk delayed too long within it are not an outage.
			expr: unless(
				`sum by (operation) (increase(whatsapp_store_errors_total{@self}[2m])) > 0`,
				diskFull,
				storeSecretMissing,
			),
			summary: "the store fails ({{ $labels.operation }})",
			description: "Store calls have failed for 5 minutes ({{ $labels.operation }}). At ingest and ping the receiver accepts no deliveries, " +
				"at purge old data stays, and at any other operation messages wait.",
		},
	}
	if shared(p.webhook.Spec.Store) {
		return all
	}

	if backup(p.webhook.Spec.Store).Schedule != "" {
		all = append(all, alert{
			name:     "WhatsAppBackupOverdue",
			severity: warning,
			pending:  "15m",
			expr:     `time() - max(whatsapp_backup_overdue_timestamp_seconds{@self}) > 0`,
			summary:  "the store is not backed up",
			description: "No backup of the store completed at the last two times of its schedule, or no backup is known an hour after the start " +
				"of the receiver. Without a backup, the loss of the volume loses its data.",
		})
	}

	return append(all, alert{
		name:     "WhatsAppStoreDamaged",
		severity: critical,
		pending:  "1m",
		expr:     `max(whatsapp_damaged_lanes{@self} + whatsapp_damaged_events{@self}) > 0`,
		summary:  "the file of the store is damaged",
		description: "{{ $value | humanize }} lanes or finished events are skipped, because the file of the store is damaged. Other lanes " +
			"continue.",
	}, alert{
		name:     "WhatsAppDiskFull",
		severity: critical,
		pending:  "1m",
		expr:     diskFull,
		summary:  "the disk of the store is full",
		description: "{{ $value | humanize1024 }}B are missing of the space that the receiver keeps free on its volume, so it accepts no deliveries. " +
			"Meta delivers them again for up to 7 days. Messages that are stored already are answered.",
	}, alert{
		name:     "WhatsAppVolumeFillingUp",
		severity: warning,
		pending:  "15m",
		expr: `kubelet_volume_stats_available_bytes{namespace="@namespace",persistentvolumeclaim="@claim"} / ` +
			`kubelet_volume_stats_capacity_bytes{namespace="@namespace",persistentvolumeclaim="@claim"} < 0.1`,
		summary:     "the volume of the store is nearly full",
		description: "{{ $value | humanizePercentage }} of the volume is free. When it is full, no delivery is accepted.",
	})
}
