// One binary with the parts of a Kubernetes control plane that the tests need: its first argument
// names the part, the rest are that part's own flags.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"slices"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// parts are what the program can be; a build with the tag "scheduler" knows the stock scheduler too.
var parts = map[string]func(){
	"etcd":           func() { etcdmain.Main(os.Args) },
	"kube-apiserver": func() { os.Exit(cli.Run(apiserver.NewAPIServerCommand())) },
	"key": func() {
		if err := writeKey(); err != nil {
			fmt.Fprintln(os.Stderr, "control-plane key:", err)
			os.Exit(1)
		}
	},
}

func main() {
	if len(os.Args) < 2 || parts[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: control-plane PART FLAGS...; the parts are", slices.Sorted(maps.Keys(parts)))
		os.Exit(2)
	}
	os.Args = os.Args[1:]
	parts[os.Args[0]]()
}

// writeKey prints a new private key, with which the API server signs tokens of service accounts.
func writeKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return pem.Encode(os.Stdout, &block)
}
