// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/greenapi-operator/greenapi-operator/hack/controlplane/internal/progress"
)

// lockPoll is how often a taken lock is tried again.
const lockPoll = 200 * time.Millisecond

// lock takes the lock that the file at path stands for, and waits while another
// process holds it. The kernel frees it when its holder ends, however that
// happens, so no lock is ever stale. The file itself stays: removing it would
// let two processes hold locks on two files of one name.
func lock(ctx context.Context, path string, meter *progress.Meter) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	// Closing the file frees the lock.
	unlock = func() { _ = file.Close() }
	taken, err := tryLock(file)
	if err == nil && !taken {
		meter.Say("another call is getting kube-apiserver and etcd; waiting for it")
		err = meter.Run("waiting for another call", func() string { return "it shows its own progress" }, func() error {
			return waitLock(ctx, file)
		})
	}
	if err != nil {
		unlock()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return unlock, nil
}

func waitLock(ctx context.Context, file *os.File) error {
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if taken, err := tryLock(file); taken || err != nil {
				return err
			}
		}
	}
}

func tryLock(file *os.File) (taken bool, err error) {
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
