//! The page: built files that the binary carries. It needs nothing from elsewhere, and its policy lets the browser fetch nothing
//! from elsewhere.

use std::io::Write as _;
use std::sync::OnceLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use lepton_core::model::digest::Digest;

/// What the page may load and do: its own script, style and requests, nothing inline, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Addresses of the page's views: all of them are the one page, which looks at its address.
const VIEWS: [&str; 14] = [
    "/",
    "/cluster",
    "/cluster/{node}",
    "/tasks",
    "/tasks/{task}",
    "/decisions",
    "/decisions/{id}",
    "/plans",
    "/plans/{id}",
    "/forecast",
    "/system",
    "/whatif",
    "/policies",
    "/ledger",
];

/// A built file.
struct Asset {
    kind: &'static str,
    bytes: &'static [u8],
    packed: OnceLock<(String, Vec<u8>)>,
}

impl Asset {
    const fn new(kind: &'static str, bytes: &'static [u8]) -> Self {
        Self { kind, bytes, packed: OnceLock::new() }
    }

    /// Its tag, and itself packed with gzip; made once.
    fn packed(&self) -> &(String, Vec<u8>) {
        self.packed.get_or_init(|| {
            let mut digest = Digest::default();
            digest.text(&String::from_utf8_lossy(self.bytes));
            let mut packer = GzEncoder::new(Vec::new(), Compression::best());
            let packed = packer.write_all(self.bytes).and_then(|()| packer.finish());
            (format!("\"{:016x}\"", digest.value()), packed.unwrap_or_default())
        })
    }

    fn answer(&'static self, asked: &HeaderMap) -> Response {
        let (tag, packed) = self.packed();
        let says = |name: HeaderName, what: &str| {
            asked.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(what))
        };
        let mut response = if says(header::IF_NONE_MATCH, tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if says(header::ACCEPT_ENCODING, "gzip") && !packed.is_empty() {
            ([(header::CONTENT_ENCODING, "gzip")], Bytes::from_static(packed)).into_response()
        } else {
            Bytes::from_static(self.bytes).into_response()
        };
        let fixed = [
            (header::CONTENT_TYPE, self.kind),
            // Kept, and asked for again each time: another version of the service is seen at once.
            (header::CACHE_CONTROL, "no-cache"),
            (header::VARY, "accept-encoding"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        for (name, value) in fixed {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Ok(tag) = HeaderValue::from_str(tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

static PAGE: Asset =
    Asset::new("text/html; charset=utf-8", include_bytes!("../../../assets/page/index.html"));
static SCRIPT: Asset =
    Asset::new("text/javascript; charset=utf-8", include_bytes!("../../../assets/page/app.js"));
static STYLE: Asset = Asset::new("text/css; charset=utf-8", include_bytes!("../../../assets/page/app.css"));
static ICON: Asset = Asset::new("image/svg+xml", include_bytes!("../../../assets/page/icon.svg"));

/// The page at its addresses, beside the interface.
pub(super) fn with_page<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    let files: [(&str, &'static Asset); 3] =
        [("/page/app.js", &SCRIPT), ("/page/app.css", &STYLE), ("/page/icon.svg", &ICON)];
    let at = |router: Router<S>, path: &str, asset: &'static Asset| {
        router.route(path, get(move |headers: HeaderMap| async move { asset.answer(&headers) }))
    };
    let router = VIEWS.into_iter().fold(router, |router, path| at(router, path, &PAGE));
    files.into_iter().fold(router, |router, (path, asset)| at(router, path, asset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(response: &Response, name: HeaderName) -> String {
        response.headers().get(name).map_or_else(String::new, |v| v.to_str().expect("text").to_owned())
    }

    #[test]
    fn the_page_is_packed_for_who_takes_it_and_not_sent_twice() {
        let plain = SCRIPT.answer(&HeaderMap::new());
        assert_eq!(header_of(&plain, header::CONTENT_ENCODING), "");
        let tag = header_of(&plain, header::ETAG);
        let asked = |name, value: &str| HeaderMap::from_iter([(name, value.parse().expect("a header"))]);
        let packed = SCRIPT.answer(&asked(header::ACCEPT_ENCODING, "gzip, br"));
        assert_eq!(header_of(&packed, header::CONTENT_ENCODING), "gzip");
        let again = SCRIPT.answer(&asked(header::IF_NONE_MATCH, &tag));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn script_and_style_stay_below_sixty_kilobytes_packed() {
        let bytes: usize = [&PAGE, &SCRIPT, &STYLE, &ICON].map(|asset| asset.packed().1.len()).iter().sum();
        assert!(bytes < 60_000, "{bytes} bytes");
    }

    #[test]
    fn nothing_on_the_page_needs_what_its_policy_forbids() {
        let html = String::from_utf8_lossy(PAGE.bytes);
        for forbidden in ["<style", " style=", "onload=", "http://", "https://"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        assert!(html.contains("/page/app.js") && html.contains("/page/app.css"));
    }
}
