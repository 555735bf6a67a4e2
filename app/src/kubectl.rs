//! `kubectl lepton`: this program under the name `kubectl-lepton`, by which kubectl finds it on the path. It names pods as kubectl does, and reaches the
//! service in the cluster by `kubectl port-forward`, so that whoever may do that with kubectl may ask.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;

/// What the program is called then.
const NAME: &str = "kubectl-lepton";
/// How long kubectl may take to reach the service.
const PATIENCE: Duration = Duration::from_secs(30);
/// The port of the service.
const PORT: u16 = 7717;

pub(crate) const HELP: &str = "\
Asks the Lepton in the cluster of the current context.

Usage: kubectl lepton COMMAND [OPTIONS]

Commands:
  why POD [--why-not NODE]  Why a pod is where it is, or waits; with a node, why it is not there
  plan [list|show|diff|..]  Plans, the newest first
  approve PLAN              Approve a plan and have it carried out
  top                       Nodes with what they have, hold and use
  whatif ..                 What would be if nodes were drained or added, pods submitted, or another policy served
  status                    How the service stands
  explain, get, load, ledger, policy  as of `lepton`

Options:
  -n, --namespace NAMESPACE     Namespace of the pod [default: that of the context]
      --context NAME            The context, as of kubectl
      --kubeconfig FILE         The kubeconfig, as of kubectl
      --lepton-namespace NAME   Namespace of the service [default: lepton]
      --lepton-service NAME     Its name there [default: lepton]
      --service-account NAME    Ask with a token of this service account of that namespace, which `kubectl create token` gives
      --token-file FILE         Ask with the token in this file
      --server ADDRESS:PORT     Ask there, without kubectl
  -o, --output table|json       Form of the result
  -h, --help                    This; of a command, as of `lepton`

Examples:
  kubectl lepton why web-0 -n payments --why-not gpu-7
  kubectl lepton top --service-account lepton-viewer
  kubectl lepton approve p12 --token-file operator.token
";

/// Commands, and what they are called without kubectl.
const COMMANDS: [(&str, &[&str]); 11] = [
    ("why", &["explain"]),
    ("approve", &["plan", "approve"]),
    ("top", &["get", "nodes"]),
    ("plan", &["plan"]),
    ("whatif", &["whatif"]),
    ("status", &["status"]),
    ("explain", &["explain"]),
    ("get", &["get"]),
    ("load", &["load"]),
    ("ledger", &["ledger"]),
    ("policy", &["policy"]),
];

/// The way to the service, while it is open, and the token to ask with.
static FORWARD: Mutex<Option<Child>> = Mutex::new(None);
static TOKEN: OnceLock<String> = OnceLock::new();

/// Whether the program was called by kubectl.
pub(crate) fn is_called(program: Option<&OsString>) -> bool {
    program.and_then(|program| Path::new(program).file_stem()) == Some(OsStr::new(NAME))
}

/// The token that kubectl gave.
pub(crate) fn token() -> Option<&'static str> {
    TOKEN.get().map(String::as_str)
}

/// Closes the way to the service.
pub(crate) fn end() {
    if let Some(mut forward) = FORWARD.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // It may have ended.
        let _ = forward.kill();
        let _ = forward.wait();
    }
}

/// What kubectl was told, apart from the command.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    namespace: Option<String>,
    /// For kubectl itself.
    access: Vec<String>,
    lepton_namespace: Option<String>,
    lepton_service: Option<String>,
    service_account: Option<String>,
    has_server: bool,
    /// The command and all else.
    words: Vec<String>,
}

fn wrong(what: &str) -> Failure {
    Failure::Input(format!("{what}. Maybe see `kubectl lepton --help`"))
}

