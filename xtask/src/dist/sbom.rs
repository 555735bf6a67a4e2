//! The bill of materials, as CycloneDX 1.6: what is compiled into the binary, under which licence, with which digest, and what needs what.

use anyhow::Result;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::hex;
use super::packages::{Kind, Package, Packages};

/// The document.
pub(super) fn json(
    packages: &Packages,
    target: &str,
    features: &[String],
    unix_seconds: u64,
) -> Result<Vec<u8>> {
    let root = packages.binary()?;
    let others = packages.all.values().filter(|of| !of.is_binary());
    let components: Vec<Value> = others.map(|of| component(of, "library")).collect();
    let needs = |of: &Package| {
        let needed = of.needs.iter().filter_map(|key| packages.all.get(key));
        let mut refs: Vec<String> = needed.map(reference).collect();
        // The page is a part of the binary.
        if of.is_binary() {
            refs.extend(packages.all.values().filter(|of| of.kind == Kind::Npm).map(reference));
        }
        json!({"ref": reference(of), "dependsOn": refs})
    };
    let mut main = component(root, "application");
    main["properties"] = json!([
        {"name": "lepton:target", "value": target},
        {"name": "lepton:features", "value": features.join(",")},
    ]);
    let mut bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": timestamp(unix_seconds),
            "tools": {"components": [{"type": "application", "name": "cargo xtask dist", "version": root.version}]},
            "component": main,
        },
        "components": components,
        "dependencies": packages.all.values().map(needs).collect::<Vec<_>>(),
    });
    // Of the content, so that the same bill has the same number.
    let digest = hex(&Sha256::digest(serde_json::to_vec(&bill)?)[..16]);
    let uuid = [&digest[..8], &digest[8..12], &format!("8{}", &digest[13..16])];
    let rest = format!("a{}-{}", &digest[17..20], &digest[20..]);
    bill["serialNumber"] = format!("urn:uuid:{}-{rest}", uuid.join("-")).into();
    let mut text = serde_json::to_vec_pretty(&bill)?;
    text.push(b'\n');
    Ok(text)
}

/// The package's own name among all packages everywhere.
fn reference(of: &Package) -> String {
    let kind = if of.kind == Kind::Npm { "npm" } else { "cargo" };
    format!("pkg:{kind}/{}@{}", of.name.replace('@', "%40"), of.version.replace('+', "%2B"))
}

fn component(of: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(of),
        "name": of.name,
        "version": of.version,
        "licenses": [{"expression": of.license}],
        "purl": reference(of),
    });
    if let Some(digest) = &of.sha256 {
        component["hashes"] = json!([{"alg": "SHA-256", "content": digest}]);
    }
    if let Some(url) = &of.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": url}]);
    }
    component
}

/// As RFC 3339 writes it (the days by Howard Hinnant's `civil_from_days`).
pub(super) fn timestamp(unix_seconds: u64) -> String {
    let (days, seconds) = (unix_seconds / 86_400 + 719_468, unix_seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let day = day - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}
