// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/cli/managerflags"
	"github.com/greenapi-operator/greenapi-operator/internal/plan"
)

func managerWith(namespace string, arguments ...string) client.Object {
	manager := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "manager", Labels: map[string]string{managerflags.Label: managerflags.Name}}}
	manager.Spec.Template.Spec.Containers = []corev1.Container{{Name: "manager", Args: arguments}}
	return manager
}

// TestDiffKnowsWhichSecretsTheManagerReads: what has not its labels is as good as missing for the operator.
func TestDiffKnowsWhichSecretsTheManagerReads(t *testing.T) {
	g := NewWithT(t)
	var flags vendorFlags
	command := &cobra.Command{}
	flags.bind(command)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "token"}}
	g.Expect(flags.unlabeled(secret, true)).To(BeEmpty(), "nothing is known of a manager")
	s := &session{IOStreams: genericiooptions.IOStreams{ErrOut: &bytes.Buffer{}}}
	manager := managerWith("a", "--secret-label-selector=team=shop", "--webhook-secret-label-selector=webhook=yes")
	g.Expect(flags.settle(t.Context(), s, fake.NewClientBuilder().WithScheme(newScheme()).WithObjects(manager).Build())).To(Succeed())
	g.Expect(flags.unlabeled(secret, false)).To(ContainSubstring("--secret-label-selector wants: team=shop"))
	secret.Labels = map[string]string{"team": "shop"}
	g.Expect(flags.unlabeled(secret, false)).To(BeEmpty())
	g.Expect(flags.unlabeled(secret, true)).To(ContainSubstring("--webhook-secret-label-selector wants: webhook=yes"))
	secret.Labels["webhook"] = "yes"
	g.Expect(flags.unlabeled(secret, true)).To(BeEmpty())

	d := &differ{vendor: flags}
	secret.Labels = nil
	secret.Data = map[string][]byte{"webhookUrlToken": []byte("w"), "apiTokenInstance": []byte("t0ken-of-tests-abcdef")}
	resource := &v1alpha1.WhatsAppInstance{ObjectMeta: metav1.ObjectMeta{Name: "line"}}
	resource.Spec.APITokenSecretRef.Name = "token"
	resource.Spec.Settings = &v1alpha1.WhatsAppSettings{CommonSettings: v1alpha1.CommonSettings{WebhookURLTokenSecretRef: &v1alpha1.SecretKeyReference{Name: "token"}}}
	cluster := fake.NewClientBuilder().WithScheme(newScheme()).WithObjects(secret).Build()
	desired := plan.Wishes(resource.TypedSettings())
	hold, err := d.addWebhookToken(t.Context(), cluster, resource, &desired)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(hold).To(ContainSubstring("--secret-label-selector wants"))
	_, err = flags.apiToken(t.Context(), cluster, resource)
	g.Expect(err).To(MatchError(ContainSubstring("--secret-label-selector wants")))
}

// TestFlagsAboutTheVendorAreSettled: the command line, else the environment, else the managers if they agree.
func TestFlagsAboutTheVendorAreSettled(t *testing.T) {
	g := NewWithT(t)
	settled := func(given []string, managers ...client.Object) (vendorFlags, string, error) {
		var flags vendorFlags
		var errOut bytes.Buffer
		command := &cobra.Command{}
		flags.bind(command)
		g.Expect(command.ParseFlags(given)).To(Succeed())
		s := &session{IOStreams: genericiooptions.IOStreams{ErrOut: &errOut}}
		err := flags.settle(t.Context(), s, fake.NewClientBuilder().WithScheme(newScheme()).WithObjects(managers...).Build())
		return flags, errOut.String(), err
	}
	one := managerWith("a", "--api-proxy=http://egress.example:3128", "--allowed-api-hosts=api.example")
	flags, said, err := settled(nil, one)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(flags.through.Host).To(Equal("egress.example:3128"))
	g.Expect(flags.hosts).To(Equal([]string{"api.example"}))
	g.Expect(said).To(Equal("note: --api-proxy, --allowed-api-hosts as Deployment a/manager has it\n"))

	flags, said, _ = settled(nil, one, managerWith("b", "--allowed-api-hosts=evil.example"))
	g.Expect(flags.hosts).NotTo(ContainElement("evil.example"), "a second Deployment must not decide where a token goes")
	g.Expect(flags.through).To(BeNil())
	g.Expect(said).To(ContainSubstring("several managers have different flags"))

	t.Setenv("GREENAPI_ALLOWED_API_HOSTS", "env.example")
	flags, _, _ = settled(nil, one)
	g.Expect(flags.hosts).To(Equal([]string{"env.example"}))
	flags, _, _ = settled([]string{"--allowed-api-hosts=line.example"}, one)
	g.Expect(flags.hosts).To(Equal([]string{"line.example"}))

	t.Setenv("GREENAPI_API_PROXY", "socks5://user:canary@host")
	_, said, err = settled(nil)
	g.Expect(err).To(HaveOccurred())
	g.Expect(err.Error() + said).NotTo(ContainSubstring("canary"))
}
