//! `lepton serve`: settings from defaults, file and options, then the service.

use std::sync::Arc;

use lepton_core::analyze::{AnalystConfig, BIN_SECONDS, HORIZON_BINS, LEVELS, forecast_steps};

use super::model_files;
use crate::cli_serve::ServeArgs;
use crate::failure::Failure;
use crate::output;
use crate::serve::config::{Origins, ServeConfig, SourceKind};
use crate::serve::{openapi, serve};

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    if args.print_openapi {
        return Ok(output::print(&openapi())?);
    }
    serve(&settings(args)?, args.turns, &|| settings(args))
}

/// The settings: defaults, then the file, then the environment, then options.
fn settings(args: &ServeArgs) -> Result<ServeConfig, Failure> {
    let (mut config, mut origins) = match &args.config {
        Some(path) => ServeConfig::read(path)?,
        None => (ServeConfig::default(), Origins::new()),
    };
    config.take_environment(&mut origins, std::env::vars_os()).map_err(Failure::Input)?;
    if let Some(source) = &args.source {
        config.source = SourceKind::named(source).map_err(Failure::Input)?;
    }
    if let Some(url) = &args.prometheus_url {
        config.prometheus.url.clone_from(url);
    }
    if let Some(kubeconfig) = &args.kubeconfig {
        config.kubernetes.kubeconfig = Some(kubeconfig.clone());
    }
    if let Some(context) = &args.context {
        config.kubernetes.context = Some(context.clone());
    }
    config.mode = args.mode.unwrap_or(config.mode);
    config.listen = args.listen.unwrap_or(config.listen);
    config.require_tokens |= args.require_tokens;
    config.turn_seconds = args.turn_seconds.unwrap_or(config.turn_seconds);
    config.speed = args.speed.unwrap_or(config.speed);
    config.log_format = args.log_format.unwrap_or(config.log_format);
    config.log_level = args.log_level.unwrap_or(config.log_level);
    config.simulation.nodes_count = args.nodes_count.unwrap_or(config.simulation.nodes_count);
    config.simulation.seed = args.seed.unwrap_or(config.simulation.seed);
    if let Some(folder) = &args.state_dir {
        config.state_dir.clone_from(folder);
    }
    if let Some(file) = &args.tls_cert {
        config.tls_cert = Some(file.clone());
    }
    if let Some(file) = &args.tls_key {
        config.tls_key = Some(file.clone());
    }
    if let Some(url) = &args.store_url {
        config.store_url = Some(url.clone());
    }
    if let Some(file) = &args.store_password_file {
        config.store_password_file = Some(file.clone());
    }
    without_effect(args, config.source)?;
    config.analyst = learned(&config)?;
    config.placement = config.placement_model.as_deref().map(model_files::read).transpose()?.map(Arc::new);
    Ok(config)
}

/// Options that have no effect with the source that the file names.
fn without_effect(args: &ServeArgs, source: SourceKind) -> Result<(), Failure> {
    let simulated = [
        ("--nodes-count", args.nodes_count.is_some()),
        ("--seed", args.seed.is_some()),
        ("--speed", args.speed.is_some()),
    ];
    let url = ("--prometheus-url", args.prometheus_url.is_some());
    let kubernetes = [("--kubeconfig", args.kubeconfig.is_some()), ("--context", args.context.is_some())];
    let turn = ("--turn-seconds", args.turn_seconds.is_some());
    let useless = match source {
        SourceKind::Simulation => [&[turn, url], &kubernetes[..]].concat(),
        SourceKind::Prometheus => [&simulated[..], &kubernetes].concat(),
        SourceKind::Kubernetes => [&simulated[..], &[url]].concat(),
        SourceKind::Host | SourceKind::Kafka => [&simulated[..], &[url], &kubernetes].concat(),
    };
    let useless = useless.into_iter().find(|(_, given)| *given).map(|(option, _)| option);
    match useless {
        Some(option) => {
            Err(Failure::Input(format!("{option} has no effect with the source `{}`", source.name())))
        }
        None => Ok(()),
    }
}

/// What the settings name as learned beforehand.
fn learned(config: &ServeConfig) -> Result<AnalystConfig, Failure> {
    let mut analyst = AnalystConfig::default();
    if let Some(path) = &config.risk_model {
        analyst.risk = model_files::read_risk(path)?.model;
    }
    if let Some(path) = &config.forecast_model {
        let fitted = model_files::read_forecast(path)?;
        let of_loop = fitted.setup.network.filter(|_| u64::from(fitted.period_seconds) == BIN_SECONDS);
        let peak = of_loop.and_then(|network| network.peak_alone());
        let Some(network) = peak.filter(|network| *network.steps() == forecast_steps()) else {
            let levels: Vec<String> = LEVELS.iter().map(f64::to_string).collect();
            return Err(Failure::Input(format!(
                "{}: the loop needs a network fitted by `lepton forecast --period {}m --horizon {HORIZON_BINS} --peak --quantiles {}`",
                path.display(),
                BIN_SECONDS / 60,
                levels.join(",")
            )));
        };
        analyst.network = Some(Arc::new(network));
    }
    Ok(analyst)
}
