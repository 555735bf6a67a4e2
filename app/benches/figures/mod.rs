//! What the benches share: their arguments, quantiles, and what a process takes of memory.

#![allow(dead_code, reason = "each bench uses a part of this")]

/// The number that follows a name among the arguments.
pub(crate) fn argument(name: &str, otherwise: usize) -> usize {
    let args: Vec<String> = std::env::args().collect();
    let at = args.iter().position(|arg| arg == name);
    at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
}

/// The value below which so many in a hundred lie; none of nothing.
pub(crate) fn quantile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() * percent / 100).min(last)).copied().unwrap_or(f64::NAN)
}

/// What Linux says of a process on a line that is named so (`VmRSS:`, `VmHWM:`), bytes.
pub(crate) fn memory_bytes(process: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|of| of.strip_prefix(line)).unwrap_or_default();
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib * 1024.0)
}
