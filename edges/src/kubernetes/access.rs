//! How the API server is reached and who asks: a kubeconfig, or the service account of the pod that this runs in.

use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Where a pod finds its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Largest kubeconfig and file that it names, bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why the API server cannot be reached as told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AccessError(pub(super) String);

/// What says who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Credential {
    /// Nothing, or the client's certificate alone.
    #[default]
    None,
    /// A bearer token.
    Token(String),
    /// A file with a token, which is renewed by others.
    TokenFile(PathBuf),
    /// A program that gives tokens.
    Exec(Exec),
}

/// A program that gives tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Exec {
    pub(super) api_version: String,
    pub(super) command: String,
    pub(super) args: Option<Vec<String>>,
    pub(super) env: Option<Vec<ExecEnv>>,
}

/// A variable of its environment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExecEnv {
    pub(super) name: String,
    pub(super) value: String,
}

/// How the API server is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Access {
    /// Its address.
    pub(super) server: String,
    /// Certificates (PEM) that vouch for it; those of the public web where there are none.
    pub(super) authority: Option<Vec<u8>>,
    /// Whether anybody is believed to be the server.
    pub(super) believes_any: bool,
    /// Certificate and key (PEM) of who asks.
    pub(super) certificate: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) credential: Credential,
    /// Where this is written, for people.
    pub(super) told_by: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Kubeconfig {
    current_context: String,
    contexts: Vec<Named>,
    clusters: Vec<Named>,
    users: Vec<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    context: Option<Context>,
    cluster: Option<Cluster>,
    user: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority: Option<String>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct User {
    client_certificate: Option<String>,
    client_certificate_data: Option<String>,
    client_key: Option<String>,
    client_key_data: Option<String>,
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
    exec: Option<Exec>,
    username: Option<String>,
    auth_provider: Option<serde_json::Value>,
}

/// The access that is asked for: by the file named, else by `$KUBECONFIG`, else by the service account of this pod, else by
/// `~/.kube/config`.
pub(super) fn find(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Access, AccessError> {
    if let Some(path) = kubeconfig {
        return read(path, context);
    }
    if let Some(paths) = env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()) {
        let found = env::split_paths(&paths).find(|path| path.is_file());
        let none = || AccessError(format!("no file of KUBECONFIG ({}) is there", paths.display()));
        return read(&found.ok_or_else(none)?, context);
    }
    if context.is_none()
        && let Some(access) = in_cluster()
    {
        return Ok(access);
    }
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".kube/config"));
    match home.filter(|path| path.is_file()) {
        Some(path) => read(&path, context),
        None => Err(AccessError(
            "no cluster is named: there is no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and this runs in no pod. Maybe \
             `--kubeconfig FILE` is meant"
                .to_owned(),
        )),
    }
}

fn in_cluster() -> Option<Access> {
    let (host, port) = (env::var("KUBERNETES_SERVICE_HOST").ok()?, env::var("KUBERNETES_SERVICE_PORT").ok()?);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let token = Path::new(SERVICE_ACCOUNT).join("token");
    token.is_file().then(|| Access {
        server: format!("https://{host}:{port}"),
        authority: fs::read(Path::new(SERVICE_ACCOUNT).join("ca.crt")).ok(),
        credential: Credential::TokenFile(token),
        told_by: "the service account of this pod".to_owned(),
        ..Access::default()
    })
}

