package main

import (
	"context"
	"errors"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	stock "k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/profile"
)

// placed is where the stock scheduler puts a pod.
type placed struct {
	Pod string `json:"pod"`
	// None where it fits nowhere.
	Node string `json:"node"`
}

// inTurn places the waiting pods one after another as the stock scheduler does: its own Filter and Score plugins with its own weights,
// each pod on its node before the next is looked at. A pod that is nominated for a node goes there if it may.
func inTurn(ctx context.Context, asked *cluster) ([]placed, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Nothing of what it did for others is left in it.
	one, err := newInTurn(ctx)
	if err != nil {
		return nil, err
	}
	logger := klog.FromContext(ctx)
	for _, node := range asked.Nodes {
		one.Cache.AddNode(logger, node)
	}
	for _, pod := range asked.Pods {
		if err := one.Cache.AddPod(logger, pod); err != nil {
			return nil, err
		}
	}
	profile := one.Profiles[v1.DefaultSchedulerName]
	answers := make([]placed, 0, len(asked.Waiting))
	for _, pod := range asked.Waiting {
		answer := placed{Pod: pod.Namespace + "/" + pod.Name}
		found, err := one.SchedulePod(ctx, profile, framework.NewCycleState(), pod)
		var unfit *framework.FitError
		switch {
		case err == nil:
			answer.Node = found.SuggestedHost
			bound := pod.DeepCopy()
			bound.Spec.NodeName = found.SuggestedHost
			if err := one.Cache.AddPod(logger, bound); err != nil {
				return nil, err
			}
		case !errors.As(err, &unfit):
			return nil, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func newInTurn(ctx context.Context) (*stock.Scheduler, error) {
	// Plugins want a client, and use none here.
	client, err := kubernetes.NewForConfig(&rest.Config{})
	if err != nil {
		return nil, err
	}
	recorders := profile.RecorderFactory(func(string) events.EventRecorder { return nil })
	// One at a time, so that nodes are found in the same order each time.
	return stock.New(ctx, client, informers.NewSharedInformerFactory(client, 0), nil, recorders, stock.WithParallelism(1))
}
