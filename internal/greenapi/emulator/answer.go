// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Codes of the vendor's own (documented among the common errors).
const (
	statusQuota        = 466
	statusClientClosed = 499
)

// The vendor's texts (documented among the common errors and with the methods).
const (
	messageStarting      = "instance in starting process try later"
	messageNotAuthorized = "instance is starting or not authorized"
	messageExpired       = "Instance account is expired. Renew your instance from personal area"
	messageDeleted       = "Instance is deleted"
	messageValidation    = "Validation failed. Details: "
	messageBadRequest    = "bad request data"
)

// answer is what goes back to the caller.
type answer struct {
	status int
	header map[string]string
	body   []byte
}

// jsonAnswer is an answer with a JSON body; value must be encodable.
func jsonAnswer(status int, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		return answer{status: http.StatusInternalServerError, body: []byte(err.Error())}
	}
	return answer{status: status, header: map[string]string{"Content-Type": "application/json; charset=utf-8"}, body: body}
}

// htmlAnswer is a page of the proxy in front of the vendor, seen with 404, 502 and 504.
func htmlAnswer(status int) answer {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	page := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
	return answer{status: status, header: map[string]string{"Content-Type": "text/html", "Server": "nginx"}, body: []byte(page)}
}

// refusal is an error as the vendor words it. Its path holds the API token, as the vendor's does.
func (x *exchange) refusal(status int, message string) answer {
	if x.echoToken {
		message += " (" + x.token + ")"
	}
	return jsonAnswer(status, map[string]any{
		"statusCode": status,
		"timestamp":  x.now.UTC().Format("2006-01-02T15:04:05.000Z"),
		"path":       x.path,
		"message":    message,
	})
}

// tooMany is the answer over the rate limit. Retry-After is not documented.
func (x *exchange) tooMany(retryAfter time.Duration) answer {
	out := x.refusal(http.StatusTooManyRequests, "Too Many Requests")
	if seconds := int(retryAfter / time.Second); seconds > 0 {
		out.header["Retry-After"] = fmt.Sprint(seconds)
	}
	return out
}

// fill replaces {id}, {method}, {token} and {path} in a scripted text by those of the call.
func (x *exchange) fill(text string) string {
	return strings.NewReplacer("{id}", fmt.Sprint(x.id), "{method}", x.method, "{token}", x.token, "{path}", x.path).Replace(text)
}

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}
