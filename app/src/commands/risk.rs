//! `lepton risk`: anomalies and fault risk from recorded telemetry.

use super::risk_telemetry;
use crate::cli_risk::RiskArgs;
use crate::failure::Failure;

pub(crate) fn run(args: &RiskArgs) -> Result<(), Failure> {
    match (&args.train, &args.input) {
        (Some(train), Some(input)) => risk_telemetry::run(args, train, input),
        _ => Err(Failure::Input("expected --train and --input".to_owned())),
    }
}
