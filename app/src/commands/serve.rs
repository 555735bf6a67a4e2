//! `lepton serve`: settings from defaults, file and options, then the service.

use crate::cli_serve::ServeArgs;
use crate::failure::Failure;
use crate::output;
use crate::serve::config::ServeConfig;
use crate::serve::{openapi, serve};

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    if args.print_openapi {
        return Ok(output::print(&openapi())?);
    }
    let mut config = match &args.config {
        Some(path) => ServeConfig::read(path)?,
        None => ServeConfig::default(),
    };
    config.mode = args.mode.unwrap_or(config.mode);
    config.listen = args.listen.unwrap_or(config.listen);
    config.require_tokens |= args.require_tokens;
    config.speed = args.speed.unwrap_or(config.speed);
    config.simulation.nodes_count = args.nodes_count.unwrap_or(config.simulation.nodes_count);
    config.simulation.seed = args.seed.unwrap_or(config.simulation.seed);
    if let Some(folder) = &args.state_dir {
        config.state_dir.clone_from(folder);
    }
    serve(&config, args.turns)
}
