// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package quiet keeps answers of the API server out of the log.
package quiet

import (
	"context"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// Context has calls to the API server not log the bodies of answers, as client-go does at high levels: one may hold a token (R24), or
// what a status said of an account that shows no more (R36).
func Context(ctx context.Context) context.Context { return klog.NewContext(ctx, logr.Discard()) }
