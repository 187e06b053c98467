// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

// secretField is the field of a role: one for a single value, several for a role with up to max values.
type secretField struct {
	role    string
	one     *string
	several *[]string
	max     int
}

// fieldsOf returns the fields of all roles.
func fieldsOf(s *Secrets) []secretField {
	one := func(role string, value *string) secretField {
		return secretField{
			role: role,
			one:  value,
			max:  1,
		}
	}
	several := func(role string, values *[]string) secretField {
		return secretField{
			role:    role,
			several: values,
			max:     MaxValues,
		}
	}

	return []secretField{
		one(RoleAccessToken, &s.AccessToken),
		several(RoleAppSecret, &s.AppSecrets),
		one(RoleVerifyToken, &s.VerifyToken),
		one(RoleBirdAccessKey, &s.BirdAccessKey),
		one(RoleFlowSigningKey, &s.FlowSigningKey),
		one(RoleOpenAIKey, &s.OpenAIKey),
		several(RoleAssistantKey, &s.AssistantKeys),
		several(RoleDeskKey, &s.DeskKeys),
		one(RoleHandoffKey, &s.HandoffKey),
		one(RoleSinkSigningKey, &s.SinkSigningKey),
		several(RoleStoreKey, &s.StoreKeys),
		one(RoleDatabaseURL, &s.DatabaseURL),
		one(RoleDatabaseCA, &s.DatabaseCA),
		one(RoleBackupKeyID, &s.BackupKeyID),
		one(RoleBackupSecret, &s.BackupSecret),
		one(RoleMetaCA, &s.MetaCA),
		one(RoleAICA, &s.AICA),
		one(RoleSinkCA, &s.SinkCA),
		one(RoleHandoffCA, &s.HandoffCA),
		one(RoleBackupCA, &s.BackupCA),
		one(RoleTracingCA, &s.TracingCA),
		one(RoleServerCertificate, &s.ServerCertificate),
		one(RoleServerKey, &s.ServerKey),
		one(RoleClientCA, &s.ClientCA),
	}
}

// set sets the values of the field.
func (f secretField) set(values []string) {
	switch {
	case f.several != nil:
		*f.several = values
	case len(values) > 0:
		*f.one = values[0]
	}
}

// values returns the values of the field; none if it is empty.
func (f secretField) values() []string {
	switch {
	case f.several != nil:
		return *f.several
	case *f.one == "":
		return nil
	default:
		return []string{*f.one}
	}
}

// Counts returns how many values each secret has, by role.
func (s Secrets) Counts() map[string]int {
	counts := map[string]int{}
	for _, field := range fieldsOf(&s) {
		counts[field.role] = len(field.values())
	}

	return counts
}
