//! Memory of a bench's process, as Linux tells it.

/// A figure of this process in MB (10^6 bytes), such as `VmRSS` (resident now) or `VmHWM` (its peak); 0 where the system
/// does not tell.
pub(crate) fn memory_mb(figure: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(figure)?.strip_prefix(':')).unwrap_or("");
    line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0 / 1e6
}
