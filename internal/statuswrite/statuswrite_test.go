// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package statuswrite

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestAStatusIsPutOntoAFreshCopy: how often, and what ends it.
func TestAStatusIsPutOntoAFreshCopy(t *testing.T) {
	t.Parallel()
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "lines"}, "line", nil)
	broken := errors.New("connection refused")
	for name, c := range map[string]struct {
		answers       []error // of the writes, the last one for all that follow
		unread        error
		another       bool
		want          error
		writes, reads int
	}{
		"stored at once":            {answers: []error{nil}, writes: 1},
		"refused":                   {answers: []error{broken}, want: broken, writes: 1},
		"edited meanwhile":          {answers: []error{conflict, conflict, nil}, writes: 3, reads: 2},
		"edited without an end":     {answers: []error{conflict}, want: conflict, writes: 6, reads: 5},
		"not to be read":            {answers: []error{conflict}, unread: broken, want: broken, writes: 1, reads: 1},
		"somebody else's status":    {answers: []error{conflict}, another: true, want: conflict, writes: 1, reads: 1},
		"refused after an edit":     {answers: []error{conflict, broken}, want: broken, writes: 2, reads: 1},
		"stored with the last copy": {answers: []error{conflict, conflict, conflict, conflict, conflict, nil}, writes: 6, reads: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			writes, reads, carried := 0, 0, 0
			err := OntoFresh(func() error {
				g.Expect(carried).To(Equal(reads), "what is written is what was read last")
				writes++
				return c.answers[min(writes, len(c.answers))-1]
			}, func() (int, error) { reads++; return reads, c.unread }, func(fresh int) bool { carried = fresh; return !c.another })
			if c.want == nil {
				g.Expect(err).NotTo(HaveOccurred())
			} else {
				g.Expect(err).To(Equal(c.want))
			}
			g.Expect([]int{writes, reads}).To(Equal([]int{c.writes, c.reads}))
		})
	}
}
