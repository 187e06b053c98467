// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"strconv"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
)

// phoneNumber is what Meta says of a phone number and its overrides, or why it says nothing of one of both.
type phoneNumber struct {
	cloudapi.Number

	callbacks       cloudapi.NumberCallbacks
	id              string
	unread          *finding
	unreadCallbacks *finding
}

// readNumbers reads the phone numbers, if the token may.
func (r *run) readNumbers(ctx context.Context, a account) []phoneNumber {
	if !a.canRead {
		return nil
	}

	return each(r.settings.CloudAPI.PhoneNumberIDs, func(id string) phoneNumber {
		n, err := r.readNumber(ctx, id)
		if err == nil {
			return n
		}

		f := unread(ctx, err, "phone number "+id, "correct cloudAPI.phoneNumberIDs (WhatsApp > API Setup shows the id, which is not the number "+
			"itself), or assign the business account to the token's system user")
		overrides := skip("phone number %s cannot be read", id)

		return phoneNumber{
			id:              id,
			unread:          &f,
			unreadCallbacks: &overrides,
		}
	})
}

// readNumber reads a phone number with its overrides. If Meta refuses that, it reads the number alone: the overrides are a field of
// their own, to which a token may have no access.
func (r *run) readNumber(ctx context.Context, id string) (phoneNumber, error) {
	both, cancel := r.call(ctx)
	defer cancel()

	number, callbacks, err := r.Graph.NumberWithCallbacks(both, id)
	if err == nil {
		return phoneNumber{
			Number:    number,
			callbacks: callbacks,
			id:        id,
		}, nil
	}

	if !isRefusal(err) {
		return phoneNumber{}, err
	}

	alone, cancel := r.call(ctx)
	defer cancel()

	number, err = r.Graph.Number(alone, id)
	if err != nil {
		return phoneNumber{}, err
	}

	overrides := skip("Meta refuses to show the overrides of phone number %s to the access token", id)

	return phoneNumber{
		Number:          number,
		id:              id,
		unreadCallbacks: &overrides,
	}, nil
}

// checkTheNumbers checks the phone numbers.
func (r *run) checkTheNumbers(a account, numbers []phoneNumber) {
	names := []string{checkNumbers, checkQuality, checkSending}

	why := ""

	switch {
	case len(r.settings.CloudAPI.PhoneNumberIDs) == 0:
		why = "cloudAPI.phoneNumberIDs names no number"
	case !a.canRead:
		why = a.whyNot
	}

	if why != "" {
		for _, name := range names {
			r.set(name, skip("%s", why))
		}

		return
	}

	var registered, quality, sending []finding

	for _, n := range numbers {
		if n.unread != nil {
			registered = append(registered, *n.unread)
			quality = append(quality, skip("phone number %s cannot be read", n.id))
			sending = append(sending, skip("phone number %s cannot be read", n.id))

			continue
		}

		registered = append(registered, r.diagnoseRegistration(n.id, n.Number))
		quality = append(quality, diagnoseQuality(n.id, n.Number))
		sending = append(sending, diagnoseSending(n.id, n.Number)...)
	}

	r.set(checkNumbers, merge(ok("%s", plural(len(numbers), "number is", "numbers are")+" connected"), registered...))
	r.set(checkQuality, merge(ok("none is low"), quality...))
	r.set(checkSending, merge(ok("neither the numbers, nor the account, the business or the app are blocked"), sending...))
}

// diagnoseRegistration checks whether a number can be used with the Cloud API.
func (r *run) diagnoseRegistration(id string, n cloudapi.Number) finding {
	register := "register it: POST /" + id + "/register with messaging_product and a PIN, or WhatsApp Manager > Phone numbers"

	switch {
	case n.Platform != "" && n.Platform != "CLOUD_API":
		return fail(register, "phone number %s is not registered on the Cloud API (%s)", id, n.Platform)
	case n.Status == "BANNED", n.Status == "RESTRICTED", n.Status == "RATE_LIMITED":
		return fail("see WhatsApp Manager > Phone numbers, and request a review there", "phone number %s is %s", id, n.Status)
	case n.Status == "FLAGGED":
		return warn("see the quality in WhatsApp Manager > Insights: the limit falls if it stays low", "phone number %s is %s", id, n.Status)
	case n.Status != "" && n.Status != "CONNECTED":
		return fail(register, "phone number %s is %s", id, n.Status)
	case n.NameStatus == "DECLINED", n.NameStatus == "EXPIRED":
		return warn("submit another display name: WhatsApp Manager > Phone numbers > Profile", "the display name of phone number %s is %s", id, n.NameStatus)
	case n.OnBizApp && !r.settings.CloudAPI.Coexistence:
		return warn("set cloudAPI.coexistence, so that the AI is silent when a colleague answers in the app",
			"phone number %s is used in the WhatsApp Business app too", id)
	case n.Mode == "SANDBOX":
		return warn("a test number answers only the numbers on its list (WhatsApp > API Setup): add a number of your own for everyone else",
			"phone number %s is a test number", id)
	}

	return ok("")
}

func diagnoseQuality(id string, n cloudapi.Number) finding {
	const fix = "see WhatsApp Manager > Insights: people block or report the number. Meta lowers its limits if that goes on"

	switch n.Quality {
	case "RED":
		return fail(fix, "the quality of phone number %s is low (RED)", id)
	case "YELLOW":
		return warn(fix, "the quality of phone number %s is medium (YELLOW)", id)
	}

	return ok("")
}

// entities names the objects that a message needs.
var entities = map[string]string{
	"PHONE_NUMBER": "the number",
	"WABA":         "the business account",
	"BUSINESS":     "the business",
	"APP":          "the app",
}

// diagnoseSending checks what Meta says about sending from a number.
func diagnoseSending(id string, n cloudapi.Number) []finding {
	var all []finding

	for _, health := range n.Health {
		entity := entities[health.Entity]
		if entity == "" {
			entity = "another object"
		}

		why := meaningOf(health.Errors)
		if why != "" {
			why = ": " + why
		}

		const fix = "see WhatsApp Manager > Account overview, and the payment methods of the account"

		switch strings.ToUpper(health.State) {
		case "BLOCKED":
			all = append(all, fail(fix, "Meta sends no message of phone number %s, because of %s%s", id, entity, why))
		case "LIMITED":
			all = append(all, warn(fix, "Meta limits the messages of phone number %s, because of %s%s", id, entity, why))
		}
	}

	return all
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}

	return strconv.Itoa(n) + " " + many
}
