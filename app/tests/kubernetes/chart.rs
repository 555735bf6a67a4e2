//! The chart in `deploy/helm`: helm 3 and helm 4 make the same of it, it allows what the roles beside it allow, the API server takes every
//! object as it is, and the program the settings. `cargo xtask test kubernetes` builds both helms.

use std::process::{Command, Output};

use serde_json::{Value, json};
use ureq::http::Method;

use crate::common::{self, json as answer_of, lepton, scratch, stderr, written};
use crate::control_plane::ControlPlane;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/helm/lepton");
/// What names the programs.
const HELMS: [&str; 2] = ["LEPTON_HELM_3", "LEPTON_HELM_4"];
/// The version of Kubernetes that it is made for.
const KUBERNETES: &str = "1.34.2";

fn helm(variable: &str, words: &[&str]) -> Output {
    let program = std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} names no program: run `cargo xtask test kubernetes`, which builds it")
    });
    let mut command = Command::new(program);
    // It is to know nothing of whoever runs the tests.
    for folder in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(folder, scratch("helm"));
    }
    command.args(words).output().expect("it starts")
}

/// Values for an instance that acts, with all that is off by default but what needs a CRD.
fn acting() -> Value {
    json!({
        "mode": "act", "ownerModes": {"payments": "observe"}, "replicas": 2, "persistence": {"enabled": false},
        "settings": {
            "fresh_seconds": 120, "turn_seconds": 7.5, "log_format": "json", "rearrange": true,
            "kubernetes": {"device_resources": ["acme.io/brain"]}, "logs": {"files": ["/logs/{node}/kern.log"]},
        },
        "tls": {"secretName": "lepton-tls"}, "tokens": {"secretName": "lepton-tokens"},
        "extraVolumes": [{"name": "logs", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "logs", "mountPath": "/logs", "readOnly": true}],
        "networkPolicy": {
            "from": [{"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}],
            "extraEgress": [{"ports": [{"port": 5432, "protocol": "TCP"}]}],
        },
        "image": {"repository": "registry.example/lepton", "digest": format!("sha256:{}", "0".repeat(64))},
        "imagePullSecrets": [{"name": "pull"}],
        "security": {"runAsUser": null, "runAsGroup": null, "fsGroup": null},
        "service": {"type": "NodePort", "annotations": {"a": "b"}},
        "tolerations": [{"key": "control-plane", "operator": "Exists"}],
        "podLabels": {"team": "blue"}, "podAnnotations": {"a": "b"},
    })
}

/// The objects that both helms make of these values, in order; the name is that of a file that no other test writes.
fn rendered(name: &str, values: &Value) -> Vec<Value> {
    let file = written(&format!("{name}.json"), values.to_string());
    let words = ["template", "lepton", CHART, "--namespace", "lepton", "--kube-version", KUBERNETES];
    let [three, four] = HELMS.map(|variable| {
        let output = helm(variable, &[&words[..], &["--values", &file]].concat());
        assert!(output.status.success(), "{variable}: {}", stderr(&output));
        let text = String::from_utf8(output.stdout).expect("text");
        let documents = text.split("---\n").filter(|document| document.contains("\nkind: "));
        let mut objects: Vec<Value> =
            documents.map(|document| serde_saphyr::from_str(document).expect("an object")).collect();
        objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
        objects
    });
    assert_eq!(three, four, "both helms make the same of it");
    three
}

fn the<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = objects.iter().find(|of| of["kind"] == kind && of["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

fn kinds(objects: &[Value]) -> Vec<&str> {
    objects.iter().filter_map(|object| object["kind"].as_str()).collect()
}

#[test]
#[ignore = "needs kubernetes"]
fn the_chart_is_sound_and_wrong_values_are_refused() {
    for variable in HELMS {
        let words = ["lint", "--strict", CHART, "--kube-version", KUBERNETES];
        for values in [json!({}), acting()] {
            let file = written("lint.json", values.to_string());
            let output = helm(variable, &[&words[..], &["--values", &file]].concat());
            assert!(
                output.status.success(),
                "{variable}: {} {}",
                String::from_utf8_lossy(&output.stdout),
                stderr(&output)
            );
        }
        for wrong in [
            json!({"mode": "watch"}),
            json!({"modes": "act"}),
            json!({"ownerModes": {"payments": "wait"}}),
            json!({"settings": {"fresh_second": 120}}),
            json!({"settings": {"fresh_seconds": "120"}}),
            json!({"settings": {"state_dir": "/elsewhere"}}),
            json!({"settings": {"kubernetes": {"lease": "lepton/other"}}}),
            json!({"access": {"kubernetes": false}}),
            json!({"settings": {"kubernetes": {"review_tokens": false}}}),
            json!({"service": {"port": 0}}),
            json!({"image": {"digest": "sha256:1"}}),
            json!({"security": {"runAsUser": 0}}),
            json!({"replicas": 2}),
            json!({"serviceMonitor": {"enabled": true}}),
        ] {
            let file = written("wrong.json", wrong.to_string());
            let words = ["template", "lepton", CHART, "--kube-version", KUBERNETES, "--values", &file];
            let output = helm(variable, &words);
            let said = stderr(&output);
            let is_refused = !output.status.success() && said.contains("schema");
            assert!(is_refused, "{variable} takes {wrong}: {said}");
        }
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn the_chart_allows_what_the_manifests_allow_and_no_more_than_its_mode_needs() {
    let (looks, acts) = (rendered("roles-looks", &json!({})), rendered("roles-acts", &acting()));
    let manifests: Vec<Value> = ["observer.yaml", "actuator.yaml"]
        .iter()
        .flat_map(|file| {
            let text = common::read(&format!("{}/../deploy/{file}", env!("CARGO_MANIFEST_DIR")));
            let objects =
                text.split("\n---\n").map(|object| serde_saphyr::from_str(object).expect("an object"));
            objects.collect::<Vec<Value>>()
        })
        .collect();
    for manifest in manifests.iter().filter(|of| of["kind"] != "Namespace") {
        let (kind, name) = (manifest["kind"].as_str().expect("a kind"), &manifest["metadata"]["name"]);
        let of_chart = the(&acts, kind, name.as_str().expect("a name"));
        for part in ["rules", "roleRef", "subjects"] {
            assert_eq!(of_chart[part], manifest[part], "{part} of {kind} {name}");
        }
        assert_eq!(of_chart["metadata"]["namespace"], manifest["metadata"]["namespace"], "{kind} {name}");
    }
    let about_roles = |objects: &[Value]| kinds(objects).iter().filter(|kind| kind.contains("Role")).count();
    // A role and its binding each: observer, actuator, lease; beside them three roles for people, and the binding by which it asks who they are.
    assert_eq!((about_roles(&looks), about_roles(&acts)), (2 + 4, 6 + 4));
    let closed = json!({"access": {"kubernetes": false}, "tokens": {"secretName": "lepton-tokens"}});
    assert_eq!(about_roles(&rendered("closed", &closed)), 2);
    the(&looks, "ClusterRole", "lepton-observer");
    let one_acts = json!({"ownerModes": {"research": "recommend"}});
    assert_eq!(about_roles(&rendered("one-acts", &one_acts)), 6 + 4, "one namespace is enough");
    for forbidden in ["CustomResourceDefinition", "Secret", "ValidatingWebhookConfiguration"] {
        assert!(!kinds(&acts).contains(&forbidden), "{forbidden}");
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn the_program_takes_the_settings_of_the_chart() {
    for (name, values) in [("looks", json!({})), ("acts", acting())] {
        let objects = rendered(&format!("settings-{name}"), &values);
        let text = the(&objects, "ConfigMap", "lepton")["data"]["lepton.toml"].as_str().expect("settings");
        let file = written(&format!("{name}.toml"), text);
        let rows = answer_of(&lepton(&["config", "check", &file, "-o", "json"]));
        let value = |setting: &str| {
            let row = rows.as_array().expect("a list").iter().find(|row| row["name"] == setting);
            row.map(|row| row["value"].clone()).unwrap_or_default()
        };
        let common =
            [("source", "kubernetes"), ("listen", "0.0.0.0:7717"), ("kubernetes.lease", "lepton/lepton")];
        for (setting, wanted) in common {
            assert_eq!(value(setting), wanted, "{setting}");
        }
        assert_eq!(value("kubernetes.review_tokens"), true);
        if name == "looks" {
            assert_eq!(value("mode"), "observe");
        } else {
            assert_eq!((value("mode"), value("owner_modes")), ("act".into(), values["ownerModes"].clone()));
            for setting in ["fresh_seconds", "turn_seconds", "log_format", "rearrange"] {
                assert_eq!(value(setting), values["settings"][setting], "{setting}");
            }
            assert_eq!(value("logs.files"), values["settings"]["logs"]["files"]);
        }
    }
}

/// Where objects of that kind are made.
fn path_of(object: &Value) -> String {
    let (api, kind) = (object["apiVersion"].as_str().expect("a version"), object["kind"].as_str());
    let root = if api.contains('/') { "/apis" } else { "/api" };
    let namespace = object["metadata"]["namespace"].as_str();
    let within = namespace.map_or(String::new(), |namespace| format!("/namespaces/{namespace}"));
    let kind = kind.expect("a kind").to_lowercase();
    let plural = kind.strip_suffix('y').map_or(format!("{kind}s"), |kind| format!("{kind}ies"));
    format!("{root}/{api}{within}/{plural}")
}

#[test]
#[ignore = "needs kubernetes"]
fn the_api_server_takes_every_object_of_the_chart_and_its_pods_are_restricted() {
    let plane = ControlPlane::start("chart");
    // What this namespace takes is held to the strictest of the standards for pods.
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    plane.patch("/api/v1/namespaces/lepton", &json!({"metadata": {"labels": labels}}));
    let tried = |object: &Value| {
        let path = format!("{}?dryRun=All&fieldValidation=Strict", path_of(object));
        plane.ask(Method::POST, &path, Some(object))
    };
    for (name, values) in [("looks", json!({})), ("acts", acting())] {
        let objects = rendered(&format!("server-{name}"), &values);
        assert!(objects.len() >= 9, "{:?}", kinds(&objects));
        for object in &objects {
            let (status, answer) = tried(object);
            assert_eq!(status, 201, "{name}: {} {answer}", object["kind"]);
        }
        let template = &the(&objects, "Deployment", "lepton")["spec"]["template"];
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]});
        pod["metadata"] = json!({"name": "lepton", "namespace": "lepton"});
        let (status, answer) = tried(&pod);
        assert_eq!(status, 201, "{name}: {answer}");
        // The same pod with one liberty is not taken: somebody does look.
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
        assert_eq!(tried(&pod).0, 403, "{name}");
    }
    // The operator of Prometheus brings this kind; without it the server does not know it.
    let monitored = json!({"serviceMonitor": {"enabled": true, "token": {"secretName": "lepton-viewer"}}});
    let objects = rendered("monitored", &monitored);
    let monitor = the(&objects, "ServiceMonitor", "lepton");
    assert_eq!(monitor["spec"]["endpoints"][0]["authorization"]["credentials"]["name"], "lepton-viewer");
    assert_eq!(tried(monitor).0, 404);
}
