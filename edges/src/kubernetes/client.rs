//! The API server, asked over HTTP: one call at a time from any thread, and streams of what changes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{Method, Request, Response};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::access::{Access, AccessError, Credential, Exec};
use super::moment::{now_seconds, unix_seconds};

/// How long a connection may take, a call, an answer to a question, and the quiet of a stream beyond its own end.
const CONNECT: Duration = Duration::from_secs(5);
pub(super) const CALL: Duration = Duration::from_secs(10);
const LIST: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_secs(10);
/// Largest answer and largest object of a stream, bytes.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
const LINE_BYTES_MAX: u64 = 8 << 20;
/// Connections that are kept for the next call.
const CONNECTIONS_MAX: usize = 32;
/// How long a token from a file is used before it is read again.
const TOKEN_AGE: Duration = Duration::from_secs(60);
/// A token of a program is asked for anew so long before it ends, seconds.
const TOKEN_MARGIN_SECONDS: u64 = 60;

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    /// The server refuses.
    #[error("{message} ({code})")]
    Status {
        /// The code of HTTP.
        code: u16,
        /// In its words.
        message: String,
    },
    /// Nobody answers, or not as an API server does: whether the call was heard is not known.
    #[error("{0}")]
    Away(String),
}

impl ApiError {
    /// The code of an answer, if there was one.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            Self::Away(_) => None,
        }
    }
}

#[derive(Debug, Default)]
struct Token {
    value: Option<String>,
    /// When it is asked for again.
    until: Option<Instant>,
}

/// The API server.
#[derive(Debug, Clone)]
pub(super) struct Client {
    agent: Agent,
    server: String,
    credential: Credential,
    token: Arc<Mutex<Token>>,
}

impl Client {
    /// A client that has not asked anything yet.
    pub(super) fn new(access: &Access) -> Result<Self, AccessError> {
        let tls = TlsConfig::builder()
            .root_certs(authority(access)?)
            .client_cert(certificate(access)?)
            .disable_verification(access.believes_any)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("lepton/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections(CONNECTIONS_MAX)
            .max_idle_connections_per_host(CONNECTIONS_MAX)
            .build();
        Ok(Self {
            agent: config.new_agent(),
            server: access.server.clone(),
            credential: access.credential.clone(),
            token: Arc::default(),
        })
    }

    /// Its address.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// What lies there.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let body = self.call(Method::GET, path, None)?;
        serde_json::from_slice(&body).map_err(|error| ApiError::Away(format!("{path}: {error}")))
    }

    /// Something new.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Vec<u8>, ApiError> {
        self.call(Method::POST, path, Some(("application/json", body)))
    }

    /// Something in the place of what lies there.
    pub(super) fn put(&self, path: &str, body: &Value) -> Result<Vec<u8>, ApiError> {
        self.call(Method::PUT, path, Some(("application/json", body)))
    }

    /// A change that names lists' elements by their keys.
    pub(super) fn patch(&self, path: &str, body: &Value) -> Result<Vec<u8>, ApiError> {
        self.call(Method::PATCH, path, Some(("application/strategic-merge-patch+json", body)))
    }

    fn call(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Vec<u8>, ApiError> {
        // What changes something is over before a lease that is no longer renewed.
        let whole = if body.is_some() { CALL } else { LIST };
        let mut response = self.send(method, path, body, whole, whole)?;
        let answer = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let answer = answer.map_err(|error| self.away(&error.to_string()))?;
        if response.status().is_success() {
            Ok(answer)
        } else {
            Err(refusal(response.status().as_u16(), &answer))
        }
    }

    /// What changes, as the server tells it, for so long.
    pub(super) fn stream(&self, path: &str, lasts: Duration) -> Result<Stream, ApiError> {
        let quiet = lasts + QUIET;
        let mut response = self.send(Method::GET, path, None, quiet, quiet)?;
        if !response.status().is_success() {
            let code = response.status().as_u16();
            let answer = response.body_mut().with_config().limit(LINE_BYTES_MAX).read_to_vec();
            return Err(refusal(code, &answer.unwrap_or_default()));
        }
        let body = response.into_body().into_with_config().limit(u64::MAX).reader();
        Ok(Stream { lines: BufReader::new(Box::new(body)), at: self.server.clone() })
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
        whole: Duration,
        read: Duration,
    ) -> Result<Response<Body>, ApiError> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        request = request.header("accept", "application/json");
        if let Some(token) = self.token()? {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let limited = |request| {
            let configured = self.agent.configure_request(request);
            configured.timeout_global(Some(whole)).timeout_per_read(Some(read)).build()
        };
        let wrong = |error: ureq::http::Error| self.away(&error.to_string());
        let sent = match body {
            Some((form, body)) => {
                let request = request.header("content-type", form).body(body.to_string()).map_err(wrong)?;
                let configured = self.agent.configure_request(request);
                self.agent.run(configured.timeout_global(Some(whole)).build())
            }
            None => self.agent.run(limited(request.body(()).map_err(wrong)?)),
        };
        let response = sent.map_err(|error| self.away(&error.to_string()))?;
        if response.status().as_u16() == 401 {
            *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Token::default();
        }
        Ok(response)
    }

    fn away(&self, problem: &str) -> ApiError {
        ApiError::Away(format!("{}: {problem}", self.server))
    }

    fn token(&self) -> Result<Option<String>, ApiError> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let (value, until) = match &self.credential {
            Credential::None => return Ok(None),
            Credential::Token(fixed) => return Ok(Some(fixed.clone())),
            _ if token.value.is_some() && token.until.is_none_or(|until| Instant::now() < until) => {
                return Ok(token.value.clone());
            }
            Credential::TokenFile(path) => {
                let read = std::fs::read_to_string(path)
                    .map_err(|error| ApiError::Away(format!("{}: {error}", path.display())))?;
                (read.trim().to_owned(), Some(Instant::now() + TOKEN_AGE))
            }
            Credential::Exec(exec) => ask_program(exec).map_err(ApiError::Away)?,
        };
        *token = Token { value: Some(value.clone()), until };
        Ok(Some(value))
    }
}

