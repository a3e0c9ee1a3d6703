// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
)

// Names of the processes of a control plane, which their logs have too.
const (
	NameEtcd   = "etcd"
	NameServer = "kube-apiserver"
)

const (
	// StartTime is how long etcd and the API server may each take to start.
	StartTime = time.Minute
	// pulseInterval is how often it is looked whether they are there still, missedPulses how often they may not be.
	pulseInterval = time.Second
	missedPulses  = 3
)

// ControlPlane is an etcd and an API server of one's own.
type ControlPlane struct {
	environment *envtest.Environment
	logs        []*os.File
	// Config connects with all rights, once it is started.
	Config *rest.Config
}

// NewControlPlane prepares a control plane with its data below directory. Nothing is started.
func NewControlPlane(assets, directory, logs string) (*ControlPlane, error) {
	here := false
	p := &ControlPlane{environment: &envtest.Environment{
		// Whatever the environment says, no other cluster is touched.
		UseExistingCluster:       &here,
		ControlPlaneStartTimeout: StartTime,
		ControlPlaneStopTimeout:  planeStopTime,
	}}
	plane := &p.environment.ControlPlane
	etcd, server := &envtest.Etcd{}, plane.GetAPIServer()
	plane.Etcd = etcd
	// With a path of their own the environment's KUBEBUILDER_ASSETS does not count.
	etcd.Path, server.Path = filepath.Join(assets, "etcd"), filepath.Join(assets, "kube-apiserver")
	etcd.DataDir, server.CertDir = filepath.Join(directory, "etcd"), filepath.Join(directory, "kube-apiserver")
	plane.KubectlPath = "kubectl"
	for _, path := range []string{etcd.DataDir, server.CertDir} {
		if err := os.Mkdir(path, 0o700); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{NameEtcd, NameServer} {
		log, err := os.OpenFile(filepath.Join(logs, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		p.logs = append(p.logs, log)
	}
	etcd.Out, etcd.Err = p.logs[0], p.logs[0]
	server.Out, server.Err = p.logs[1], p.logs[1]
	return p, nil
}

// Start starts both and waits until they serve. It cannot be broken off; it takes some seconds.
func (p *ControlPlane) Start() error {
	config, err := p.environment.Start()
	if err != nil {
		return fmt.Errorf("cannot start etcd and kube-apiserver: %w", err)
	}
	p.Config = config
	return nil
}

// Admin returns a client with all rights, whose requests are not spaced. It connects.
func (p *ControlPlane) Admin() (client.Client, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	p.Config.QPS = -1
	return client.New(p.Config, client.Options{Scheme: scheme})
}

// Scheme returns one with Kubernetes' own kinds and the operator's.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))
}

// Watch tells onEnd when one of the two is no longer there.
func (p *ControlPlane) Watch(ctx context.Context, onEnd func(error)) {
	plane := &p.environment.ControlPlane
	go awaitEnd(ctx, NameServer, plane.APIServer.SecureServing.HostPort(), onEnd)
	go awaitEnd(ctx, NameEtcd, plane.Etcd.URL.Host, onEnd)
}

func awaitEnd(ctx context.Context, name, address string, onEnd func(error)) {
	ticker := time.NewTicker(pulseInterval)
	defer ticker.Stop()
	dialer := net.Dialer{Timeout: pulseInterval}
	for missed := 0; missed < missedPulses; missed++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if connection, err := dialer.DialContext(ctx, "tcp", address); err == nil {
			_ = connection.Close()
			missed = -1
		}
	}
	onEnd(&DiedError{Name: name, How: "nobody listens at its port any more"})
}

// AddUser makes a user without any rights, and writes how to connect as that user to a file.
func (p *ControlPlane) AddUser(name, file string) (*rest.Config, error) {
	user, err := p.environment.AddUser(envtest.User{Name: name}, &rest.Config{QPS: -1})
	if err != nil {
		return nil, err
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, err
	}
	return user.Config(), os.WriteFile(file, kubeconfig, 0o600)
}

// Stop ends both, whatever of them is there still.
func (p *ControlPlane) Stop() error {
	if p == nil {
		return nil
	}
	err := utilerrors.FilterOut(p.environment.Stop(), func(err error) bool { return errors.Is(err, syscall.ESRCH) })
	for _, log := range p.logs {
		err = errors.Join(err, log.Close())
	}
	return err
}
