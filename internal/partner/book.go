// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/greenapi-operator/greenapi-operator/internal/greenapi"
)

// Interest is what a claim needs of the lists of its account.
type Interest struct {
	// Name and ID of the instance at the vendor; 0 while no number is known.
	Name string
	ID   int64
	// Messenger is what the instance is expected to be.
	Messenger string
	// Token: the next list is to keep the token of the instance, and the claim looks at it.
	Token bool
	// Every: without ListAt, the claim looks at every list, since it has no instance that is in order.
	Every bool
	// ListAt is when a list is to be begun for the claim: it waits for one that is begun no sooner. The zero time: it waits for none,
	// and wants to hear if its instance is not as it was.
	ListAt time.Time
}

// Book has the last good list of each account, and who waits for the next. It lets whoever reads lists know when one is wanted, and
// whoever claims instances when one has come, by the functions that it was given. The zero value is ready to use.
type Book struct {
	mu    sync.Mutex
	pages map[string]*page
	// wantsList is called when a list of an account is wanted sooner than before, hasNews when a claim should look; neither may call
	// back.
	wantsList func(account string)
	hasNews   func(claim types.NamespacedName)
}

type page struct {
	list      *List
	api       *greenapi.Partner
	interests map[types.NamespacedName]Interest
	// creates are the calls within the last hour that this process made, or may have.
	creates []Create
}

// OnWanted sets what is called when a list of an account is wanted. It is called with a lock held: it may not call back.
func (b *Book) OnWanted(call func(account string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wantsList = call
}

// OnNews sets what is called when a claim should look. It is called with a lock held: it may not call back.
func (b *Book) OnNews(call func(claim types.NamespacedName)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hasNews = call
}

func (b *Book) page(account string) *page {
	if b.pages == nil {
		b.pages = map[string]*page{}
	}
	p := b.pages[account]
	if p == nil {
		p = &page{interests: map[types.NamespacedName]Interest{}}
		b.pages[account] = p
	}
	return p
}

// Put takes down a good list, and the API of the account that it was read from.
func (b *Book) Put(account string, list *List, api *greenapi.Partner) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(account)
	p.list, p.api = list, api
	for claim, interest := range p.interests {
		if interest.concerned(list) && b.hasNews != nil {
			b.hasNews(claim)
		}
	}
}

// Drop forgets the list of an account, of which nothing may be concluded any more.
func (b *Book) Drop(account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[account]
	if p == nil || p.list == nil {
		return
	}
	p.list, p.api = nil, nil
	for claim, interest := range p.interests {
		if !interest.ListAt.IsZero() && b.hasNews != nil {
			b.hasNews(claim)
		}
	}
}

// Note takes down a call that is about to buy an instance of an account. It outlives an account that is deleted and made anew.
func (b *Book) Note(account string, create Create, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(account)
	p.creates = append(recent(p.creates, now), create)
}

// Creates returns the calls within the last hour that this process made for an account, or may have.
func (b *Book) Creates(account string, now time.Time) []Create {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.pages[account]; p != nil {
		return recent(p.creates, now)
	}
	return nil
}

// List returns the last good list of an account and the API that it was read from, nil if there is none.
func (b *Book) List(account string) (*List, *greenapi.Partner) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.pages[account]; p != nil {
		return p.list, p.api
	}
	return nil, nil
}

// Watch takes down what a claim needs. If that came meanwhile, the claim hears at once.
func (b *Book) Watch(account string, claim types.NamespacedName, interest Interest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(account)
	if interest.ListAt.IsZero() {
		p.interests[claim] = interest
		return
	}
	if p.list != nil && !p.list.Begun.Before(interest.ListAt) {
		p.interests[claim] = interest
		if b.hasNews != nil {
			b.hasNews(claim)
		}
		return
	}
	// What was wanted once and is no more counts for nothing: nobody reads a list because of it.
	before := p.due()
	p.interests[claim] = interest
	if (before.IsZero() || interest.ListAt.Before(before)) && b.wantsList != nil {
		b.wantsList(account)
	}
}

// Forget forgets what a claim needs.
func (b *Book) Forget(claim types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pages {
		delete(p.interests, claim)
	}
}

// Due is when a list of an account is wanted first, the zero time if nobody waits for one.
func (b *Book) Due(account string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[account]
	if p == nil {
		return time.Time{}
	}
	return p.due()
}

func (p *page) due() time.Time {
	var due time.Time
	for _, interest := range p.interests {
		at := interest.ListAt
		if at.IsZero() || (p.list != nil && !p.list.Begun.Before(at)) {
			continue
		}
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	return due
}

// Asked returns of which rows of the next list of an account the token is needed.
func (b *Book) Asked(account string) func(greenapi.Row) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	names, numbers := map[string]bool{}, map[int64]bool{}
	if p := b.pages[account]; p != nil {
		for _, interest := range p.interests {
			switch {
			case !interest.Token:
			case interest.ID != 0:
				numbers[interest.ID] = true
			default:
				names[interest.Name] = true
			}
		}
	}
	return func(row greenapi.Row) bool { return !row.Deleted && (numbers[row.ID] || names[row.Name]) }
}

// concerned reports whether a claim is to look at a list.
func (i Interest) concerned(list *List) bool {
	if !i.ListAt.IsZero() {
		return !list.Begun.Before(i.ListAt)
	}
	row, there := list.ByID(i.ID)
	return i.Every || i.Token || i.ID != 0 && (!there || row.Deleted || (row.Messenger != "" && row.Messenger != i.Messenger))
}
