// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	// maxSkew is the difference of clocks that Amazon accepts.
	maxSkew   = 15 * time.Minute
	streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	unsigned  = "UNSIGNED-PAYLOAD"
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// signed is a request whose signature, version 4, is to be checked.
type signed struct {
	at        string // X-Amz-Date
	scope     string // date/region/s3/aws4_request
	key       []byte
	signature string
}

// verify checks the signature of a request and its body, and returns the body.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func (s *Server) verify(r *http.Request) ([]byte, *refusal) {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	if !ok {
		return nil, &refusal{http.StatusForbidden, "AccessDenied"}
	}

	given := map[string]string{}

	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		given[name] = value
	}

	id, scope, _ := strings.Cut(given["Credential"], "/")
	if id != s.KeyID {
		return nil, &refusal{http.StatusForbidden, "InvalidAccessKeyId"}
	}

	at := r.Header.Get("X-Amz-Date")

	sent, err := time.Parse(timeFormat, at)
	if err != nil || s.now().Sub(sent).Abs() > maxSkew {
		return nil, &refusal{http.StatusForbidden, "RequestTimeTooSkewed"}
	}

	if scope != at[:8]+"/"+s.Region+"/s3/aws4_request" {
		return nil, &refusal{http.StatusBadRequest, "AuthorizationHeaderMalformed"}
	}

	one := signed{at, scope, s.signingKey(at[:8]), given["Signature"]}
	if !hmac.Equal([]byte(one.sign(algorithm+"\n"+at+"\n"+scope+"\n"+hexSum([]byte(canonical(r, given["SignedHeaders"]))))), []byte(one.signature)) {
		return nil, &refusal{http.StatusForbidden, "SignatureDoesNotMatch"}
	}

	return one.body(r)
}

func (s *Server) signingKey(date string) []byte {
	key := []byte("AWS4" + s.Key)
	for _, part := range []string{date, s.Region, "s3", "aws4_request"} {
		key = mac(key, part)
	}

	return key
}

func (s signed) sign(text string) string { return hex.EncodeToString(mac(s.key, text)) }

// canonical returns the canonical request.
func canonical(r *http.Request, signedHeaders string) string {
	var query []string

	for name, values := range r.URL.Query() {
		for _, value := range values {
			query = append(query, escape(name, "")+"="+escape(value, ""))
		}
	}

	slices.Sort(query)

	lines := []string{r.Method, escape(r.URL.Path, "/"), strings.Join(query, "&")}

	for name := range strings.SplitSeq(signedHeaders, ";") {
		value := strings.Join(r.Header.Values(name), ",")

		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}

		lines = append(lines, name+":"+strings.TrimSpace(value))
	}

	return strings.Join(append(lines, "", signedHeaders, r.Header.Get("X-Amz-Content-Sha256")), "\n")
}

// escape escapes all but unreserved characters and those of kept.
func escape(text, kept string) string {
	var b strings.Builder

	for _, c := range []byte(text) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if letter || '0' <= c && c <= '9' || strings.IndexByte("-._~"+kept, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
		}
	}

	return b.String()
}

// body returns the body of a request after a check of its hash or of the signatures of its chunks.
func (s signed) body(r *http.Request) ([]byte, *refusal) {
	sum := r.Header.Get("X-Amz-Content-Sha256")

	if sum == streaming {
		return s.chunks(r)
	}

	content, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "IncompleteBody"}
	}

	if sum != unsigned && sum != hexSum(content) {
		return nil, &refusal{http.StatusBadRequest, "XAmzContentSHA256Mismatch"}
	}

	return content, nil
}

// chunks returns the content of a body whose chunks are signed.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func (s signed) chunks(r *http.Request) ([]byte, *refusal) {
	var content bytes.Buffer

	body := bufio.NewReader(io.LimitReader(r.Body, maxBody))
	previous := s.signature

	for {
		head, err := body.ReadString('\n')
		if err != nil {
			return nil, &refusal{http.StatusBadRequest, "IncompleteBody"}
		}

		length, signature, _ := strings.Cut(strings.TrimSpace(head), ";chunk-signature=")

		size, err := strconv.ParseInt(length, 16, 32)
		if err != nil {
			return nil, &refusal{http.StatusBadRequest, "IncompleteBody"}
		}

		chunk := make([]byte, size+2) // ends with a line break
		if _, err := io.ReadFull(body, chunk); err != nil {
			return nil, &refusal{http.StatusBadRequest, "IncompleteBody"}
		}

		chunk = chunk[:size]

		text := algorithm + "-PAYLOAD\n" + s.at + "\n" + s.scope + "\n" + previous + "\n" + emptyHash + "\n" + hexSum(chunk)
		if signature != s.sign(text) {
			return nil, &refusal{http.StatusForbidden, "SignatureDoesNotMatch"}
		}

		if previous = signature; size == 0 {
			break
		}

		content.Write(chunk)
	}

	if want := r.Header.Get("X-Amz-Decoded-Content-Length"); want != strconv.Itoa(content.Len()) {
		return nil, &refusal{http.StatusBadRequest, "IncompleteBody"}
	}

	return content.Bytes(), nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))

	return h.Sum(nil)
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)

	return hex.EncodeToString(sum[:])
}

// bucketAndKey returns the bucket and the key of a request with the bucket in its host name or in its path.
func (s *Server) bucketAndKey(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if strings.HasPrefix(r.Host, s.Bucket+".") {
		return s.Bucket, path
	}

	bucket, key, _ = strings.Cut(path, "/")

	return bucket, key
}
