//! How many connections the system lets the process have.

use std::fs;

/// Files that are open besides connections: listeners, database, logs, pipes of the runtime.
const OTHERS: usize = 128;

/// Connections for one client: its own, and one to a provider.
const EACH: usize = 2;

/// Returns how many clients the process may have, going by its limit of open files; any number where the
/// system does not tell.
pub fn clients_allowed() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    open_files(&limits).map_or(usize::MAX, |files| (files.saturating_sub(OTHERS) / EACH).max(1))
}

/// Reads the soft limit of a text such as `Max open files  1024  524288  files`.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_counts() {
        let line =
            "Limit  Soft  Hard\nMax open files            1024                 524288  files\n";
        assert_eq!(open_files(line), Some(1024));
        assert_eq!(open_files("Max open files   unlimited  unlimited  files"), None);
        assert_eq!(open_files(""), None);
        assert!(clients_allowed() > 1);
    }
}
