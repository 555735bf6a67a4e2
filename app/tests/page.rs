//! The page in a real browser, over a service that runs: looked at, clicked, and told apart from what it must not do.
//! `cargo test -p lepton --test page -- --ignored`.

#![cfg(unix)]

mod common;

use common::browser::Browser;
use common::service::Service;
use common::{lepton, scratch, stderr};
use serde_json::Value;

/// Every view, with a selector of something that only its data can fill.
const VIEWS: [(&str, &str); 11] = [
    ("/", ".now .map canvas"),
    ("/cluster?as=table", "tbody tr"),
    ("/tasks", "tbody tr"),
    ("/decisions", ".feed li"),
    ("/plans", "h1"),
    ("/forecast", ".fans .chart"),
    ("/whatif", ".question"),
    ("/cluster?whatif=nothing", ".drawer .question"),
    ("/policies", ".contest .serves"),
    ("/ledger", ".stack.tall i.used"),
    ("/system", ".figures dd"),
];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn parts_of(service: &Service, plan: &str) -> usize {
    service.get(&format!("/api/v1/plans/{plan}"))["parts"].as_array().map_or(0, Vec::len)
}

/// Simulated seconds a second at which a turn takes ten minutes: what is looked at does not change.
const STILL: &str = "0.1";

/// A service of this speed with a plan of at least so many parts that waits for a person.
fn service_with_a_plan(name: &str, speed: &str, parts_min: usize) -> (Service, String) {
    let folder = scratch(name);
    let settings = |speed| ["--mode", "recommend", "--nodes-count", "40", "--speed", speed];
    let open = |service: &Service| {
        let id = text(&service.get("/api/v1/status")["open_plan"]).to_owned();
        Some(id).filter(|id| !id.is_empty() && parts_of(service, id) >= parts_min)
    };
    for _ in 0..20 {
        let mut quick = Service::start(&folder, &settings("6000"));
        quick.wait_for("a plan", || open(&quick).is_some());
        quick.end("-TERM");
        let service = Service::start(&folder, &settings(speed));
        service.wait_for("a turn", || service.get("/api/v1/status")["turn"].as_u64() > Some(0));
        if let Some(id) = open(&service) {
            return (service, id);
        }
    }
    panic!("no plan outlives a start");
}

/// Types how many steps the plan has, where that is asked for.
const TYPE_THE_NUMBER: &str =
    "(() => { const i = document.querySelector('.word input'); if (!i) return; i.value = i.dataset.steps;
    i.dispatchEvent(new Event('input', { bubbles: true })); })()";

#[test]
#[ignore = "needs chromium"]
fn every_view_shows_data_at_every_width_and_asks_only_its_own_service() {
    let service =
        Service::start(&scratch("views"), &["--mode", "recommend", "--nodes-count", "40", "--speed", "6000"]);
    service.wait_for("decisions and load over time", || {
        let decided = service.get("/api/v1/decisions")["items"].as_array().is_some_and(|d| !d.is_empty());
        decided && service.get("/api/v1/load")["over_time"].as_array().is_some_and(|m| m.len() > 2)
    });
    let decisions = service.get("/api/v1/decisions?limit=1000")["items"].clone();
    let of_a_task = decisions.as_array().and_then(|all| all.iter().find(|d| d["task"].is_string()));
    let of = |field: &str| text(&of_a_task.expect("a decision about a task")[field]).to_owned();
    let details = [
        ("/cluster/node-000003".to_owned(), ".devices li"),
        (format!("/decisions/{}", of("id")), "h1"),
        (format!("/tasks/{}", of("task")), ".lead"),
    ];
    let mut browser = Browser::open("views");
    for (width, theme) in [(380, "dark"), (1440, "light"), (2560, "dark")] {
        browser.size(width, 900);
        browser.prefer(theme);
        for (path, selector) in
            VIEWS.iter().map(|&(path, selector)| (path.to_owned(), selector)).chain(details.clone())
        {
            browser.go(&format!("http://{}{path}", service.address));
            let filled = format!(
                "location.pathname + location.search === {path:?} && !!document.querySelector({selector:?})?.offsetHeight"
            );
            browser.wait_for(&format!("{path} at {width}"), &filled);
            assert_eq!(browser.eval("document.documentElement.dataset.theme"), theme);
            let wider = browser.eval("document.documentElement.scrollWidth - innerWidth");
            assert!(wider.as_i64().is_some_and(|w| w <= 0), "{path} at {width}: {wider} pixels too wide");
            assert!(!browser.text(".same code").is_empty(), "{path} names no command");
        }
    }
    assert_eq!(browser.errors(), Vec::<String>::new());
    let own = format!("http://{}/", service.address);
    let requests = browser.requests();
    let foreign: Vec<&String> = requests.iter().filter(|url| !url.starts_with(&own)).collect();
    assert!(requests.len() > 30 && foreign.is_empty(), "{foreign:?}");
}

