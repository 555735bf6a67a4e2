//! `lepton forecast`: reads recorded load, fits or loads, plays the origins, prints, writes predictions and the page.

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use lepton_core::analyze::forecast::{
    FittedForecast, ForecastSetup, MixtureConfig, ModelKind, SourceModel, Steps,
};
use lepton_learn::forecast::{NetworkOptions, Recorded, SourceCheck, fit_network, train_source};
use lepton_sim::experiment::forecast::{BackTest, BackTestError, Origins, back_test};
use lepton_sim::readers::{LoadColumns, RecordedLoad, read_load};

use super::forecast_output::{self, Outcome};
use super::model_files;
use super::simulate_placement::{command_line, threads};
use crate::cli_forecast::ForecastArgs;
use crate::failure::Failure;
use crate::output;
use crate::result_files::ResultFiles;
use crate::stop;

pub(crate) fn run(args: &ForecastArgs) -> Result<(), Failure> {
    if !86_400_u32.is_multiple_of(args.period) {
        return Err(Failure::Input(format!("--period: {} s do not divide a day", args.period)));
    }
    let steps = Steps::new(args.horizon, args.peak, &args.quantiles)
        .map_err(|e| Failure::Input(format!("--quantiles, --horizon: {e}")))?;
    let mut files = ResultFiles::beside_inputs([
        ("--input", Some(args.input.as_path())),
        ("--load", args.load.as_deref()),
    ]);
    let predictions = files.claim_if_given("--predictions", args.predictions.as_deref())?;
    let report = files.claim_if_given("--report", args.report.as_deref())?;
    let save = files.claim_if_given("--save", args.save.as_deref())?;
    let load = read_load(&args.input, &columns(args))?;
    let bins = load.values.first().map_or(0, Vec::len);
    let origins = origins(args, bins)?;
    let models = models(args);
    let begun = Instant::now();
    let fitted = match &args.load {
        Some(path) => Fitted { forecast: loaded(path, &steps, args.period)?, check: None },
        None => fit(args, &load, steps, origins.fitted, &models)?,
    };
    let fit_seconds = begun.elapsed().as_secs_f64();
    files.write(save.as_ref(), |out| out.write_all(&fitted.forecast.to_bytes()));
    let begun = Instant::now();
    let tests = play(args, &load, &fitted.forecast.setup, &origins, &models)?;
    let play_seconds = begun.elapsed().as_secs_f64();
    let check = fitted.check.as_ref();
    let outcome =
        Outcome { args, load: &load, origins: &origins, tests: &tests, check, fit_seconds, play_seconds };
    files.write(predictions.as_ref(), |out| forecast_output::write_predictions(out, &outcome));
    if report.is_some() {
        files.write_page(report.as_ref(), &forecast_output::page(&outcome)?);
    }
    forecast_output::print(&outcome)?;
    files.end()
}

/// Plays the origins under each model.
fn play(
    args: &ForecastArgs,
    load: &RecordedLoad,
    setup: &ForecastSetup,
    origins: &Origins,
    models: &[ModelKind],
) -> Result<Vec<BackTest>, Failure> {
    let stop = stop::flag_for_results();
    let groups: Vec<usize> = (0..load.names.len()).map(|i| i % args.targets.len()).collect();
    let bar = output::progress("series", (load.names.len() * models.len()) as u64);
    let play = |&model: &ModelKind| back_test(load, &groups, setup, model, origins, stop, &|| bar.inc(1));
    let tests: Result<Vec<BackTest>, BackTestError> = models.iter().map(play).collect();
    bar.finish_and_clear();
    tests.map_err(|e| match e {
        BackTestError::Stopped => Failure::StoppedWithoutResult,
        BackTestError::NotTrained(_) => {
            Failure::Input(format!("{e}. Maybe it was not part of the fitted model that was loaded"))
        }
    })
}

fn columns(args: &ForecastArgs) -> LoadColumns {
    LoadColumns {
        series: args.series.clone(),
        time: args.time.clone(),
        period_seconds: args.period,
        unit_seconds: args.unit.unwrap_or(args.period),
        targets: args.targets.clone(),
    }
}

