// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi/emulator"
)

// answerOf is what the emulator answers to a method.
func answerOf(tb testing.TB, method string) []byte {
	tb.Helper()
	vendor := emulator.New(emulator.Options{})
	vendor.Add(emulator.Instance{ID: 1, Token: testToken})
	recorder := httptest.NewRecorder()
	vendor.ServeHTTP(recorder, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/waInstance1/"+method+"/"+testToken, nil))
	if recorder.Code != http.StatusOK {
		tb.Fatalf("the emulator answers %s with %d", method, recorder.Code)
	}
	return recorder.Body.Bytes()
}

func benchmarkDecode[T any](b *testing.B, answer []byte, decode func([]byte) (T, string)) {
	b.Helper()
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if codeInBody(answer) != 0 {
			b.Fatal("the answer holds a code")
		}
		if _, what := decode(answer); what != "" {
			b.Fatal(what)
		}
	}
}

// BenchmarkState reads an answer of getStateInstance, from the body to what the operator uses.
func BenchmarkState(b *testing.B) {
	benchmarkDecode(b, answerOf(b, MethodGetStateInstance), decodeState)
}

// BenchmarkSettings reads an answer of getSettings.
func BenchmarkSettings(b *testing.B) {
	benchmarkDecode(b, answerOf(b, MethodGetSettings), decodeSettings)
}

// BenchmarkAccount reads an answer of getWaSettings.
func BenchmarkAccount(b *testing.B) {
	benchmarkDecode(b, answerOf(b, MethodGetWaSettings), decodeAccount)
}

// BenchmarkStatuses reads an answer of getIncomingStatuses with 1,000 entries, each with a picture.
func BenchmarkStatuses(b *testing.B) {
	entry := fmt.Sprintf(`{"type":"incoming","idMessage":"BAE5F4886F6F2D05","timestamp":%d,"typeMessage":"imageMessage","chatId":"status@broadcast",`+
		`"senderId":"79001234567@c.us","senderName":"Somebody","downloadUrl":"https://example.com/picture.jpg","jpegThumbnail":"%s"}`,
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix(), strings.Repeat("A", 1000))
	answer := "[" + strings.Repeat(entry+",", 999) + entry + "]"
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		summary := StatusSummary{ByType: map[string]int64{}}
		what, err := decodeStatuses(strings.NewReader(answer), func(entry statusEntry) string {
			summary.count(decodeValue(string(entry.Type)).Text, decodeValue(string(entry.Time)).Text)
			return ""
		})
		if what != "" || err != nil || summary.Total != 1000 {
			b.Fatal(what, err, summary.Total)
		}
	}
}

// BenchmarkConceal looks for a token in a text of the vendor's in which it is not.
func BenchmarkConceal(b *testing.B) {
	for _, text := range []string{"79001234567", strings.Repeat("https://example.com/avatar/", 4)} {
		b.Run(fmt.Sprintf("%d characters", len(text)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Conceal(text, testToken, "")
			}
		})
	}
}
