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

/// Words of the existing product's, each with ours for it.
type Words = [(&'static str, &'static str)];

/// Returns our word for one of the existing product's.
pub fn ours_of(words: &Words, old: &str) -> Option<&'static str> {
    words.iter().find(|(known, _)| *known == old).map(|(_, ours)| *ours)
}

/// Returns our word for one of either side.
pub fn ours_of_either(words: &Words, word: &str) -> Option<&'static str> {
    words.iter().find(|(old, ours)| *old == word || *ours == word).map(|(_, ours)| *ours)
}

/// Returns the existing product's word for one of ours; ours where it has none.
pub fn old_of<'w>(words: &Words, ours: &'w str) -> &'w str {
    words.iter().find(|(_, known)| *known == ours).map_or(ours, |(old, _)| old)
}

/// Lists the existing product's words, for whoever gave none of them.
pub fn old_names(words: &Words) -> String {
    words.iter().map(|(old, _)| *old).collect::<Vec<_>>().join(", ")
}
