//! A real control plane on loopback: etcd and the API server of the program in `tests/control-plane`, and requests to it. There is no kubelet and
//! no controller: a test plays them where it needs them. The bench uses it too.

#![allow(dead_code, reason = "the tests and the bench each use a part of this")]

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::{Method, Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::common::ports::free_port;
use crate::common::service::{PATIENCE, Service};
use crate::common::{read, scratch};

/// Who asks: anything is allowed to it.
const TOKEN: &str = "token-of-the-tests";
/// Connections that are kept.
const CONNECTIONS: usize = 32;
/// Names the program.
const PROGRAM: &str = "LEPTON_CONTROL_PLANE";

/// A program that ends with the test.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(args: &[String], log: &str) -> Self {
        let program = program();
        let log = || fs::OpenOptions::new().create(true).append(true).open(log).expect("writable");
        let child =
            Command::new(&program).args(args).stdin(Stdio::null()).stdout(log()).stderr(log()).spawn();
        Self(child.unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

fn program() -> String {
    std::env::var(PROGRAM).unwrap_or_else(|_| {
        panic!("{PROGRAM} names no program: run `cargo xtask test kubernetes`, which builds it")
    })
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running control plane.
pub(crate) struct ControlPlane {
    pub(crate) folder: String,
    port: u16,
    etcd_port: u16,
    server: Option<Program>,
    agent: Agent,
    _etcd: Program,
}

impl ControlPlane {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(name: &str) -> Self {
        let folder = scratch(&format!("kubernetes-{name}"));
        fs::create_dir_all(&folder).expect("writable");
        // A key for tokens of service accounts.
        let key = Command::new(program()).arg("key").output().expect("it starts");
        fs::write(format!("{folder}/sa.key"), key.stdout).expect("writable");
        fs::write(format!("{folder}/tokens.csv"), format!("{TOKEN},admin,1,\"system:masters\"\n"))
            .expect("writable");
        let (etcd_port, peers, port) = (free_port(), free_port(), free_port());
        let (clients, peers) = (format!("http://127.0.0.1:{etcd_port}"), format!("http://127.0.0.1:{peers}"));
        let args = [
            "etcd".to_owned(),
            format!("--data-dir={folder}/etcd"),
            format!("--listen-client-urls={clients}"),
            format!("--advertise-client-urls={clients}"),
            format!("--listen-peer-urls={peers}"),
            format!("--initial-advertise-peer-urls={peers}"),
            format!("--initial-cluster=default={peers}"),
            "--unsafe-no-fsync".to_owned(),
        ];
        let etcd = Program::start(&args, &format!("{folder}/etcd.log"));
        let agent = Agent::new_with_defaults();
        let mut plane = Self { folder, port, etcd_port, server: None, agent, _etcd: etcd };
        plane.run();
        plane
    }

    /// Starts the API server, also a second time on the same data.
    pub(crate) fn run(&mut self) {
        let folder = &self.folder;
        let args = [
            "kube-apiserver".to_owned(),
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.port),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--cert-dir={folder}/auto"),
            format!("--token-auth-file={folder}/tokens.csv"),
            "--authorization-mode=RBAC".to_owned(),
            "--anonymous-auth=false".to_owned(),
            "--service-account-issuer=https://localhost".to_owned(),
            format!("--service-account-key-file={folder}/sa.key"),
            format!("--service-account-signing-key-file={folder}/sa.key"),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            // Devices with taints are kept as they are told.
            "--feature-gates=DRADeviceTaints=true".to_owned(),
            // No controller makes service accounts here.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        self.server = Some(Program::start(&args, &format!("{folder}/kube-apiserver.log")));
        self.wait_for("it is ready", |plane| {
            let Ok(pem) = fs::read(format!("{}/auto/apiserver.crt", plane.folder)) else { return false };
            plane.agent = agent(&pem);
            plane.ask(Method::GET, "/readyz", None).0 == 200
        });
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts:\n- {{name: test, context: {{cluster: test, user: admin}}}}\n\
             clusters:\n- {{name: test, cluster: {{server: 'https://127.0.0.1:{}', certificate-authority: auto/apiserver.crt}}}}\n\
             users:\n- {{name: admin, user: {{token: {TOKEN}}}}}\n",
            self.port
        );
        fs::write(self.kubeconfig(), kubeconfig).expect("writable");
        // The namespace of the lease; it is there already where the API server starts again.
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lepton"}});
        self.ask(Method::POST, "/api/v1/namespaces", Some(&namespace));
    }

    pub(crate) fn kubeconfig(&self) -> String {
        format!("{}/kubeconfig", self.folder)
    }

    pub(crate) fn stop(&mut self) {
        self.server = None;
    }

    fn wait_for(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            let log = || read(&format!("{}/kube-apiserver.log", self.folder));
            assert!(begun.elapsed() < 2 * PATIENCE, "never: {what}; it said {}", log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Status and body of an answer; 0 where there is none.
    pub(crate) fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let form = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let request = Request::builder()
            .method(method)
            .uri(format!("https://127.0.0.1:{}{path}", self.port))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", form);
        let answer = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).expect("sound")),
            None => self.agent.run(request.body(()).expect("sound")),
        };
        let Ok(mut answer) = answer else { return (0, Value::Null) };
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Hands requests on to the API server, from any thread.
    pub(crate) fn gate(&self) -> Gate {
        let agent = self.agent.clone();
        Gate { agent, server: format!("https://127.0.0.1:{}", self.port) }
    }

    /// What changes under a path from now on, line by line, until it is dropped.
    pub(crate) fn watch(&self, path: &str) -> impl Read + Send + use<> {
        let list = self.get(&format!("{path}?limit=1"));
        let version = list["metadata"]["resourceVersion"].as_str().expect("a list has one");
        let request = Request::builder()
            .uri(format!("https://127.0.0.1:{}{path}?watch=1&resourceVersion={version}", self.port))
            .header("authorization", format!("Bearer {TOKEN}"));
        let request = self.agent.configure_request(request.body(()).expect("sound"));
        let answer = self.agent.run(request.timeout_global(None).build()).expect("it answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.into_body().into_with_config().limit(u64::MAX).reader()
    }

    fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.must(Method::GET, path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.must(Method::POST, path, Some(body))
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Value {
        self.must(Method::PATCH, path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) {
        self.must(Method::DELETE, path, Some(&json!({"gracePeriodSeconds": 0})));
    }

    /// A node that is ready, with 8 cores, 32 GiB and so many GPUs.
    pub(crate) fn node(&self, name: &str, gpus: u32, labels: &Value, taints: &Value) {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
        self.post("/api/v1/nodes", &node);
        let mut amounts = json!({"cpu": "8", "memory": "32Gi", "pods": "110"});
        if gpus > 0 {
            amounts["nvidia.com/gpu"] = gpus.to_string().into();
        }
        let path = format!("/api/v1/nodes/{name}");
        let ready = json!([{"type": "Ready", "status": "True", "reason": "KubeletReady"}]);
        let status = json!({"status": {"capacity": amounts, "allocatable": amounts, "conditions": ready}});
        self.patch(&format!("{path}/status"), &status);
        // Without a controller nobody else takes the taint of a new node away.
        self.patch(&path, &json!({"spec": {"taints": taints}}));
    }

    /// A pod of this scheduler; `spec` adds to it or changes it.
    pub(crate) fn pod(&self, name: &str, scheduler: &str, requests: &Value, spec: &Value, meta: &Value) {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {
                "schedulerName": scheduler, "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "main", "image": "none", "resources": {"requests": requests, "limits": requests}}],
            },
        });
        for (into, more) in [("spec", spec), ("metadata", meta)] {
            for (key, value) in more.as_object().into_iter().flatten() {
                pod[into][key] = value.clone();
            }
        }
        self.post("/api/v1/namespaces/default/pods", &pod);
    }

    pub(crate) fn pod_now(&self, name: &str) -> Value {
        self.ask(Method::GET, &format!("/api/v1/namespaces/default/pods/{name}"), None).1
    }

    /// The node that a pod is bound to.
    pub(crate) fn node_of(&self, name: &str) -> Option<String> {
        self.pod_now(name)["spec"]["nodeName"].as_str().map(str::to_owned)
    }

    /// What `PodScheduled` says while it is false: reason and message.
    pub(crate) fn unscheduled(&self, name: &str) -> Option<(String, String)> {
        let pod = self.pod_now(name);
        let conditions = pod["status"]["conditions"].as_array()?;
        let condition = conditions.iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False")?;
        let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        Some((text("reason"), text("message")))
    }

    /// Whether the pod has an event of this reason.
    pub(crate) fn has_event(&self, pod: &str, reason: &str) -> bool {
        let events = self.get("/apis/events.k8s.io/v1/namespaces/default/events");
        let mut events = events["items"].as_array().expect("a list").iter();
        events.any(|event| event["regarding"]["name"] == pod && event["reason"] == reason)
    }

    /// A service that looks at it, or acts on it.
    pub(crate) fn service(&self, more: &[&str]) -> Service {
        let kubeconfig = self.kubeconfig();
        self.service_of("state", &kubeconfig, more)
    }

    /// The same with a store and a kubeconfig of its own.
    pub(crate) fn service_of(&self, state: &str, kubeconfig: &str, more: &[&str]) -> Service {
        let options = ["--source", "kubernetes", "--kubeconfig", kubeconfig, "--turn-seconds", "0.5"];
        Service::start_of(&format!("{}/{state}", self.folder), &[&options, more].concat(), "")
    }
}

/// A way to the API server.
#[derive(Clone)]
pub(crate) struct Gate {
    agent: Agent,
    server: String,
}

impl Gate {
    /// Its answer; none where there is none.
    pub(crate) fn send(&self, method: Method, path: &str, form: &str, body: &[u8]) -> Option<Response<Body>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .header("authorization", format!("Bearer {TOKEN}"));
        if body.is_empty() {
            let request = self.agent.configure_request(request.body(()).ok()?);
            return self.agent.run(request.timeout_global(None).build()).ok();
        }
        self.agent.run(request.header("content-type", form).body(body).ok()?).ok()
    }
}

fn agent(pem: &[u8]) -> Agent {
    let certificates = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let roots = RootCerts::new_with_certs(&certificates.collect::<Vec<_>>());
    let tls = TlsConfig::builder().root_certs(roots).build();
    let config = Agent::config_builder().tls_config(tls).http_status_as_error(false).proxy(None);
    let config = config.max_idle_connections(CONNECTIONS).max_idle_connections_per_host(CONNECTIONS);
    config.timeout_global(Some(Duration::from_secs(30))).build().new_agent()
}
