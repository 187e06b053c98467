// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

// adminPaths are the paths of the admin port, which no OpenAPI document describes.
var adminPaths = []string{"/healthz", "/readyz", "/status", "/metrics"}

// checkRequest checks a command of curl against the OpenAPI document of the port that it calls.
func checkRequest(words []string) error {
	request, body, err := curl(words)
	if err != nil {
		return err
	}

	switch request.URL.Port() {
	case "9090":
		if !slices.Contains(adminPaths, request.URL.Path) {
			return fmt.Errorf("the admin port has no path %s", request.URL.Path)
		}

		return nil
	case "9091":
		return check(openapi.ConsoleAPI, request, body)
	case "9092":
		return check(openapi.ReceiverAPI, request, body)
	default:
		return fmt.Errorf("no document for the port of %s", request.URL)
	}
}

func check(document string, request *http.Request, body string) error {
	loaded, err := openapi.Load(document)
	if err != nil {
		return err
	}

	return loaded.CheckRequest(request, []byte(body))
}

// curl returns the request that curl would send. It knows the options that the pages use.
func curl(words []string) (*http.Request, string, error) {
	var (
		method, address, body string
		headers               []string
	)

	for i := 0; i < len(words); i++ {
		value := func() string {
			i++
			if i == len(words) {
				return ""
			}

			return words[i]
		}

		switch word := words[i]; word {
		case "-X":
			method = value()
		case "-H":
			headers = append(headers, value())
		case "-d":
			body = value()
		case "-f", "-N", "-s", "-sS", "-fsS":
		default:
			if strings.HasPrefix(word, "-") || address != "" {
				return nil, "", fmt.Errorf("this test does not know the option %s of curl", word)
			}

			address = word
		}
	}

	if address == "" {
		return nil, "", errors.New("no address")
	}

	if !strings.Contains(address, "://") {
		address = "http://" + address
	}

	if method == "" && body != "" {
		method = http.MethodPost
	}

	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, "", err
	}

	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}

	return request, body, nil
}
