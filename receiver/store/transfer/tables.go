// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transfer

// Kind is the type of the values of a column. Each may also be nil.
type Kind int

// The kinds of columns, with the Go types of their values.
const (
	Integer  Kind = iota // int64; times are milliseconds since 1970
	Boolean              // bool
	Text                 // string
	LongText             // string, in a column without an index
	Bytes                // []byte
	ID                   // []byte, of the size of a store.ID
)

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is a table that both engines have. Its key orders the rows.
type Table struct {
	Name    string
	Key     string
	Columns []Column
}

// Names returns the names of the columns, in the order of the values of a row.
func (t *Table) Names() []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}

	return names
}

// column returns the position of a column, which exists.
func (t *Table) column(name string) int {
	for i, c := range t.Columns {
		if c.Name == name {
			return i
		}
	}

	panic("the table " + t.Name + " has no column " + name)
}

// Tables are the tables that are moved, in this order. What else an engine has belongs to itself: leaderships, figures,
// damage marks and the version of its schema.
var Tables = []*Table{
	events,
	conversations,
	{
		Name:    "names",
		Key:     "name",
		Columns: []Column{{"name", Text}, {"person", Text}},
	},
	{
		Name: "replies",
		Key:  "event, part",
		Columns: []Column{
			{"event", Integer},
			{"part", Integer},
			{"type", Text},
			{"body", Bytes},
			{"state", Text},
			{"started_at", Integer},
			{"message_id", Text},
			{"resends", Integer},
			{"fallback", Boolean},
		},
	},
	{
		Name: "failures",
		Key:  "event, n",
		Columns: []Column{
			{"event", Integer}, {"n", Integer}, {"at", Integer}, {"class", Text}, {"code", Text}, {"text", LongText}, {"spent", Boolean},
		},
	},
	{
		Name: "statuses",
		Key:  "event",
		Columns: []Column{
			{"event", Integer},
			{"phone_number_id", Text},
			{"message_id", Text},
			{"participant", Text},
			{"type", Text},
			{"status", Text},
			{"rank", Integer},
			{"at", Integer},
			{"error_code", Integer},
		},
	},
	pauses,
}

var pauses = &Table{
	Name:    "pauses",
	Key:     "scope",
	Columns: []Column{{"scope", Text}, {"until", Integer}, {"level", Integer}, {"code", Text}, {"set_at", Integer}},
}

var events = &Table{
	Name: "events",
	Key:  "seq",
	Columns: []Column{
		{"seq", Integer},
		{"id", ID},
		{"kind", Text},
		{"type", Text},
		{"state", Text},
		{"class", Integer},
		{"lane", Text},
		{"phone_number_id", Text},
		{"received_at", Integer},
		{"finished_at", Integer},
		{"attempts", Integer},
		{"replays", Integer},
		{"emptied", Boolean},
		{"binds", Boolean},
		{"bound_to", Integer},
		{"code", Text},
		{"replay_job", Text},
		{"payload", Bytes},
		{"transcript", LongText},
	},
}

var conversations = &Table{
	Name: "conversations",
	Key:  "lane, class",
	Columns: []Column{
		{"lane", Text},
		{"class", Integer},
		{"ready_at", Integer},
		{"set_at", Integer},
		{"waits_for", Text},
		{"token", Integer},
		{"head", Integer},
		{"starts", Integer},
		{"last_inbound_at", Integer},
		{"human_until", Integer},
		{"template_required", Boolean},
		{"taken_by", Text},
		{"taken_at", Integer},
		{"taken_event", ID},
		{"ai_conversation", Text},
		{"ai_conversation_at", Integer},
	},
}
