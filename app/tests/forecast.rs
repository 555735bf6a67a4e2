//! `lepton forecast` as a person calls it, on small made load.

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{json, lepton, stderr};

/// A folder of its own, with load of three machines over eight days of hours.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let mut text = String::from("node,t,cpu,rx,tx\n");
    for t in 0..240 {
        let wave = 40.0 + 30.0 * (f64::from(t) * std::f64::consts::TAU / 24.0).sin();
        let _ = writeln!(text, "a,{t},{wave:.3},{},{}", t % 5, t % 3);
        if t % 11 != 0 {
            let _ = writeln!(text, "b,{t},7,{},2", t * t % 17);
        }
        let _ = writeln!(text, "c,{t},,,");
    }
    std::fs::write(folder.join("load.csv"), text).expect("the temporary folder is writable");
    folder
}

fn forecast(folder: &Path, more: &[&str]) -> Output {
    let input = folder.join("load.csv");
    let base = [
        "forecast",
        "--input",
        input.to_str().expect("a plain name"),
        "--series",
        "node",
        "--time",
        "t",
        "--period",
        "1h",
    ];
    let targets = ["--targets", "cpu=cpu,net=rx+tx", "--horizon", "6"];
    lepton(&[&base[..], &targets, more].concat())
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("the command has written its file");
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn a_back_test_writes_predictions_a_page_and_a_table_beside_naive() {
    let folder = folder("forecast-back-test");
    let (out, page) = (folder.join("out.csv"), folder.join("out.html"));
    let more = [
        "--train-until",
        "191",
        "--origins",
        "191:227:12",
        "--peak",
        "--compare",
        "source-64-32-1,seasonal-naive",
    ];
    let files = ["--predictions", out.to_str().unwrap(), "--report", page.to_str().unwrap()];
    let result = forecast(&folder, &[&more[..], &files].concat());
    assert!(result.status.success(), "{}", stderr(&result));
    let table = String::from_utf8_lossy(&result.stdout).into_owned();
    for word in
        ["relMAE", "auto", "naive", "source-64-32-1", "seasonal-naive", "1 constant series", "2 empty ones"]
    {
        assert!(table.contains(word), "{word}: {table}");
    }
    let rows = rows(&out);
    assert_eq!(rows[0], ["series", "origin", "h", "q50", "q90", "q95"]);
    assert_eq!(rows.len(), 1 + 6 * 4 * 7, "six series, four origins, six steps and the peak");
    assert_eq!(rows[1][..3], ["a:cpu", "191", "0"]);
    let constant: Vec<_> = rows.iter().filter(|r| r[0] == "b:cpu").collect();
    assert!(constant.iter().all(|r| r[3..] == ["7", "7", "7"]), "a constant series stays: {:?}", constant[0]);
    assert!(rows.iter().filter(|r| r[0] == "c:net").all(|r| r[3..] == ["0", "0", "0"]));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Predicted against actual") && page.contains("\"scatter\""));
}

#[test]
fn without_origins_the_steps_after_the_end_are_forecast_and_a_saved_model_says_the_same() {
    let folder = folder("forecast-save");
    let model = folder.join("fitted.safetensors");
    let quantiles = ["--quantiles", "0.1,0.5,0.9", "--output", "json"];
    let saved = forecast(&folder, &[&quantiles[..], &["--save", model.to_str().unwrap()]].concat());
    let loaded = forecast(&folder, &[&quantiles[..], &["--load", model.to_str().unwrap()]].concat());
    let forecasts = json(&saved)["forecasts"].clone();
    assert_eq!(forecasts, json(&loaded)["forecasts"]);
    assert_eq!(forecasts[0]["steps"].as_array().unwrap().len(), 6);
    let other = forecast(&folder, &["--quantiles", "0.5", "--peak", "--load", model.to_str().unwrap()]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("was fitted for --period 3600s --horizon 6 --quantiles 0.1,0.5,0.9"));
}

#[test]
fn wrong_input_is_named() {
    let folder = folder("forecast-wrong");
    for (more, expected) in [
        (&["--origins", "240"][..], "bin 240 lies after the last bin of the input, 239"),
        (&["--origins", "100", "--train-until", "150"], "must not be fitted on"),
        (&["--quantiles", "0.9,0.5"], "ascending numbers"),
        (&["--model", "magic"], "there are auto, network"),
        (&["--load", "nowhere.safetensors"], "nowhere.safetensors: cannot be read"),
    ] {
        let result = forecast(&folder, more);
        assert_eq!(result.status.code(), Some(2), "{more:?}");
        assert!(stderr(&result).contains(expected), "{more:?}: {}", stderr(&result));
    }
}
