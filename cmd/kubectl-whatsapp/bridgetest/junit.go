// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"encoding/xml"
	"fmt"
	"io"
)

// suite is a report in the form of JUnit, which CI systems show.
type suite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Suite   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Seconds string       `xml:"time,attr"`
	Failure *junitResult `xml:"failure"`
	Skipped *junitResult `xml:"skipped"`
	Output  string       `xml:"system-out,omitempty"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

const suiteName = "bridge test"

// WriteJUnit writes the report as the XML of JUnit. A warning is a test that passes, with an output.
func (r *Report) WriteJUnit(w io.Writer) error {
	s := suite{
		Name:     suiteName,
		Tests:    len(r.Checks),
		Failures: r.Failures,
		Skipped:  r.Skipped,
	}

	for _, check := range r.Checks {
		c := testCase{
			Suite:   suiteName,
			Name:    check.Name,
			Seconds: fmt.Sprintf("%.3f", float64(check.Milliseconds)/1000),
		}
		said := fmt.Sprintf("%s\nFix: %s\nRequest: %s\nAnswer: %s", check.Detail, check.Fix, check.Sent, check.Came)

		switch check.State {
		case Failure:
			c.Failure = &junitResult{Message: check.Detail, Text: said}
		case Skipped:
			c.Skipped = &junitResult{Message: check.Detail}
		case Warning:
			c.Output = "Warning: " + said
		case OK:
		}

		s.Cases = append(s.Cases, c)
	}

	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}

	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")

	return encoder.Encode(s)
}
