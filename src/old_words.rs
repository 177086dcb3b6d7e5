//! Words of the existing product, and ours for the same: its scripts and databases are read here.

/// Strategies between accounts.
pub const ACCOUNT_STRATEGIES: [(&str, &str); 6] = [
    ("fill-first", "fill_first"),
    ("round-robin", "round_robin"),
    ("p2c", "power_of_two"),
    ("random", "random"),
    ("least-used", "least_used"),
    ("cost-optimized", "cost_optimized"),
];

/// Strategies of combos.
pub const COMBO_STRATEGIES: [(&str, &str); 6] = [
    ("priority", "priority"),
    ("weighted", "weighted"),
    ("round-robin", "round_robin"),
    ("random", "random"),
    ("least-used", "least_used"),
    ("cost-optimized", "cost_optimized"),
];
