// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/semaphore"
)

// maxReading bounds the bytes of long answers that are read and decoded at once, over all calls of a client. Usual answers
// are far shorter than usualBody and never wait; of those that are longer so many go on, each counted as maxBody, and the
// others wait as long as their calls may take. While it is decoded an answer takes several times its length, so this keeps
// what a host can make the process hold well below a pod's 256 MiB.
const maxReading = 16 << 20

var errNoRoom = errors.New("there is no room for another long answer")

// room is for the long answers that are read at once.
type room struct{ left *semaphore.Weighted }

func newRoom(bytes int64) *room { return &room{left: semaphore.NewWeighted(bytes)} }

// enter returns a body that takes its room once more than usualBody of it is read, and keeps it until leave.
func (r *room) enter(ctx context.Context, body io.Reader) *boundedBody {
	return &boundedBody{ctx: ctx, body: body, room: r, free: usualBody}
}

// boundedBody is the body of an answer, for one call.
type boundedBody struct {
	ctx  context.Context
	body io.Reader
	room *room
	free int
	held bool
}

// Read waits for room where the answer is a long one.
func (b *boundedBody) Read(p []byte) (int, error) {
	if !b.held && b.free <= 0 {
		if b.room.left.Acquire(b.ctx, maxBody) != nil {
			return 0, errNoRoom
		}
		b.held = true
	}
	if !b.held {
		p = p[:min(len(p), b.free)]
	}
	n, err := b.body.Read(p)
	b.free -= n
	return n, err
}

// leave gives the room back.
func (b *boundedBody) leave() {
	if b.held {
		b.room.left.Release(maxBody)
	}
}