/// What axe finds on the page that is open: rule and elements, of serious and critical impact.
fn serious_findings(browser: &mut Browser, axe: &str) -> Vec<String> {
    browser.eval(axe);
    let asked = "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations
        .filter((v) => ['serious', 'critical'].includes(v.impact))
        .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary.replaceAll('\\n', ' ')).slice(0, 4).join('; ')}`))";
    let found = browser.eval(asked);
    let found = found.as_array().expect("axe answers");
    found.iter().map(|one| text(one).to_owned()).collect()
}

#[test]
#[ignore = "needs chromium"]
fn nothing_serious_keeps_anybody_from_using_a_view() {
    let axe = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(axe).expect("`npm ci` in web has brought axe");
    let (service, plan) = service_with_a_plan("axe", STILL, 1);
    let mut browser = Browser::open("axe");
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        browser.prefer(theme);
        let views = VIEWS.iter().map(|&(path, selector)| (path.to_owned(), selector));
        let details =
            [(format!("/plans/{plan}"), ".word"), ("/cluster/node-000003".to_owned(), ".devices li")];
        for (path, selector) in views.chain(details) {
            browser.go(&format!("http://{}{path}", service.address));
            let filled = format!(
                "location.pathname + location.search === {path:?} && !!document.querySelector({selector:?})?.offsetHeight"
            );
            browser.wait_for(&path, &filled);
            let findings = serious_findings(&mut browser, &axe);
            found.extend(findings.into_iter().map(|finding| format!("{path} {theme}: {finding}")));
        }
    }
    assert_eq!(found, Vec::<String>::new());
    browser.eval("document.querySelector('main').append(new Image())");
    let findings = serious_findings(&mut browser, &axe);
    assert!(
        findings.iter().any(|finding| finding.starts_with("image-alt")),
        "it would be found: {findings:?}"
    );
}

#[test]
#[ignore = "needs chromium"]
fn a_service_that_asks_for_tokens_is_looked_at_with_one() {
    let folder = scratch("token");
    let made = lepton(&["token", "create", "--name", "vera", "--role", "viewer", "--state-dir", &folder]);
    assert!(made.status.success(), "{}", stderr(&made));
    let token = String::from_utf8(made.stdout).expect("text").trim().to_owned();
    let header = format!("Authorization: Bearer {token}\r\n");
    let service = Service::start_with(&folder, &["--require-tokens", "--speed", "600"], &header);
    let mut browser = Browser::open("token");
    let typed = |text: &str| {
        format!(
            "(() => {{ const i = document.querySelector('.token input'); i.value = {text:?};
            i.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
        )
    };
    let asked = "!!document.querySelector('.token input') && !document.querySelector('h1')?.innerText.includes('node')";
    browser.go(&format!("http://{}/cluster?as=table", service.address));
    browser.wait_for("a token is asked for", asked);
    browser.eval(&typed("lpt_0_wrong"));
    browser.click(".token .button", "Look");
    browser.wait_for(
        "a wrong one is refused",
        "document.querySelector('.token p')?.innerText.includes('not known')",
    );
    browser.eval(&typed(&token));
    browser.click(".token .button", "Look");
    browser.wait_for("the view has data", "document.querySelectorAll('tbody tr').length === 10");
    browser.go(&format!("http://{}/", service.address));
    browser.wait_for("it is known until the tab is closed", "!!document.querySelector('.now .map canvas')");
    let turn = "document.querySelector('.standing .clock')?.innerText";
    let before = browser.eval(turn);
    browser.wait_for("the stream tells what is new", &format!("{turn} !== {before}"));
}

#[test]
#[ignore = "needs chromium"]
fn the_first_view_answers_its_questions_without_scrolling() {
    let (service, _) = service_with_a_plan("first", STILL, 1);
    let mut browser = Browser::open("first");
    browser.go(&format!("http://{}/", service.address));
    browser.wait_for("data", "!!document.querySelector('.wants .button')");
    for part in [".standing", "h1", ".map canvas", ".wants .button", ".waits", ".did", ".trend", ".worth dl"]
    {
        let bottom =
            browser.eval(&format!("document.querySelector({part:?}).getBoundingClientRect().bottom"));
        assert!(bottom.as_f64().is_some_and(|b| b > 0.0 && b <= 900.0), "{part} ends at {bottom}");
    }
}

#[test]
#[ignore = "needs chromium"]
fn a_decision_is_explained_by_keyboard_and_mouse() {
    let (service, plan) = service_with_a_plan("explained", STILL, 1);
    let mut browser = Browser::open("explained");
    browser.go(&format!("http://{}/", service.address));
    browser.wait_for("the feed", "!!document.querySelector('.did .feed a')");
    browser.press("/");
    browser.wait_for("the search", "document.activeElement?.type === 'search'");
    for key in plan.chars() {
        browser.press(&key.to_string());
    }
    browser.wait_for(
        "the plan is found",
        &format!("document.querySelector('#hits li span').innerText === {plan:?}"),
    );
    browser.press("Enter");
    browser.wait_for("the plan", &format!("location.pathname === '/plans/{plan}'"));
    browser.eval("history.back()");
    browser.wait_for("the first view again", "!!document.querySelector('.did .feed a')");
    browser.click(".did .feed a", "");
    browser.wait_for(
        "the decision",
        "location.pathname.startsWith('/decisions/d') && !!document.querySelector('.figures')",
    );
    let id = text(&browser.eval("location.pathname.split('/').pop()")).to_owned();
    let decision = service.get(&format!("/api/v1/decisions/{id}"));
    let said = browser.text("main");
    for known in ["task", "policy", "code"].map(|field| text(&decision[field]).to_owned()) {
        assert!(said.contains(&known), "{known} is not on the page: {said}");
    }
    // A node that was not weighed stands beside the others when it is named.
    let nodes = service.get("/api/v1/nodes?limit=1000")["items"].clone();
    let weighed: Vec<&str> =
        decision["candidates"].as_array().expect("a list").iter().map(|of| text(&of["node"])).collect();
    let mut names = nodes.as_array().expect("a list").iter().map(|node| text(&node["name"]));
    let other = names.find(|name| !weighed.contains(name)).expect("not all nodes are weighed");
    browser.eval(&format!(
        "(() => {{ const input = document.querySelector('input[list=beside-nodes]'); input.value = {other:?};
           input.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
    ));
    let last = "[...document.querySelectorAll('.candidate')].pop()";
    browser.wait_for(
        "it is there",
        &format!("{last}?.innerText.includes({other:?}) && !{last}.innerText.includes('Asking')"),
    );
    let task = text(&decision["task"]);
    let why_not = service.get(&format!("/api/v1/explain/{task}?why_not={other}"))["why_not"].clone();
    let shown = text(&browser.eval(&format!("{last}.innerText"))).to_lowercase();
    let is_scored = why_not["weighed"].as_array().expect("a list").iter().any(|of| of["node"] == other);
    let expected = if is_scored { "expected use" } else { text(&why_not["sentence"]) };
    assert!(shown.contains(&expected.to_lowercase()), "{why_not}: {shown}");
    assert!(text(&browser.eval("location.search")).contains(&format!("beside={other}")));
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs chromium"]
fn a_plan_is_approved_by_click_and_carried_out() {
    let (service, plan) = service_with_a_plan("clicked", STILL, 1);
    let mut browser = Browser::open("clicked");
    browser.go(&format!("http://{}/", service.address));
    browser.wait_for("the plan", "!!document.querySelector('.wants .button')");
    browser.click(".wants .button", "");
    browser.wait_for("the word", "!!document.querySelector('.word .button')");
    browser.eval(TYPE_THE_NUMBER);
    browser.wait_for("it may be approved", "!document.querySelector('.word .button').disabled");
    browser.click(".word .button", "Approve");
    browser
        .wait_for("it was carried out", "document.querySelector('.head .state')?.innerText === 'approved'");
    assert_eq!(service.get(&format!("/api/v1/plans/{plan}"))["state"], "approved");
    // What the world no longer allows is refused with its reason; nothing is left a mere proposal.
    service.wait_for("its results", || {
        let decisions = service.get("/api/v1/decisions?limit=1000")["items"].clone();
        let all = decisions.as_array().expect("a list");
        let mut own = all.iter().filter(|d| text(&d["plan"]) == plan).peekable();
        own.peek().is_some() && own.all(|d| d["result"].is_string())
    });
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs chromium"]
fn a_plan_that_changed_after_it_was_shown_cannot_be_approved() {
    // A turn takes three seconds here.
    let (service, _) = service_with_a_plan("stale", "20", 1);
    let mut browser = Browser::open("stale");
    let is_open = |plan: &str| service.get(&format!("/api/v1/plans/{plan}"))["state"] == "proposed";
    let mut shown = String::new();
    service.wait_for("a plan is shown while it is open", || {
        let open = service.get("/api/v1/status")["open_plan"].clone();
        let Some(plan) = open.as_str() else { return false };
        browser.go(&format!("http://{}/plans/{plan}", service.address));
        browser.wait_for("the plan", "!!document.querySelector('.figures')");
        // From now on the page hears nothing of the service: what it shows stays.
        browser.eval(
            "(() => { const ask = window.fetch;
            window.fetch = (to, how) => how?.method === 'POST' ? ask(to, how) : new Promise(() => {}); })()",
        );
        plan.clone_into(&mut shown);
        browser.eval("!!document.querySelector('.word .button')") == true
    });
    service.wait_for("it is no longer open", || !is_open(&shown));
    browser.eval(TYPE_THE_NUMBER);
    browser.wait_for("the button", "document.querySelector('.word .button')?.disabled === false");
    browser.click(".word .button", "Approve");
    browser.wait_for("the refusal", "!!document.querySelector('.word [role=alert]')");
    assert!(browser.text(".word [role=alert]").contains("Not done"), "{}", browser.text(".word"));
    let plan = shown;
    assert_ne!(service.get(&format!("/api/v1/plans/{plan}"))["state"], "approved");
    // A page that hears of it says so by itself and offers no approval.
    browser.go(&format!("http://{}/plans/{plan}", service.address));
    browser.wait_for(
        "it is said",
        "document.querySelector('.valid')?.innerText.includes('No longer valid') === true",
    );
    assert_eq!(browser.eval("!!document.querySelector('.word')"), false);
}

#[test]
#[ignore = "needs chromium"]
fn the_map_is_read_and_walked_by_keyboard() {
    let service = Service::start(&scratch("keys"), &["--speed", "60"]);
    let mut browser = Browser::open("keys");
    browser.go(&format!("http://{}/cluster", service.address));
    browser.wait_for("the map", "document.querySelector('.heat canvas')?.offsetHeight > 10");
    browser.eval("document.querySelector('.heat canvas').focus()");
    browser.wait_for("the first cell", "!!document.querySelector('.tip')");
    let first = browser.text(".tip b");
    browser.press("ArrowRight");
    browser.wait_for("another cell", &format!("document.querySelector('.tip b')?.innerText !== {first:?}"));
    let second = browser.text(".tip b");
    assert!(text(&browser.eval("document.querySelector('.heat canvas').ariaLabel")).contains("devices held"));
    browser.press("Enter");
    browser.wait_for("its page", &format!("location.pathname === '/cluster/{second}'"));
}

#[test]
#[ignore = "needs chromium"]
fn a_past_turn_is_looked_at_and_left() {
    let service = Service::start(&scratch("past"), &["--speed", "600"]);
    service.wait_for("turns", || service.get("/api/v1/status")["turn"].as_u64() > Some(20));
    let mut browser = Browser::open("past");
    browser.go(&format!("http://{}/", service.address));
    browser.wait_for("the slider", "document.querySelector('.timeline input')?.max > 10");
    browser.eval(
        "(() => { const i = document.querySelector('.timeline input'); i.value = '3';
        i.dispatchEvent(new Event('input', { bubbles: true })); })()",
    );
    browser.wait_for(
        "the past",
        "document.querySelector('.timeline')?.innerText.startsWith('As it was') === true",
    );
    let id = text(&browser.eval("new URLSearchParams(location.search).get('at')")).to_owned();
    let then = service.get(&format!("/api/v1/turns/{id}"))["figures"]["waiting"].to_string();
    let said = format!("{then} task");
    let none = "no tasks waited";
    browser.wait_for(
        "its figures",
        &format!("[{said:?}, {none:?}].some((t) => document.querySelector('h1').innerText.includes(t))"),
    );
    // The address is all there is to it.
    browser.go(&format!("http://{}/?at={id}", service.address));
    browser.wait_for("the same again", "!!document.querySelector('.timeline.past')");
    browser.click(".timeline button", "Back to now");
    browser.wait_for("now", "location.search === '' && !document.querySelector('.timeline.past')");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs chromium"]
fn the_first_visit_ticks_itself_and_a_plan_is_rejected_with_a_reason() {
    let (service, plan) = service_with_a_plan("tour", STILL, 1);
    let mut browser = Browser::open("tour");
    let done = |many: usize| format!("document.querySelectorAll('.tour .done').length === {many}");
    browser.go(&format!("http://{}/", service.address));
    browser.wait_for("the card", "document.querySelectorAll('.tour ol > li:not(.done)').length === 3");
    browser.click(".tour a", "Look at a node");
    browser.wait_for("a node", "!!document.querySelector('.devices li')");
    browser.click(".brand", "");
    browser.wait_for("one is done", &done(1));
    browser.click(".tour a", "Ask why");
    browser.wait_for("a decision", "location.pathname.startsWith('/decisions/')");
    browser.click(".brand", "");
    browser.wait_for("two are done", &done(2));
    browser.click(".tour a", "Say yes or no");
    browser.wait_for("the word", "!!document.querySelector('.word .button')");
    browser.click(".word button", "Reject");
    browser.wait_for("the form", "!!document.querySelector('.rejecting select')");
    browser.eval(
        "(() => { const s = document.querySelector('.rejecting select'); s.value = 'WrongTime';
        s.dispatchEvent(new Event('change', { bubbles: true })); })()",
    );
    browser.click(".rejecting button", "Reject");
    browser.wait_for("it is rejected", "document.querySelector('.head .state')?.innerText === 'rejected'");
    let kept = service.get(&format!("/api/v1/plans/{plan}"));
    assert!(kept["state"] == "rejected" && text(&kept["why"]).starts_with("WrongTime"), "{kept}");
    browser.click(".brand", "");
    browser
        .wait_for("the card is gone", "!!document.querySelector('.map') && !document.querySelector('.tour')");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs chromium"]
fn a_question_of_what_if_is_its_address() {
    let service = Service::start(&scratch("whatif"), &["--mode", "act", "--speed", "0.1"]);
    service.wait_for("a turn", || service.get("/api/v1/status")["running"].as_u64() > Some(0));
    let node = text(&service.get("/api/v1/nodes")["items"][2]["name"]).to_owned();
    let mut browser = Browser::open("whatif");
    browser.go(&format!("http://{}/cluster/{node}", service.address));
    browser.wait_for("the node", "!!document.querySelector('.devices')");
    // In the drawer, beside the node.
    browser.click("main a", "What if it were drained?");
    let answer = "document.querySelectorAll('.two tbody tr').length >= 5";
    browser.wait_for("the answer", &answer.replace(".two", ".drawer .two"));
    let beside = format!("/cluster/{node}?whatif=drain%3D{node}");
    assert_eq!(browser.eval("location.pathname + location.search"), beside);
    assert!(browser.text(".drawer .same code").contains(&format!("--drain {node}")));
    browser.press("Escape");
    browser.wait_for("the drawer is closed", "!document.querySelector('.drawer') && !location.search");
    // From the head of any view, about what is looked at.
    browser.click(".tools button", "What if");
    browser.wait_for("the question", "document.activeElement?.closest('.drawer') !== null");
    assert_eq!(browser.eval("document.activeElement.value"), node.as_str());
    browser.click(".drawer .button", "Play it");
    browser.wait_for("the answer", answer);
    browser.click(".drawer a", "As a view of its own");
    browser.wait_for("the answer", &format!("!document.querySelector('.drawer') && {answer}"));
    assert_eq!(browser.eval("location.pathname + location.search"), format!("/whatif?drain={node}"));
    assert!(browser.text(".same code").contains(&format!("--drain {node}")), "{}", browser.text(".same"));
    assert_eq!(service.get(&format!("/api/v1/nodes/{node}"))["node"]["state"], "up", "nothing was touched");
    browser.go(&format!("http://{}/whatif?drain=no-such-node", service.address));
    browser.wait_for("the refusal", "!!document.querySelector('[role=alert]')");
    assert!(browser.text("[role=alert]").contains("no-such-node"));
}

#[test]
#[ignore = "needs chromium"]
fn a_part_is_left_out_of_a_plan_and_what_needs_it_goes_with_it() {
    let (service, plan) = service_with_a_plan("parts", STILL, 2);
    let mut browser = Browser::open("parts");
    browser.go(&format!("http://{}/plans/{plan}", service.address));
    browser.wait_for("the parts", "document.querySelectorAll('.parts input').length > 1");
    browser
        .eval("document.querySelector('.parts > li:last-child input').scrollIntoView({ block: 'center' })");
    browser.click(".parts > li:last-child label", "");
    browser.wait_for("it is out", "document.querySelectorAll('.parts > .out').length > 0");
    browser.click(".word .button", "Make it a plan without");
    browser.wait_for(
        "the other plan",
        &format!("location.pathname !== '/plans/{plan}' && document.querySelector('.head .state')?.innerText === 'proposed'"),
    );
    let derived = text(&browser.eval("location.pathname.split('/').pop()")).to_owned();
    assert!(parts_of(&service, &derived) < parts_of(&service, &plan));
    assert_eq!(service.get(&format!("/api/v1/plans/{plan}"))["successor"], derived);
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs chromium"]
fn the_nodes_behind_a_rule_are_shown_by_a_click() {
    let service =
        Service::start(&scratch("behind"), &["--mode", "act", "--nodes-count", "40", "--speed", "6000"]);
    let ruled_out = || {
        let decisions = service.get("/api/v1/decisions?limit=1000")["items"].clone();
        let all = decisions.as_array().expect("a list").clone();
        all.into_iter().find(|d| d["ruled_out"][0]["nodes"].as_u64() > Some(1))
    };
    service.wait_for("a rule takes nodes out", || ruled_out().is_some());
    let decision = ruled_out().expect("it is kept");
    let id = text(&decision["id"]).to_owned();
    let most = (decision["ruled_out"].as_array().expect("a list").iter())
        .max_by_key(|rule| rule["nodes"].as_u64())
        .expect("a rule");
    let named = most["named"].as_array().expect("names");
    let mut browser = Browser::open("behind");
    browser.go(&format!("http://{}/decisions/{id}", service.address));
    browser.wait_for("the funnel", "!!document.querySelector('button[title=\"Which nodes\"]')");
    browser.click("button[title=\"Which nodes\"]", "");
    let shown = format!("document.querySelectorAll('.behind .names a').length === {}", named.len());
    browser.wait_for("its nodes", &shown);
    assert!(text(&browser.eval("location.search")).contains("rule="), "it is in the address");
    assert!(browser.text(".behind").contains(text(&named[0])), "{}", browser.text(".behind"));
    browser.click(".behind .names a", "");
    browser.wait_for("a node", "location.pathname.startsWith('/cluster/')");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs chromium"]
fn a_plan_is_put_off_by_click_and_taken_up_again() {
    let (service, plan) = service_with_a_plan("put-off", STILL, 1);
    let mut browser = Browser::open("put-off");
    browser.go(&format!("http://{}/plans/{plan}", service.address));
    browser.wait_for("the word", "!!document.querySelector('.word .button')");
    browser.click(".word button", "Put off");
    browser.wait_for("the form", "!!document.querySelector('.snoozing select')");
    browser.click(".snoozing button", "Put off");
    browser.wait_for("it is put off", "document.querySelector('.head .state')?.innerText === 'snoozed'");
    assert_eq!(service.get(&format!("/api/v1/plans/{plan}"))["state"], "snoozed");
    browser.go(&format!("http://{}/plans", service.address));
    browser.wait_for("it is listed", "!!document.querySelector('.putoff li')");
    assert!(browser.text(".putoff").contains(&plan), "{}", browser.text(".putoff"));
    browser.click(".putoff button", "Take up again");
    browser.wait_for("it is gone", "!document.querySelector('.putoff')");
    assert_eq!(service.get("/api/v1/snoozes")["items"], serde_json::json!([]));
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs chromium"]
fn a_simulated_cluster_is_broken_from_the_page_and_it_shows() {
    let service =
        Service::start(&scratch("broken"), &["--mode", "act", "--nodes-count", "40", "--speed", "600"]);
    let mut browser = Browser::open("broken");
    browser.go(&format!("http://{}/", service.address));
    browser.wait_for("the card", "!!document.querySelector('.tour details')");
    browser.eval("document.querySelector('.tour details').open = true");
    browser.click(".trials button", "Make a node fail");
    browser.wait_for("it is told", "!!document.querySelector('.trials [role=status] a')");
    let node = text(&browser.eval("document.querySelector('.trials [role=status] a').pathname")).to_owned();
    let name = node.strip_prefix("/cluster/").expect("a node").to_owned();
    service
        .wait_for("it is down", || service.get(&format!("/api/v1/nodes/{name}"))["node"]["state"] == "down");
    browser.click(".trials [role=status] a", "");
    browser.wait_for("the page shows it", "document.querySelector('.head .state')?.innerText === 'down'");
    browser.go(&format!("http://{}/system", service.address));
    browser.wait_for("the same again", "document.querySelectorAll('.trials button').length === 4");
    browser.click(".trials button", "Silence the source");
    browser.wait_for("it says so", "document.querySelector('h1')?.innerText.includes('degraded') === true");
    assert_eq!(browser.errors(), Vec::<String>::new());
}
