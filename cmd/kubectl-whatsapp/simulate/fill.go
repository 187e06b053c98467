// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// Delivery is one delivery to send.
type Delivery struct {
	Type string // or the name of a file
	Body []byte
}

// Maker makes deliveries. It gives each its own ids and times, so that a receiver takes it for a new one.
type Maker struct {
	// Number replaces the phone number ids and Person, without +, the numbers of the people, unless they are empty.
	Number string
	Person string

	made int
	run  string
}

// Sample returns a delivery of a type that [Find] knows.
func (m *Maker) Sample(name string, now time.Time) (Delivery, error) {
	raw, err := sample(name)
	if err != nil {
		return Delivery{}, err
	}

	return m.Make(name, raw, now), nil
}

// Make returns the delivery of a JSON text. Any other text stays as it is.
func (m *Maker) Make(name string, raw []byte, now time.Time) Delivery {
	if m.run == "" {
		m.run = rand.Text()
	}

	m.made++

	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()

	var content any
	if decoder.Decode(&content) != nil {
		return Delivery{Type: name, Body: raw}
	}

	f := filler{maker: m, people: map[string]bool{}}
	f.collect(content, "", "")
	f.nameUsers()

	if f.newest > 0 {
		f.shift = now.Unix() - f.newest
	}

	var filled bytes.Buffer

	encoder := json.NewEncoder(&filled)
	encoder.SetEscapeHTML(false)

	if err := encoder.Encode(f.fill(content, "", "")); err != nil {
		return Delivery{Type: name, Body: raw} // not reached: it was decoded from JSON
	}

	return Delivery{Type: name, Body: standin.Escape(bytes.TrimSpace(filled.Bytes()))}
}

var (
	timeKeys = standin.Whole(`timestamp|time`)
	ownKeys  = standin.Whole(`from|wa_id|recipient_id|recipient_participant_id|participant_recipient_id|(?:\w+_)?user_id`)

	phoneForm  = standin.Whole(`\+?[0-9](?:[ ()-]*[0-9]){5,14}`)
	userForm   = standin.Whole(`([A-Z]{2}\.(?:ENT\.)?).+`)
	numberForm = standin.Whole(`[0-9]+`)
	idForm     = regexp.MustCompile(`^(wamid|wacid)\.`)
)

// firstTime is the first plausible time of a delivery: the API is not older than 2018.
const firstTime = 1514764800

// filler fills one delivery.
type filler struct {
	maker  *Maker
	people map[string]bool   // numbers and user ids of people
	users  map[string]string // user ids of people, and what takes their places
	newest int64             // time in the delivery, in seconds since 1970
	shift  int64             // from the times in the delivery to now
}

// collect finds the people and the newest time of a value under a key of an object that is under the key parent.
func (f *filler) collect(value any, key, parent string) {
	switch value := value.(type) {
	case map[string]any:
		for name, property := range value {
			f.collect(property, name, key)
		}

		delete(f.people, text(value["display_phone_number"])) // messages of a history may be from the business

		if value["recipient_type"] == "group" || value["group_id"] != nil {
			delete(f.people, text(value["recipient_id"]))
		}
	case []any:
		for _, element := range value {
			f.collect(element, key, parent)
		}
	default:
		if seconds, ok := timeOf(key, value); ok {
			f.newest = max(f.newest, seconds)
		}

		if f.isOwn(key, parent) && text(value) != "" {
			f.people[text(value)] = true
		}
	}
}

// isOwn reports whether a property names the person of a delivery. The number of the business, which is the sender of an
// echo, and the new number of a person are not.
func (f *filler) isOwn(key, parent string) bool {
	isEcho := strings.HasSuffix(parent, "_echoes") || parent == "message"

	switch {
	case parent == "system", parent == "context", parent == "phones":
		return false
	case isEcho:
		return key == "to" || key == "to_user_id"
	default:
		return ownKeys.MatchString(key)
	}
}

// nameUsers maps each user id of a person to the maker's person. The first id of each form gets the name as it is, others
// get a number behind it.
func (f *filler) nameUsers() {
	f.users = map[string]string{}
	taken := map[string]int{}

	for _, old := range slices.Sorted(maps.Keys(f.people)) {
		form := userForm.FindStringSubmatch(old)
		if form == nil {
			continue
		}

		f.users[old] = form[1] + f.maker.Person
		if n := taken[form[1]]; n > 0 {
			f.users[old] += "0" + strconv.Itoa(n)
		}

		taken[form[1]]++
	}
}

// fill returns a value with the maker's person and number, new ids and new times.
func (f *filler) fill(value any, key, parent string) any {
	switch value := value.(type) {
	case map[string]any:
		for name, property := range value {
			value[name] = f.fill(property, name, key)
		}

		return value
	case []any:
		for i, element := range value {
			value[i] = f.fill(element, key, parent)
		}

		return value
	case string:
		return f.fillText(value, key, parent)
	case json.Number:
		filled := f.fillText(value.String(), key, parent)
		if numberForm.MatchString(filled) {
			return json.Number(filled)
		}

		return value
	default:
		return value
	}
}

func (f *filler) fillText(value, key, parent string) string {
	seconds, isTime := timeOf(key, value)
	isID := key == "id" && (parent == "messages" || parent == "statuses") && !numberForm.MatchString(value)

	switch {
	case value == "":
		return value
	case isTime:
		return strconv.FormatInt(seconds+f.shift, 10)
	case isID, idForm.MatchString(value):
		return f.id(value)
	case key == "phone_number_id":
		return f.number(value)
	case key == "id" && standin.MediaField.MatchString(parent) && !standin.MediaID.MatchString(value):
		return "5" + standin.MadeUp(value)
	case standin.UserField.MatchString(key) || standin.PhoneField.MatchString(key):
		return f.person(value, key)
	default:
		return value
	}
}

// id returns a new id that replaces an id. Equal ids of a delivery stay equal.
func (f *filler) id(old string) string {
	seed := fmt.Sprintf("%s %d %s", f.maker.run, f.maker.made, old)
	if strings.HasPrefix(old, "wacid.") {
		sum := sha256.Sum256([]byte(seed))
		return "wacid." + hex.EncodeToString(sum[:16])
	}

	return standin.Wamid(seed)
}

func (f *filler) number(old string) string {
	switch {
	case f.maker.Number != "":
		return f.maker.Number
	case !numberForm.MatchString(old):
		return "1555" + standin.MadeUp(old)
	default:
		return old
	}
}

// person returns the replacement for a phone number or user id. A value that is not a person of the delivery stays, unless
// it is a placeholder such as <WHATSAPP_USER_ID>.
func (f *filler) person(old, key string) string {
	person := f.maker.Person

	switch {
	case f.users[old] != "" && person != "":
		return f.users[old]
	case userForm.MatchString(old):
		return old
	case f.people[old] && person != "" && !standin.UserField.MatchString(key):
		return person
	case standin.UserField.MatchString(key):
		return "US." + standin.MadeUp(old)
	case !phoneForm.MatchString(old):
		return "1555" + standin.MadeUp(old)
	default:
		return old
	}
}

// timeOf returns the time under a key in seconds since 1970. It reports false for all else, such as a placeholder.
func timeOf(key string, value any) (int64, bool) {
	if !timeKeys.MatchString(key) {
		return 0, false
	}

	seconds, err := strconv.ParseInt(text(value), 10, 64)

	return seconds, err == nil && seconds >= firstTime && seconds < 1<<33
}

// text returns a text or a number as a text.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		return ""
	}
}
