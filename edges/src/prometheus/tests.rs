//! A source whose Prometheus is away, and what is made of series.

use std::net::TcpListener;

use super::*;

fn options(url: &str) -> PrometheusOptions {
    PrometheusOptions {
        url: url.to_owned(),
        token: None,
        interval: Duration::from_secs(60),
        rate_seconds: 120,
        fresh_seconds: 180,
        network_mbit_s: None,
        node_labels: Vec::new(),
        back_fill_hours: 0,
        queries: BTreeMap::new(),
    }
}

#[test]
fn a_prometheus_that_is_away_tells_nothing_and_is_asked_again() {
    // A port that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let mut source =
        PrometheusSource::start(options(&format!("http://127.0.0.1:{port}"))).expect("an address");
    let readings = source.list(7);
    assert_eq!((readings.complete, readings.time_seconds, readings.readings.len()), (false, 0, 0));
    let begun = Instant::now();
    while source.report().failures < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is not asked again: {:?}", source.report());
        thread::sleep(crate::mailbox::NAP);
    }
    let report = source.report();
    assert!(report.problem.is_some_and(|said| said.contains(&format!("127.0.0.1:{port}"))));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let refused =
        |options| PrometheusSource::start(options).map(|_| ()).expect_err("it cannot be").to_string();
    assert!(refused(options("prometheus:9090")).contains("expected http://HOST"));
    let queries = BTreeMap::from([("kores".to_owned(), "up".to_owned())]);
    let said = refused(PrometheusOptions { queries, ..options("http://p:9090") });
    assert!(said.contains("there is no measure `kores`"), "{said}");
}
