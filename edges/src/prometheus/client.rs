//! The HTTP interface of Prometheus, asked by hand: one POST, one answer in JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::Value;

/// How long a connection may take, and each piece of an answer.
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(30);
/// Longest answer, bytes.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Longest line of a head, and most lines of it.
const LINE_BYTES_MAX: u64 = 8192;
const HEAD_LINES_MAX: usize = 100;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// An address that cannot be asked.
    #[error("`{url}` is no address that can be asked, expected http://HOST[:PORT][/PATH]")]
    Url {
        /// The address.
        url: String,
    },
    /// Nobody answers, or not as Prometheus does.
    #[error("{at}: {problem}")]
    Away {
        /// Host and port.
        at: String,
        /// What went wrong.
        problem: String,
    },
    /// The query itself is refused.
    #[error("refused: {problem} (query `{query}`)")]
    Query {
        /// What was asked.
        query: String,
        /// What Prometheus says.
        problem: String,
    },
}

/// Where Prometheus is.
#[derive(Debug, Clone)]
pub(super) struct Client {
    at: String,
    path: String,
    token: Option<String>,
}

impl Client {
    /// Of an address like `http://prometheus:9090/prefix`.
    pub(super) fn new(url: &str, token: Option<String>) -> Result<Self, AskError> {
        let wrong = || AskError::Url { url: url.to_owned() };
        let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
        let (at, path) = rest.split_once('/').unwrap_or((rest, ""));
        let plain =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\"".contains(&byte));
        if at.is_empty() || !plain(rest) {
            return Err(wrong());
        }
        // A colon within brackets belongs to an address of version 6.
        let has_port = at.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let at = if has_port { at.to_owned() } else { format!("{at}:80") };
        let path = path.trim_end_matches('/');
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { at, path, token })
    }

    /// Host and port.
    pub(super) fn at(&self) -> &str {
        &self.at
    }

    /// The `data` of an answer, and what Prometheus warns of.
    pub(super) fn ask(&self, what: &str, fields: &[(&str, &str)]) -> Result<(Value, Vec<String>), AskError> {
        let (status, body) = self.post(what, fields).map_err(|problem| self.away(problem))?;
        let answer: Value = serde_json::from_slice(&body).map_err(|_| {
            self.away(format!("status {status} and no JSON, which is not how Prometheus answers"))
        })?;
        if answer["status"] == "success" {
            let warnings = answer["warnings"].as_array().into_iter().flatten();
            let warnings = warnings.filter_map(|said| said.as_str().map(str::to_owned)).collect();
            return Ok((answer["data"].clone(), warnings));
        }
        let said = answer["error"].as_str().unwrap_or("no reason is given").to_owned();
        // What is wrong with a query is told by 400 and 422; all else is the server's own state.
        match status {
            400 | 422 => {
                let query = fields.iter().find(|(name, _)| *name == "query").map_or("", |(_, query)| query);
                Err(AskError::Query { query: query.to_owned(), problem: said })
            }
            _ => Err(self.away(format!("status {status}: {said}"))),
        }
    }

    fn away(&self, problem: String) -> AskError {
        AskError::Away { at: self.at.clone(), problem }
    }

    fn post(&self, what: &str, fields: &[(&str, &str)]) -> Result<(u16, Vec<u8>), String> {
        let said = |error: std::io::Error| error.to_string();
        let addresses: Vec<_> = self.at.to_socket_addrs().map_err(said)?.collect();
        let mut connected = Err("the name has no address".to_owned());
        for address in addresses {
            connected = TcpStream::connect_timeout(&address, CONNECT).map_err(said);
            if connected.is_ok() {
                break;
            }
        }
        let mut stream = connected?;
        stream
            .set_read_timeout(Some(READ))
            .and_then(|()| stream.set_write_timeout(Some(READ)))
            .map_err(said)?;
        let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let token = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!(
            "POST {}/api/v1/{what} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: application/json\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{}\r\n{body}",
            self.path,
            self.at,
            body.len(),
            token.unwrap_or_default()
        );
        stream.write_all(request.as_bytes()).map_err(said)?;
        answer(&mut BufReader::new(stream.take(ANSWER_BYTES_MAX))).map_err(said)
    }
}

/// Status and body of an answer of HTTP/1.1, whole or in chunks.
fn answer(from: &mut impl BufRead) -> std::io::Result<(u16, Vec<u8>)> {
    let broken = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let first = line(from)?;
    let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| broken("the answer is not HTTP"))?;
    let (mut chunked, mut length) = (false, None);
    for number in 0.. {
        let header = line(from)?;
        if header.is_empty() {
            break;
        }
        if number >= HEAD_LINES_MAX {
            return Err(broken("the head of the answer does not end"));
        }
        let (name, value) = header.split_once(':').ok_or_else(|| broken("a header without a name"))?;
        match name.to_ascii_lowercase().as_str() {
            "transfer-encoding" => chunked = value.to_ascii_lowercase().contains("chunked"),
            "content-length" => length = value.trim().parse::<u64>().ok(),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if !chunked {
        let read = from.take(length.unwrap_or(u64::MAX)).read_to_end(&mut body)? as u64;
        return match length {
            Some(length) if read < length => Err(broken("the answer ends early")),
            _ => Ok((status, body)),
        };
    }
    loop {
        let size = line(from)?;
        let size = size.split(';').next().and_then(|size| u64::from_str_radix(size.trim(), 16).ok());
        let size = size.ok_or_else(|| broken("a chunk without a size"))?;
        if size == 0 {
            return Ok((status, body));
        }
        if from.take(size).read_to_end(&mut body)? as u64 != size || !line(from)?.is_empty() {
            return Err(broken("the answer ends early"));
        }
    }
}

/// A line without its end.
fn line(from: &mut impl BufRead) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the answer ends early"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A value of a form.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let of = |url| Client::new(url, None).map(|client| (client.at, client.path));
        let right = |at: &str, path: &str| Ok((at.to_owned(), path.to_owned()));
        assert_eq!(of("http://p:9090"), right("p:9090", ""));
        assert_eq!(of("http://p/x/y/"), right("p:80", "/x/y"));
        assert_eq!(of("http://[::1]:9090/"), right("[::1]:9090", ""));
        for url in ["p:9090", "https://p", "http://", "http://p\r\nx", "http://a@b"] {
            assert_eq!(of(url), Err(AskError::Url { url: url.to_owned() }), "{url}");
        }
    }

    #[test]
    fn answers_come_whole_in_chunks_or_broken() {
        let of = |text: &str| answer(&mut text.as_bytes()).map_err(|error| error.to_string());
        let right = Ok((200, b"hello".to_vec()));
        assert_eq!(of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more"), right);
        assert_eq!(of("HTTP/1.1 200 OK\r\n\r\nhello"), right);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(of(&format!("{chunked}3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n")), right);
        for (text, said) in [
            ("hello".to_owned(), "ends early"),
            ("SSH-2.0\r\n".to_owned(), "not HTTP"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello".to_owned(), "ends early"),
            (format!("{chunked}5\r\nhel"), "ends early"),
            (format!("{chunked}zz\r\n"), "without a size"),
        ] {
            assert!(of(&text).is_err_and(|error| error.contains(said)), "{text}");
        }
        let long = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(HEAD_LINES_MAX + 1));
        assert!(of(&long).is_err_and(|error| error.contains("does not end")));
    }

    #[test]
    fn what_is_asked_cannot_leave_its_field() {
        assert_eq!(encoded("up{a=\"b\"} & x"), "up%7Ba%3D%22b%22%7D%20%26%20x");
    }
}
