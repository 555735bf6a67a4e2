// One binary with the parts of a Kubernetes control plane that the tests need: its first argument
// names the part, the rest are that part's own flags.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: control-plane etcd|kube-apiserver FLAGS... | key")
		os.Exit(2)
	}
	part := os.Args[1]
	os.Args = append([]string{part}, os.Args[2:]...)
	switch part {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "key":
		if err := writeKey(); err != nil {
			fmt.Fprintln(os.Stderr, "control-plane key:", err)
			os.Exit(1)
		}
	default:
		fmt.Fprintf(os.Stderr, "control-plane: no part named %q; expected etcd, kube-apiserver or key\n", part)
		os.Exit(2)
	}
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
