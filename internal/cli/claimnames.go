// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// longestName is how long the name of a claim may be, since a label has it.
const longestName = validation.LabelValueMaxLength

// claimPlace is where the claim of an instance belongs.
type claimPlace struct {
	types.NamespacedName
	// usual: the claim has the name of the instance without naming it: ownerKey/namespace/name.
	usual bool
	// owned: the name begins with the owner key and the namespace, so that the account need not name it.
	owned bool
}

// placeFor says where the claim of an instance belongs, by the name of the instance: in the namespace that stands in the name, else
// in the one that is given.
func placeFor(ownerKey, namespace, name string, id int64) claimPlace {
	rest, ok := strings.CutPrefix(name, ownerKey+"/")
	owner, last, also := strings.Cut(rest, "/")
	if !ok || !also || last == "" || len(validation.IsDNS1123Label(owner)) > 0 {
		return claimPlace{NamespacedName: types.NamespacedName{Namespace: namespace, Name: nameLike(name, id)}}
	}
	if len(validation.IsDNS1123Label(last)) == 0 {
		return claimPlace{NamespacedName: types.NamespacedName{Namespace: owner, Name: last}, usual: true, owned: true}
	}
	return claimPlace{NamespacedName: types.NamespacedName{Namespace: owner, Name: nameLike(last, id)}, owned: true}
}

// nameLike makes the name of a resource of what people call an instance: small letters, digits and hyphens. Of a name in another
// alphabet too little would be left, so that it is line-NUMBER.
func nameLike(text string, id int64) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.IsLetter(r):
			return fmt.Sprintf("line-%d", id)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := b.String()
	if name = strings.Trim(name[:min(len(name), longestName)], "-"); name == "" {
		return fmt.Sprintf("line-%d", id)
	}
	return name
}

// apart gives a claim another name if something in its namespace has that already, and takes the name down. Two instances have two
// numbers, so that the second name is free but for what somebody named so on purpose.
func (p *claimPlace) apart(taken map[types.NamespacedName]bool, id int64) {
	base := p.Name
	for more := fmt.Sprintf("-%d", id); taken[p.NamespacedName]; more += "-x" {
		p.usual = false
		p.Name = strings.TrimRight(base[:min(len(base), longestName-len(more))], "-") + more
	}
	taken[p.NamespacedName] = true
}
