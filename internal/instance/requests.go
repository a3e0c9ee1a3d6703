// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package instance

import (
	"crypto/sha256"
	"fmt"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// maxRequest is the MaxLength of the fields of the status that echo a request.
const maxRequest = 256

// RequestAnnotations are those by which a person asks for something once.
var RequestAnnotations = []string{v1alpha1.ReconcileRequestedAtAnnotation, v1alpha1.RebootRequestedAtAnnotation, v1alpha1.ApplyRequestedAtAnnotation}

// RequestOf returns the value of an annotation that asks for something once, as the status echoes it: one that is too long
// for that by its digest.
func RequestOf(resource metav1.Object, annotation string) string {
	value := resource.GetAnnotations()[annotation]
	if utf8.RuneCountInString(value) <= maxRequest {
		return value
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(value)))
}

// NewRequest returns the value of an annotation that asks for something, "" if it asks for nothing that was not handled. Where
// both values are times, one that is not later than the handled one asks for nothing: a tool that puts back what stands in Git
// does not ask again.
func NewRequest(resource metav1.Object, annotation, handled string) string {
	value := RequestOf(resource, annotation)
	if value == handled {
		return ""
	}
	asked, err1 := time.Parse(time.RFC3339, value)
	before, err2 := time.Parse(time.RFC3339, handled)
	if err1 == nil && err2 == nil && !asked.After(before) {
		return ""
	}
	return value
}
