// What the stock scheduler finds feasible: reads clusters from standard input, one JSON object a line, asks the default
// plugins of the stock scheduler (PreEnqueue, PreFilter, Filter) of each waiting pod, and writes one line a cluster.
// Nothing is scheduled, and no server is asked. With the argument "in-turn" the waiting pods are placed one after another instead;
// of nodes that score the same the same one is drawn each time.
//
//go:debug randautoseed=0
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
)

// cluster is what is asked about.
type cluster struct {
	Namespaces []*v1.Namespace `json:"namespaces"`
	Nodes      []*v1.Node      `json:"nodes"`
	// Pods that stand, are nominated or are over, of any scheduler.
	Pods []*v1.Pod `json:"pods"`
	// Pods that wait: each is asked about alone.
	Waiting []*v1.Pod `json:"waiting"`
}

// answer is what the stock scheduler finds for a waiting pod.
type answer struct {
	Pod      string   `json:"pod"`
	Feasible []string `json:"feasible"`
	// Which plugin rules a node out, and its words.
	RuledOut map[string]string `json:"ruled_out"`
}

// world is what the plugins look at: another cluster for each line.
type world struct {
	*cache.Snapshot
	nominated map[string][]fwk.PodInfo
}

func (w *world) AddNominatedPod(klog.Logger, fwk.PodInfo, *framework.NominatingInfo) {}
func (w *world) DeleteNominatedPodIfExists(*v1.Pod)                                  {}
func (w *world) UpdateNominatedPod(klog.Logger, *v1.Pod, fwk.PodInfo)                {}
func (w *world) NominatedPodsForNode(node string) []fwk.PodInfo                      { return w.nominated[node] }

// scheduler is the default profile, with what it looks at.
type scheduler struct {
	framework.Framework
	world     *world
	informers informers.SharedInformerFactory
}

func main() {
	ask := askEach
	if slices.Equal(os.Args[1:], []string{"in-turn"}) {
		ask = placeInTurn
	}
	if err := run(context.Background(), ask, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "feasible:", err)
		os.Exit(1)
	}
}

// asking makes what answers for a cluster.
type asking func(context.Context) (func(*cluster) (any, error), error)

func askEach(ctx context.Context) (func(*cluster) (any, error), error) {
	stock, err := newScheduler(ctx)
	return func(asked *cluster) (any, error) { return stock.ask(ctx, asked) }, err
}

func placeInTurn(ctx context.Context) (func(*cluster) (any, error), error) {
	return func(asked *cluster) (any, error) { return inTurn(ctx, asked) }, nil
}

func run(ctx context.Context, ask asking, in io.Reader, out io.Writer) error {
	answer, err := ask(ctx)
	if err != nil {
		return err
	}
	lines := json.NewDecoder(bufio.NewReader(in))
	// A word that no object has is a mistake of who asks.
	lines.DisallowUnknownFields()
	answers := json.NewEncoder(out)
	for {
		var asked cluster
		if err := lines.Decode(&asked); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		found, err := answer(&asked)
		if err != nil {
			return err
		}
		if err := answers.Encode(found); err != nil {
			return err
		}
	}
}

func newScheduler(ctx context.Context) (*scheduler, error) {
	metrics.Register()
	config, err := latest.Default()
	if err != nil {
		return nil, err
	}
	// Plugins want a client, and use none here.
	client, err := kubernetes.NewForConfig(&rest.Config{})
	if err != nil {
		return nil, err
	}
	stock := &scheduler{world: &world{}, informers: informers.NewSharedInformerFactory(client, 0)}
	stock.Framework, err = runtime.NewFramework(ctx, plugins.NewInTreeRegistry(), &config.Profiles[0],
		runtime.WithClientSet(client),
		runtime.WithInformerFactory(stock.informers),
		runtime.WithSnapshotSharedLister(stock.world),
		runtime.WithPodNominator(stock.world),
	)
	return stock, err
}

func (s *scheduler) ask(ctx context.Context, asked *cluster) ([]answer, error) {
	if err := s.look(asked); err != nil {
		return nil, err
	}
	answers := make([]answer, 0, len(asked.Waiting))
	for _, pod := range asked.Waiting {
		found, err := s.askOf(ctx, pod)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pod.Name, err)
		}
		answers = append(answers, found)
	}
	return answers, nil
}

// look makes the cluster what the plugins see.
func (s *scheduler) look(asked *cluster) error {
	namespaces := make([]any, 0, len(asked.Namespaces))
	for _, namespace := range asked.Namespaces {
		namespaces = append(namespaces, namespace)
	}
	store := s.informers.Core().V1().Namespaces().Informer().GetStore()
	if err := store.Replace(namespaces, ""); err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, node := range asked.Nodes {
		known[node.Name] = true
	}
	var standing []*v1.Pod
	s.world.nominated = make(map[string][]fwk.PodInfo)
	for _, pod := range asked.Pods {
		// The scheduler asks its server for pods that are not over.
		over := pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
		nominated := pod.Status.NominatedNodeName
		switch {
		case over:
		case known[pod.Spec.NodeName]:
			standing = append(standing, pod)
		case pod.Spec.NodeName == "" && nominated != "":
			info, err := framework.NewPodInfo(pod)
			if err != nil {
				return err
			}
			s.world.nominated[nominated] = append(s.world.nominated[nominated], info)
		}
	}
	s.world.Snapshot = cache.NewSnapshot(standing, asked.Nodes)
	return nil
}

func (s *scheduler) askOf(ctx context.Context, pod *v1.Pod) (answer, error) {
	found := answer{Pod: pod.Namespace + "/" + pod.Name, Feasible: []string{}, RuledOut: make(map[string]string)}
	nodes, err := s.world.NodeInfos().List()
	if err != nil {
		return found, err
	}
	everywhere := func(why string) (answer, error) {
		for _, node := range nodes {
			found.RuledOut[node.Node().Name] = why
		}
		return found, nil
	}
	for _, plugin := range s.PreEnqueuePlugins() {
		if status := plugin.PreEnqueue(ctx, pod); !status.IsSuccess() {
			return everywhere(words(plugin.Name(), status))
		}
	}
	state := framework.NewCycleState()
	some, status, by := s.RunPreFilterPlugins(ctx, state, pod)
	if !status.IsSuccess() && !status.IsRejected() {
		return found, status.AsError()
	}
	if !status.IsSuccess() {
		return everywhere(words(status.Plugin(), status))
	}
	for _, node := range nodes {
		name := node.Node().Name
		if !some.AllNodes() && !some.NodeNames.Has(name) {
			found.RuledOut[name] = fmt.Sprint(sets.List(by), " by name")
			continue
		}
		status := s.RunFilterPluginsWithNominatedPods(ctx, state, pod, node)
		switch {
		case status.IsSuccess():
			found.Feasible = append(found.Feasible, name)
		case status.IsRejected():
			found.RuledOut[name] = words(status.Plugin(), status)
		default:
			return found, status.AsError()
		}
	}
	slices.Sort(found.Feasible)
	return found, nil
}

func words(plugin string, status *fwk.Status) string {
	return plugin + ": " + status.Message()
}
