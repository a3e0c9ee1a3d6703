// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package greenapi

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/greenapi-operator/greenapi-operator/internal/canary"
)

// TestR24OnlyPublicAddressesMayGetAToken goes through the registries of special-purpose addresses, at the edges of each
// network.
func TestR24OnlyPublicAddressesMayGetAToken(t *testing.T) {
	for _, public := range []string{
		"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0",
		"192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2001:4860:4860::8888", "2a00::1", "2606:4700::1111", "3ffe::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
	} {
		if !publicAddress(netip.MustParseAddr(public)) {
			t.Errorf("%s is refused", public)
		}
	}
	for _, special := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254",
		"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.171", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:8.8.8.8",
		"64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::", "64:ff9b:1::808:808", "100::1", "2001::1", "2001:0:808:808::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
		"2002:7f00:1::", "2002:a00:1::", "2002:808:808::", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
	} {
		if publicAddress(netip.MustParseAddr(special)) {
			t.Errorf("%s is taken for public", special)
		}
	}
	if publicAddress(netip.Addr{}) {
		t.Error("no address is taken for public")
	}
}

// nameServer answers questions for addresses, each name with its own answers, one list after the other.
type nameServer struct {
	mu      sync.Mutex
	answers map[string][][]string
	asked   map[string]int
}

// newNameServer returns a resolver that asks it.
func newNameServer(t *testing.T, answers map[string][][]string) (*nameServer, *net.Resolver) {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := &nameServer{answers: answers, asked: map[string]int{}}
	go s.serve(conn)
	return s, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (s *nameServer) serve(conn net.PacketConn) {
	packet := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(packet[:n]) != nil || len(message.Questions) != 1 {
			continue
		}
		s.answer(&message)
		if packed, err := message.Pack(); err == nil {
			_, _ = conn.WriteTo(packed, from)
		}
	}
}

func (s *nameServer) answer(message *dnsmessage.Message) {
	question := message.Questions[0]
	message.Response, message.RecursionAvailable, message.Additionals = true, true, nil
	name := strings.TrimSuffix(question.Name.String(), ".")
	header := dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, Type: question.Type}
	for _, text := range s.next(name, question.Type) {
		ip := netip.MustParseAddr(text)
		switch {
		case question.Type == dnsmessage.TypeA && ip.Is4():
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: ip.As4()}})
		case question.Type == dnsmessage.TypeAAAA && ip.Is6():
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
}

// next returns the answer to the next question for a name and type; the last one stays.
func (s *nameServer) next(name string, kind dnsmessage.Type) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lists := s.answers[name]
	if len(lists) == 0 {
		return nil
	}
	at := min(s.asked[name+kind.String()], len(lists)-1)
	s.asked[name+kind.String()]++
	return lists[at]
}

// asks is how often somebody asked for a name's addresses of the older kind.
func (s *nameServer) asks(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name+dnsmessage.TypeA.String()]
}

// TestR24NoNameLeadsATokenIntoAPrivateNetwork asks a name server of its own, which answers with special addresses.
func TestR24NoNameLeadsATokenIntoAPrivateNetwork(t *testing.T) {
	inside := canary.NewPlace(t)
	addresses := []string{
		"127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.3.4", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.1.2.3",
		"fd00::1", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:0:7f00:1::1",
	}
	answers := map[string][][]string{"all.api.green-api.com": {addresses}}
	for _, address := range addresses {
		answers[strings.NewReplacer(".", "-", ":", "-").Replace("x"+address+"x")+".api.green-api.com"] = [][]string{{address}}
	}
	server, resolver := newNameServer(t, answers)
	for name, list := range answers {
		client := newClient(Options{Timeout: time.Minute, AllowedHosts: DefaultAllowedHosts, UserAgent: "test"}, resolver)
		instance, err := client.Instance(Target{Origin: mustOrigin(t, "https://"+name), ID: 1, Token: testToken, AccountMethod: MethodGetWaSettings})
		if err != nil {
			t.Fatal(err)
		}
		for method, call := range calls(t.Context(), instance) {
			err := call()
			if endpoint, ok := errors.AsType[*EndpointError](err); !ok || !endpoint.Resolved || !TookNoEffect(err) {
				t.Errorf("%s to a name that is %v: %v, want an EndpointError", method, list, err)
			}
		}
		// Where somebody listens.
		if conn, err := client.newDialer().DialContext(t.Context(), "tcp", net.JoinHostPort(name, inside.Port())); !errors.Is(err, errAddressRefused) {
			t.Errorf("a dial to a name that is %v: %v, %v", list, conn, err)
		}
		if server.asks(name) == 0 {
			t.Errorf("nobody asked for %s", name)
		}
	}
	inside.Untouched("names")

	// The same dial gets there if it is permitted: the names do lead to where somebody listens.
	client := newClient(Options{AllowedHosts: DefaultAllowedHosts, Insecure: true}, resolver)
	conn, err := client.newDialer().DialContext(t.Context(), "tcp", net.JoinHostPort("x127-0-0-1x.api.green-api.com", inside.Port()))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// TestR24EveryDialIsLookedAt: a name that is public at first and private later, or both at once, leads no dial inside.
func TestR24EveryDialIsLookedAt(t *testing.T) {
	_, resolver := newNameServer(t, map[string][][]string{
		"later.api.green-api.com": {{"8.8.8.8"}, {"127.0.0.1"}},
		"both.api.green-api.com":  {{"8.8.8.8", "127.0.0.1", "::1", "10.0.0.1"}},
	})
	inside := canary.NewPlace(t)
	for _, name := range []string{"later.api.green-api.com", "both.api.green-api.com"} {
		client := newClient(Options{AllowedHosts: DefaultAllowedHosts}, resolver)
		dialer := client.newDialer()
		check, permitted, refused := dialer.ControlContext, []string(nil), 0
		var mu sync.Mutex
		dialer.ControlContext = func(ctx context.Context, network, address string, conn syscall.RawConn) error {
			mu.Lock()
			defer mu.Unlock()
			if err := check(ctx, network, address, conn); err != nil {
				refused++
				return err
			}
			permitted = append(permitted, address)
			// No packet of a test leaves the machine.
			return errors.New("permitted")
		}
		for range 3 {
			if _, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(name, inside.Port())); err == nil {
				t.Errorf("%s: a dial gets through", name)
			}
		}
		if len(permitted) == 0 || slices.ContainsFunc(permitted, func(address string) bool { return !strings.HasPrefix(address, "8.8.8.8:") }) || refused == 0 {
			t.Errorf("%s: permitted %v, refused %d", name, permitted, refused)
		}
	}
	inside.Untouched("names that change")
}
