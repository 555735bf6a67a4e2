//go:build scheduler

package main

import (
	"os"

	"k8s.io/component-base/cli"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// The bench compares with the stock scheduler; the tests do without it, and their program stays small.
func init() {
	parts["kube-scheduler"] = func() { os.Exit(cli.Run(scheduler.NewSchedulerCommand())) }
}