fn authority(access: &Access) -> Result<RootCerts, AccessError> {
    let Some(pem) = &access.authority else { return Ok(RootCerts::WebPki) };
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(AccessError(format!("the certificate authority: {error}"))),
        }
    }
    if certificates.is_empty() {
        return Err(AccessError("the certificate authority: expected a certificate in PEM".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

fn certificate(access: &Access) -> Result<Option<ClientCert>, AccessError> {
    let Some((certificate, key)) = &access.certificate else { return Ok(None) };
    let wrong = |what: &str, problem: String| AccessError(format!("the client's {what}: {problem}"));
    let chain: Vec<Certificate<'static>> = parse_pem(certificate)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(wrong("certificate", error.to_string()))),
        })
        .collect::<Result<_, _>>()?;
    let key = PrivateKey::from_pem(key).map_err(|error| wrong("key", error.to_string()))?;
    Ok(Some(ClientCert::new_with_certs(&chain, key)))
}

fn refusal(code: u16, answer: &[u8]) -> ApiError {
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    let message = match serde_json::from_slice::<Status>(answer) {
        Ok(status) => status.message,
        Err(_) => String::from_utf8_lossy(answer).trim().chars().take(300).collect(),
    };
    ApiError::Status { code, message }
}

/// A token of a program, and until when it is good.
fn ask_program(exec: &Exec) -> Result<(String, Option<Instant>), String> {
    #[derive(Deserialize)]
    struct Said {
        status: Given,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Given {
        token: String,
        expiration_timestamp: Option<String>,
    }
    let info = json!({
        "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": {"interactive": false}
    });
    let out = Command::new(&exec.command)
        .args(exec.args.iter().flatten())
        .envs(exec.env.iter().flatten().map(|variable| (&variable.name, &variable.value)))
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", exec.command))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        return Err(format!("`{}` ended with {}: {said}", exec.command, out.status));
    }
    let said: Said = serde_json::from_slice(&out.stdout)
        .map_err(|error| format!("`{}`: expected a token: {error}", exec.command))?;
    let ends = said.status.expiration_timestamp.as_deref().and_then(unix_seconds);
    let now = now_seconds();
    let lasts = ends.map(|ends| Duration::from_secs(ends.saturating_sub(now + TOKEN_MARGIN_SECONDS)));
    Ok((said.status.token, lasts.map(|lasts| Instant::now() + lasts)))
}

/// What a server tells of changes, one JSON object a line.
pub(super) struct Stream {
    lines: BufReader<Box<dyn Read + Send>>,
    at: String,
}

impl Stream {
    /// The next line, one object; none at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        let mut line = Vec::new();
        let read = (&mut self.lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) if line.last() == Some(&b'\n') => Ok(Some(line)),
            Ok(_) => Err(self.away("the stream broke off within an object, or the object is too large")),
            Err(error) => Err(self.away(&error.to_string())),
        }
    }

    /// Reads what a line holds.
    pub(super) fn read<T: DeserializeOwned>(&self, line: &[u8]) -> Result<T, ApiError> {
        serde_json::from_slice(line).map_err(|error| self.away(&error.to_string()))
    }

    fn away(&self, problem: &str) -> ApiError {
        ApiError::Away(format!("{}: {problem}", self.at))
    }
}