fn read(path: &Path, context: Option<&str>) -> Result<Access, AccessError> {
    let text = String::from_utf8(file(path)?)
        .map_err(|_| AccessError(format!("{}: expected a text in UTF-8", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, folder, context).map_err(|problem| AccessError(format!("{}: {problem}", path.display())))
}

fn file(path: &Path) -> Result<Vec<u8>, AccessError> {
    let wrong = |problem: String| AccessError(format!("{}: {problem}", path.display()));
    let size = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(wrong(format!("{size} bytes, expected at most {FILE_BYTES_MAX}")));
    }
    fs::read(path).map_err(|error| wrong(error.to_string()))
}

/// Of a kubeconfig; files that it names are looked for beside it.
fn parse(text: &str, folder: &Path, context: Option<&str>) -> Result<Access, String> {
    let config: Kubeconfig = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let wanted = context.unwrap_or(&config.current_context);
    if wanted.is_empty() {
        return Err("no `current-context`; name one with --context".to_owned());
    }
    let named = |all: &'_ [Named], kind: &str, name: &str| {
        all.iter().position(|entry| entry.name == name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
            format!("there is no {kind} `{name}`; there are: {}", names.join(", "))
        })
    };
    let at = named(&config.contexts, "context", wanted)?;
    let missing = |what: &str| format!("context `{wanted}` has no {what}");
    let context = config.contexts[at].context.as_ref().ok_or_else(|| missing("content"))?;
    let at = named(&config.clusters, "cluster", &context.cluster)?;
    let cluster = config.clusters[at].cluster.as_ref().ok_or_else(|| missing("cluster"))?;
    let nobody = User::default();
    let user = match context.user.as_str() {
        "" => &nobody,
        name => config.users[named(&config.users, "user", name)?].user.as_ref().unwrap_or(&nobody),
    };
    for (is_set, name) in [
        (cluster.tls_server_name.is_some(), "tls-server-name"),
        (cluster.proxy_url.is_some(), "proxy-url"),
        (user.username.is_some(), "username"),
        (user.auth_provider.is_some(), "auth-provider"),
    ] {
        if is_set {
            return Err(format!("context `{wanted}` has `{name}`, which is not supported"));
        }
    }
    let credential = match user {
        User { token: Some(token), .. } => Credential::Token(token.clone()),
        User { token_file: Some(path), .. } => Credential::TokenFile(folder.join(path)),
        User { exec: Some(exec), .. } => Credential::Exec(exec.clone()),
        _ => Credential::None,
    };
    let pem = |data: &Option<String>, path: &Option<String>, what: &str| match (data, path) {
        (Some(data), _) => {
            let compact: String = data.split_whitespace().collect();
            let decoded = STANDARD.decode(compact).map_err(|error| format!("`{what}-data`: {error}"))?;
            Ok(Some(decoded))
        }
        (None, Some(path)) => file(&folder.join(path)).map(Some).map_err(|error| error.0),
        (None, None) => Ok(None),
    };
    let certificate = pem(&user.client_certificate_data, &user.client_certificate, "client-certificate")?;
    let key = pem(&user.client_key_data, &user.client_key, "client-key")?;
    if certificate.is_some() != key.is_some() {
        return Err(format!("context `{wanted}` has a client certificate or a client key, expected both"));
    }
    let authority =
        pem(&cluster.certificate_authority_data, &cluster.certificate_authority, "certificate-authority")?;
    if !["https://", "http://"].iter().any(|scheme| cluster.server.starts_with(scheme)) {
        return Err(format!("cluster `{}`, `server`: expected https://HOST[:PORT]", context.cluster));
    }
    Ok(Access {
        server: cluster.server.trim_end_matches('/').to_owned(),
        authority,
        believes_any: cluster.insecure_skip_tls_verify,
        certificate: certificate.zip(key),
        credential,
        told_by: format!("context {wanted}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
apiVersion: v1
kind: Config
current-context: one
preferences: {}
clusters:
- name: c
  cluster: {server: 'https://10.0.0.1:6443/', certificate-authority-data: aGVsbG8=}
- {name: plain, cluster: {server: '10.0.0.1'}}
contexts:
- name: one
  context: {cluster: c, user: u, namespace: default}
- name: two
  context:
    cluster: c
    user: runs
- {name: three, context: {cluster: c, user: half}}
- {name: four, context: {cluster: plain, user: u}}
- {name: five, context: {cluster: gone, user: u}}
- {name: six, context: {cluster: c, user: old}}
users:
- {name: u, user: {token: secret}}
- name: runs
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token], env: null}
- {name: half, user: {client-certificate-data: aGVsbG8=}}
- {name: old, user: {username: admin, password: admin}}
";

    fn parsed(context: Option<&str>) -> Result<Access, String> {
        parse(CONFIG, Path::new("/nowhere"), context)
    }

    #[test]
    fn a_kubeconfig_says_where_the_server_is_and_who_asks() {
        let access = parsed(None).expect("it is sound");
        assert_eq!(access.server, "https://10.0.0.1:6443");
        assert_eq!(access.authority.as_deref(), Some(&b"hello"[..]));
        assert_eq!(access.credential, Credential::Token("secret".to_owned()));
        let Credential::Exec(exec) = parsed(Some("two")).expect("it is sound").credential else {
            panic!("a program gives the tokens")
        };
        assert_eq!((exec.command.as_str(), exec.args.map(|args| args.len())), ("aws", Some(2)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (context, expected) in [
            (Some("three"), "expected both"),
            (Some("four"), "cluster `plain`, `server`: expected https://HOST[:PORT]"),
            (Some("five"), "there is no cluster `gone`; there are: c, plain"),
            (Some("six"), "`username`, which is not supported"),
            (Some("seven"), "there is no context `seven`; there are: one, two"),
        ] {
            let said = parsed(context).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
        let said = parse("clusters: 5", Path::new("/nowhere"), None).expect_err("no list");
        assert!(said.contains("line 1"), "{said}");
        let said = parse("clusters: []", Path::new("/nowhere"), None).expect_err("no context");
        assert!(said.contains("name one with --context"), "{said}");
    }
}