/// The model asked for, then naive and those to compare with.
fn models(args: &ForecastArgs) -> Vec<ModelKind> {
    let mut models = vec![args.model];
    for &model in std::iter::once(&ModelKind::Naive).chain(&args.compare) {
        if !models.contains(&model) {
            models.push(model);
        }
    }
    models
}

fn origins(args: &ForecastArgs, bins: usize) -> Result<Origins, Failure> {
    let origins = args.origins.as_ref().map_or_else(|| vec![bins - 1], |o| o.0.clone());
    let last = origins.last().copied().unwrap_or(0);
    if last >= bins {
        return Err(Failure::Input(format!(
            "--origins: bin {last} lies after the last bin of the input, {}",
            bins - 1
        )));
    }
    let until = args.train_until.unwrap_or(origins[0]);
    if until > origins[0] {
        let problem = format!(
            "--train-until: bin {until} lies after the first origin, {}: what is forecast must not be fitted on",
            origins[0]
        );
        return Err(Failure::Input(problem));
    }
    Ok(Origins { bins: origins, fitted: until + 1, levels: args.quantiles.clone() })
}

struct Fitted {
    forecast: FittedForecast,
    check: Option<SourceCheck>,
}

/// Trains what the models need.
fn fit(
    args: &ForecastArgs,
    load: &RecordedLoad,
    steps: Steps,
    fitted: usize,
    models: &[ModelKind],
) -> Result<Fitted, Failure> {
    let season_bins = (86_400 / args.period) as usize;
    let recorded = Recorded { series: &load.values, bins: fitted, season_bins };
    let networks = models.iter().any(|m| matches!(m, ModelKind::Auto | ModelKind::Network));
    let network = if networks {
        let line = output::live_line();
        let parts = Mutex::new(Vec::new());
        let hear = |network: usize, part: f64, loss: f64| {
            let Ok(mut parts) = parts.lock() else { return };
            if parts.len() <= network {
                parts.resize(network + 1, (0.0, 0.0));
            }
            parts[network] = (part, loss);
            let text = parts.iter().map(|(part, loss)| format!("{:.0}% loss {loss:.4}", 100.0 * part));
            line.set_message(format!("training: {}", text.collect::<Vec<_>>().join(", ")));
            line.tick();
        };
        let mut options = NetworkOptions::default();
        if !args.units.is_empty() {
            options.hidden = args.units.iter().copied().map(usize::from).collect();
        }
        let network = fit_network(recorded, &steps, &options, args.seed, threads(args.threads), &hear);
        line.finish_and_clear();
        if network.is_none() {
            output::note("warning: too little to train a network on; the other models answer");
        }
        network
    } else {
        None
    };
    if network.is_none() && args.model == ModelKind::Network {
        return Err(Failure::Input("--model network: the input holds too little to train it on".to_owned()));
    }
    let source = models.contains(&ModelKind::Source).then(|| train_source(recorded, args.seed));
    let setup = ForecastSetup {
        steps,
        season_bins,
        network: network.map(Into::into),
        source: source.as_ref().and_then(|s| SourceModel::new(s.network.clone())).map(Into::into),
        mixture: MixtureConfig::default(),
    };
    let trained_on = format!("{}, bins 0 to {}", args.input.display(), fitted - 1);
    let forecast = FittedForecast { setup, period_seconds: args.period, command: command_line(), trained_on };
    Ok(Fitted { forecast, check: source.map(|s| s.check) })
}

/// What was fitted before; it must answer what is asked.
fn loaded(path: &Path, steps: &Steps, period_seconds: u32) -> Result<FittedForecast, Failure> {
    let fitted = model_files::read_forecast(path)?;
    let has = &fitted.setup.steps;
    let same = has.horizon() == steps.horizon()
        && (has.peak() || !steps.peak())
        && steps.levels().iter().all(|l| has.levels().contains(l))
        && fitted.period_seconds == period_seconds;
    if !same {
        let peak = if has.peak() { " with --peak" } else { "" };
        let levels: Vec<String> = has.levels().iter().map(f64::to_string).collect();
        return Err(Failure::Input(format!(
            "--load {}: was fitted for --period {}s --horizon {}{peak} --quantiles {}, which is not what is asked",
            path.display(),
            fitted.period_seconds,
            has.horizon(),
            levels.join(",")
        )));
    }
    Ok(fitted)
}
