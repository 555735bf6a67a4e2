//! Options, what is read of cargo's words, and archives that are the same for the same files.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::archive::{self, Entry};
use super::packages::{Kind, Packages, compiled_names, digests, license};
use super::{Options, licenses, options, sbom};
use crate::workspace_root;

#[test]
fn options_are_read_and_unknown_ones_refused() {
    let all = ["--target", "t", "--features", "a,b", "--binary", "f", "--out", "o"];
    let features = vec!["a".to_owned(), "b".to_owned()];
    let wanted =
        Options { target: Some("t".to_owned()), features, binary: Some("f".into()), out: Some("o".into()) };
    assert_eq!(options(&all).expect("they are known"), wanted);
    assert_eq!(options(&[]).expect("none is needed"), Options::default());
    for (wrong, said) in [
        (&["--targets"][..], "has no option `--targets`"),
        (&["--target"], "`--target` needs a value"),
        (&["--out", "--target"], "`--out` needs a value"),
        (&["here"], "has no option `here`"),
    ] {
        let error = options(wrong).expect_err("it is wrong").to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn licenses_are_spdx_expressions() {
    for (of, wanted) in [
        (json!({"name": "a", "license": "MIT/Apache-2.0"}), "MIT OR Apache-2.0"),
        (json!({"name": "a", "license": "Apache-2.0 / MIT"}), "Apache-2.0 OR MIT"),
        (json!({"name": "a_b", "license": null, "license_file": "LICENSE"}), "LicenseRef-a-b"),
    ] {
        assert_eq!(license(&of).expect("it has one"), wanted);
    }
    license(&json!({"name": "a", "license": null, "license_file": null})).expect_err("it has none");
}

#[test]
fn what_cargo_says_is_read() {
    let names = compiled_names(
        "lepton v0.1.0 (a/path)\nring v0.17.14\nring v0.17.14 (*)\nserde_derive v1.0.2 (proc-macro)\n\n",
    );
    let pair = |name: &str, version: &str| (name.to_owned(), version.to_owned());
    let wanted = [pair("lepton", "0.1.0"), pair("ring", "0.17.14"), pair("serde_derive", "1.0.2")];
    assert_eq!(names, BTreeSet::from(wanted));
    let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"ab\"\n\n[[package]]\nname = \"lepton\"\nversion = \"0.1.0\"\n";
    let digests = digests(lock);
    assert_eq!(digests.get(&pair("a", "1.0.0")).map(String::as_str), Some("ab"));
    assert_eq!(digests.len(), 1);
}

#[test]
fn the_same_files_give_the_same_bytes_in_whatever_order_they_come() {
    let of = || vec![Entry::file("b/c", b"text".to_vec()), Entry::executable("a", b"program".to_vec())];
    let turned = of().into_iter().rev().collect();
    let packed = archive::packed("top", of(), 1_700_000_000).expect("packed");
    assert_eq!(packed, archive::packed("top", turned, 1_700_000_000).expect("packed"));
    let mut archive = tar::Archive::new(GzDecoder::new(packed.as_slice()));
    let mut seen = Vec::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        let header = entry.header();
        assert_eq!((header.mtime().ok(), header.uid().ok()), (Some(1_700_000_000), Some(0)));
        let path = entry.path().expect("a path").display().to_string();
        seen.push((path, entry.header().mode().expect("a mode"), text));
    }
    let wanted = [("top/a", 0o755, "program"), ("top/b/c", 0o644, "text")];
    assert_eq!(seen, wanted.map(|(path, mode, text)| (path.to_owned(), mode, text.to_owned())));
}

#[test]
fn moments_are_written_as_people_read_them() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"),
        (4_107_542_399, "2100-02-28T23:59:59Z"),
    ] {
        assert_eq!(sbom::timestamp(seconds), text);
    }
}

#[test]
fn every_package_of_the_binary_has_its_licence_and_its_line_in_the_bill() {
    let root = workspace_root();
    let target = super::host().expect("rustc is there");
    let packages = Packages::of(&root, &target, &[]).expect("cargo knows them");
    let named = |name: &str| packages.all.values().find(|of| of.name == name);
    assert!(named("lepton-core").is_some_and(|of| of.kind == Kind::Own && of.sha256.is_none()));
    assert!(named("ureq").is_some_and(|of| of.kind == Kind::Crate && of.sha256.is_some()));
    assert!(named("preact").is_some_and(|of| of.kind == Kind::Npm), "it is in the page");
    assert!(named("proptest").is_none() && named("typescript").is_none(), "only tests and builds need them");
    assert!(named("rdkafka").is_none(), "a feature that was not asked for");

    let text = licenses::text(&root, &packages, &target).expect("readable");
    let text = String::from_utf8(text).expect("text");
    let bill = sbom::json(&packages, &target, &[], 0).expect("JSON");
    assert_eq!(bill, sbom::json(&packages, &target, &[], 0).expect("JSON"), "the same for the same");
    let bill: Value = serde_json::from_slice(&bill).expect("JSON");
    let components = bill["components"].as_array().expect("a list");
    assert_eq!(components.len() + 1, packages.all.len(), "all but the binary itself");
    let mut without_text = 0;
    for package in packages.all.values().filter(|of| of.kind != Kind::Own) {
        let line = format!("{} {}  {}", package.name, package.version, package.license);
        let line =
            text.lines().find(|of| of.starts_with(&line)).unwrap_or_else(|| panic!("no line `{line}`"));
        without_text += usize::from(line.contains("has no text"));
        assert!(!package.license.contains('/'), "{}", package.license);
    }
    assert!(without_text < 10, "{without_text} packages bring no licence");
    let names: BTreeSet<&str> = components.iter().filter_map(|of| of["bom-ref"].as_str()).collect();
    for of in bill["dependencies"].as_array().expect("a list") {
        for needed in of["dependsOn"].as_array().expect("a list") {
            assert!(needed.as_str().is_some_and(|needed| names.contains(needed)), "{needed}");
        }
    }
}

#[test]
fn the_chart_has_the_version_of_the_program() {
    let root = workspace_root();
    let chart = fs::read_to_string(root.join(super::CHART).join("Chart.yaml")).expect("it is there");
    let version = format!("ersion: {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(chart.matches(&version).count(), 2, "{chart}");
}
