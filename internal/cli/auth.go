// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/greenapi-operator/greenapi-operator/internal/cli/advice"
	"github.com/greenapi-operator/greenapi-operator/internal/instance"
)

// authFlags are the flags of auth.
type authFlags struct {
	vendor        vendorFlags
	timeout       time.Duration
	phone         string
	force, invert bool
}

func newAuth(s *session) *cobra.Command {
	var flags authFlags
	command := &cobra.Command{
		Use:   "auth NAME",
		Short: "Log a messenger's account in: show the QR code to scan, or a code to enter on the phone",
		Long: `Log a messenger's account in to an instance.

It shows the instance's QR code in the terminal, a new one as soon as the vendor makes one (every 20 seconds), until the
phone has scanned it. With --phone it shows a code to enter on the phone in its place, for WhatsApp only.

Neither code is written anywhere but to the terminal, and it is erased at the end. Whoever sees it meanwhile can link the
account, so mind who is looking.

The code needs a terminal with colors that is wide and high enough; else this says how large it must be. --force prints
the code anyway, in plain characters for light text on a dark background, or with --invert for dark text on a light one.

You need the rights to get the instance and its Secret, as for: kubectl get wai NAME; kubectl get secret NAME.

Exit codes: 0 the account is authorized, 1 it was not before --timeout was over, 2 it cannot be (the account is blocked or
suspended, the token is refused, ...), 130 after Ctrl-C.`,
		Example: `  # Show the QR code of an instance
  kubectl greenapi auth support-line

  # Enter a code on the phone, which needs no camera
  kubectl greenapi auth support-line --phone "+7 900 1234567"

  # Several kinds have an instance of that name
  kubectl greenapi auth maxi/support-line -n shop`,
		Args:              nameOfOne,
		ValidArgsFunction: s.completeNames,
		RunE: func(command *cobra.Command, arguments []string) error {
			return s.auth(command.Context(), arguments[0], flags)
		},
	}
	flags.vendor.bind(command)
	command.Flags().DurationVar(&flags.timeout, "timeout", 5*time.Minute, "How long to wait for the account to be authorized")
	command.Flags().StringVar(&flags.phone, "phone", "", "Ask for a code to enter on the phone with this number, such as 79001234567 (WhatsApp only)")
	command.Flags().BoolVar(&flags.force, "force", false, "Print the QR code even where there is no terminal, or one that is too small")
	command.Flags().BoolVar(&flags.invert, "invert", false, "Without colors, draw dark text on a light background")
	return command
}

func (s *session) auth(ctx context.Context, name string, flags authFlags) error {
	if flags.timeout <= 0 {
		return failf("Write a time such as --timeout=5m", "--timeout=%s is no time to wait", flags.timeout)
	}
	var phone int64
	if flags.phone != "" {
		var err error
		if phone, err = parsePhone(flags.phone); err != nil {
			return err
		}
	}
	cluster, err := s.client()
	if err != nil {
		return err
	}
	resource, err := s.findOne(ctx, cluster, name)
	if err != nil {
		return err
	}
	kind := instance.KindOf(resource)
	if phone != 0 && kind.Messenger != whatsApp {
		return failf("Leave --phone out, and scan the QR code", "%s: only WhatsApp logs in by a code for a phone number", advice.Title(resource))
	}
	if err := flags.vendor.settle(ctx, s, cluster); err != nil {
		return err
	}
	vendor, err := s.connect(ctx, cluster, resource, flags.vendor)
	if err != nil {
		return err
	}
	l := &login{session: s, flags: flags, phone: phone, instance: resource, cluster: cluster, vendor: vendor, pace: 5 * time.Second}
	if kind.Messenger == whatsApp {
		l.pace = 2 * time.Second
	}
	return l.run(ctx)
}

// whatsApp is the Messenger of the kind that logs in by code and has statuses.
const whatsApp = "whatsapp"

var phonePattern = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)

// parsePhone reads an international phone number (E.164: at most 15 digits).
func parsePhone(text string) (int64, error) {
	digits := strings.TrimPrefix(strings.Join(strings.Fields(text), ""), "+")
	number, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !phonePattern.MatchString(digits) {
		return 0, failf("Write it with the code of its country, 7 to 15 digits, such as 79001234567", "--phone %q is no phone number", text)
	}
	return number, nil
}