impl Asked {
    fn of(words: &[String]) -> Result<Self, Failure> {
        let mut asked = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            let mut value = || match &inline {
                Some(value) => Ok(value.clone()),
                None => words.next().cloned().ok_or_else(|| wrong(&format!("{name} has no value"))),
            };
            match name {
                "-n" | "--namespace" => asked.namespace = Some(value()?),
                "--context" | "--kubeconfig" => asked.access.push(format!("{name}={}", value()?)),
                "--lepton-namespace" => asked.lepton_namespace = Some(value()?),
                "--lepton-service" => asked.lepton_service = Some(value()?),
                "--service-account" => asked.service_account = Some(value()?),
                _ => {
                    asked.has_server |= name == "--server";
                    asked.words.push(word.clone());
                }
            }
        }
        Ok(asked)
    }

    /// What kubectl prints when it is told this.
    fn kubectl(&self, words: &[&str]) -> Result<String, Failure> {
        let output = Command::new("kubectl").args(&self.access).args(words).stdin(Stdio::null()).output();
        let output = output.map_err(|error| Failure::Input(format!("kubectl cannot be started: {error}")))?;
        if !output.status.success() {
            return Err(Failure::Input(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn lepton_namespace(&self) -> &str {
        self.lepton_namespace.as_deref().unwrap_or("lepton")
    }

    /// The words for this program; a pod is named with its namespace.
    fn translated(&self, namespace: impl Fn() -> Result<String, Failure>) -> Result<Vec<String>, Failure> {
        let (command, rest) = self.words.split_first().ok_or_else(|| wrong("a command is missing"))?;
        let Some((_, own)) = COMMANDS.iter().find(|(name, _)| name == command) else {
            let known = COMMANDS.map(|(name, _)| name).join(", ");
            return Err(wrong(&format!("there is no command `{command}`; there are: {known}")));
        };
        let mut words: Vec<String> = own.iter().map(|&word| word.to_owned()).collect();
        let mut rest = rest.to_vec();
        if command == "why"
            && let Some(pod) = pod_among(&mut rest)
            && !pod.contains('/')
        {
            *pod = format!("{}/{pod}", namespace()?);
        }
        if command == "plan" && rest.first().is_none_or(|word| word.starts_with('-') && !is_help(word)) {
            words.push("list".to_owned());
        }
        words.extend(rest);
        Ok(words)
    }

    /// The namespace of pods.
    fn namespace(&self) -> Result<String, Failure> {
        if let Some(namespace) = &self.namespace {
            return Ok(namespace.clone());
        }
        let of_context =
            self.kubectl(&["config", "view", "--minify", "--output", "jsonpath={..namespace}"])?;
        Ok(if of_context.is_empty() { "default".to_owned() } else { of_context })
    }

    /// Opens a way to the service; the address here.
    fn reach(&self) -> Result<String, Failure> {
        let service = format!("service/{}", self.lepton_service.as_deref().unwrap_or("lepton"));
        let mut child = Command::new("kubectl")
            .args(&self.access)
            .args(["port-forward", "--namespace", self.lepton_namespace(), &service, &format!(":{PORT}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::Input(format!("kubectl cannot be started: {error}")))?;
        let (said, errors) = (child.stdout.take(), child.stderr.take());
        *FORWARD.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let (found, address) = channel();
        // It says more with each connection, which nobody wants to know.
        thread::spawn(move || {
            let lines = said.into_iter().flat_map(|said| BufReader::new(said).lines());
            for line in lines.map_while(Result::ok) {
                if let Some(address) = forwarded(&line) {
                    // Nobody may wait for it any more.
                    let _ = found.send(address);
                }
            }
        });
        address.recv_timeout(PATIENCE).map_err(|_| {
            end();
            let mut said = String::new();
            // What it said, if anything.
            let _ = errors.map(|mut errors| errors.read_to_string(&mut said));
            let said = said.trim();
            Failure::Input(format!(
                "kubectl port-forward reaches no {service} in namespace {}: {}. Maybe --lepton-namespace or --lepton-service is meant",
                self.lepton_namespace(),
                if said.is_empty() { "it says nothing" } else { said }
            ))
        })
    }
}

/// The pod of `why`: the first word that is neither an option nor its value. All options but help have one.
fn pod_among(words: &mut [String]) -> Option<&mut String> {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        let has_own = word.contains('=') || (word.len() > 2 && !word.starts_with("--"));
        at += if has_own || is_help(word) { 1 } else { 2 };
    }
    words.get_mut(at)
}

fn is_help(word: &str) -> bool {
    ["-h", "--help"].contains(&word)
}

/// The address in `Forwarding from 127.0.0.1:40111 -> 7717`.
fn forwarded(line: &str) -> Option<String> {
    let (address, _) = line.strip_prefix("Forwarding from ")?.split_once(" -> ")?;
    address.starts_with("127.").then(|| address.to_owned())
}

/// The words of this program for those that the plugin was called with; none where all was said already.
pub(crate) fn words(called: &[OsString]) -> Result<Option<Vec<OsString>>, Failure> {
    let words: Vec<String> = called.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.is_empty() || is_help(&words[0]) {
        crate::output::print(HELP)?;
        return Ok(None);
    }
    let asked = Asked::of(&words)?;
    let mut words = asked.translated(|| asked.namespace())?;
    let helps = words.iter().any(|word| is_help(word));
    if !asked.has_server && !helps {
        if let Some(account) = &asked.service_account {
            let token =
                asked.kubectl(&["create", "token", account, "--namespace", asked.lepton_namespace()])?;
            // It is set once.
            let _ = TOKEN.set(token);
        }
        words.extend(["--server".to_owned(), asked.reach()?]);
    }
    Ok(Some(["lepton".to_owned()].into_iter().chain(words).map(OsString::from).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> Result<Vec<String>, String> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let asked = Asked::of(&words).and_then(|asked| asked.translated(|| Ok("payments".to_owned())));
        asked.map_err(|failure| match failure {
            Failure::Input(said) => said,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn commands_become_those_without_kubectl_and_a_pod_gets_its_namespace() {
        for (text, wanted) in [
            ("why web-0 --why-not gpu-7", "explain payments/web-0 --why-not gpu-7"),
            ("why ml/web-0 -o json", "explain ml/web-0 -o json"),
            ("why --why-not gpu-7 -ojson web-0", "explain --why-not gpu-7 -ojson payments/web-0"),
            ("top", "get nodes"),
            ("plan", "plan list"),
            ("plan --limit 3", "plan list --limit 3"),
            ("plan show p12", "plan show p12"),
            ("plan --help", "plan --help"),
            ("approve p12 --token-file t", "plan approve p12 --token-file t"),
            ("--context=c whatif --drain a,b --kubeconfig k", "whatif --drain a,b"),
        ] {
            assert_eq!(translated(text).map(|words| words.join(" ")), Ok(wanted.to_owned()), "{text}");
        }
        assert!(translated("serve").expect_err("it is none").contains("there is no command `serve`"));
        assert!(translated("why web-0 -n").expect_err("it lacks").contains("-n has no value"));
    }

    #[test]
    fn what_is_for_kubectl_is_kept_apart() {
        let words = ["why", "a", "-n", "b", "--kubeconfig", "k", "--lepton-namespace=l", "--server", "s"];
        let asked = Asked::of(&words.map(str::to_owned)).unwrap_or_default();
        let wanted = Asked {
            namespace: Some("b".to_owned()),
            access: vec!["--kubeconfig=k".to_owned()],
            lepton_namespace: Some("l".to_owned()),
            has_server: true,
            words: ["why", "a", "--server", "s"].map(str::to_owned).to_vec(),
            ..Asked::default()
        };
        assert_eq!(asked, wanted);
    }

    #[test]
    fn the_address_is_read_from_what_kubectl_says() {
        assert_eq!(forwarded("Forwarding from 127.0.0.1:40111 -> 7717"), Some("127.0.0.1:40111".to_owned()));
        assert_eq!(forwarded("Forwarding from [::1]:40111 -> 7717"), None);
        assert_eq!(forwarded("Handling connection for 40111"), None);
    }

    #[test]
    fn only_that_name_is_the_plugin() {
        for (program, is) in
            [("/usr/bin/kubectl-lepton", true), ("kubectl-lepton.exe", true), ("lepton", false)]
        {
            assert_eq!(is_called(Some(&OsString::from(program))), is, "{program}");
        }
    }
}
