// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package testenv helps tests with the control plane of envtest: with its users, and with going without it. It is there for tests.
package testenv

import (
	"crypto/rand"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Start starts a control plane whose administrator has a token, and returns how to connect and how to stop it. envtest's own administrator
// has a certificate, which an API server checks anew at each request; that is a tenth of its work.
func Start(environment *envtest.Environment) (config *rest.Config, stop func() error, err error) {
	folder, err := os.MkdirTemp("", "testenv-")
	if err != nil {
		return nil, nil, err
	}
	end := func() error { return errors.Join(environment.Stop(), os.RemoveAll(folder)) }
	if err := start(environment, filepath.Join(folder, "tokens.csv")); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return environment.Config, end, nil
}

func start(environment *envtest.Environment, tokens string) error {
	token := rand.Text()
	if err := os.WriteFile(tokens, []byte(token+",admin,admin,"+user.SystemPrivilegedGroup+"\n"), 0o600); err != nil {
		return err
	}
	environment.ControlPlane.GetAPIServer().Configure().Set("token-auth-file", tokens)
	certified, err := environment.Start()
	if err != nil {
		return err
	}
	environment.Config = rest.AnonymousClientConfig(certified)
	environment.Config.BearerToken = token
	environment.KubeConfig, err = kubeconfigText(environment.Config)
	return err
}

// kubeconfigText knows no other credentials than a token.
func kubeconfigText(config *rest.Config) ([]byte, error) {
	const name = "test"
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	file.CurrentContext = name
	return clientcmd.Write(*file)
}

// Kubeconfig writes down how somebody connects, by a token or by nothing, and returns the path.
func Kubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	text, err := kubeconfigText(config)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, text)
}

func written(t *testing.T, kubeconfig []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// adding is held while a user is added: envtest numbers its certificates without a lock (controller-runtime v0.25.2).
var adding sync.Mutex

// KubeconfigOf adds a user to the control plane, who has no rights yet, and returns the path of how they connect.
func KubeconfigOf(t *testing.T, environment *envtest.Environment, user string) string {
	t.Helper()
	adding.Lock()
	defer adding.Unlock()
	added, err := environment.AddUser(envtest.User{Name: user}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := added.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	return written(t, text)
}

// SideBySide has so many tests run at a time, for a TestMain whose tests wait for processes most of the time.
func SideBySide(tests int) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(tests)); err != nil {
		panic(err)
	}
}

// CheckPureTests runs all tests of the calling package but the calling one where there is no control plane: those that are named
// pass, the others say the advice, and none goes on without.
func CheckPureTests(t *testing.T, advice string, pure ...string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.v", "-test.skip=^"+t.Name()+"$")
	command.Env = append(os.Environ(), "KUBEBUILDER_ASSETS=", "TEST_KUBECTL=")
	out, _ := command.CombinedOutput()
	text := string(out)
	for _, name := range pure {
		if !strings.Contains(text, "--- PASS: "+name+" ") {
			t.Errorf("%s does not pass without a control plane", name)
		}
	}
	if !strings.Contains(text, advice) {
		t.Error("nothing says what the other tests need")
	}
	if at := strings.Index(text, "panic: "); at >= 0 {
		t.Errorf("a test uses the control plane without asking for it:\n%s", text[at:])
	}
}
