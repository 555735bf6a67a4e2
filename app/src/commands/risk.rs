//! `lepton risk`: anomalies and fault risk from recorded telemetry, counters and logs.

use super::{risk_counters, risk_logs, risk_telemetry};
use crate::cli_risk::RiskArgs;
use crate::failure::Failure;

pub(crate) fn run(args: &RiskArgs) -> Result<(), Failure> {
    match (&args.train, &args.input) {
        (train, Some(input)) if args.counters => risk_counters::run(args, train.as_deref(), input),
        (Some(train), Some(input)) => risk_telemetry::run(args, train, input),
        _ => risk_logs::run(args, &args.logs),
    }
}
