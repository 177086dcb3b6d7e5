//! "Did you mean": the known name nearest to a misspelt one.

/// Likeness from which a name is worth suggesting, 0 to 1 (Jaro-Winkler).
const MIN_LIKENESS: f64 = 0.75;

/// Returns a hint naming the known word nearest to `word`, or `None` if nothing is near.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, known).map(|name| format!("did you mean `{name}`?"))
}

/// Returns a hint naming the nearest known word, or all of them.
pub(crate) fn did_you_mean_or_list(word: &str, known: &[&str]) -> String {
    did_you_mean(word, known.iter().copied())
        .unwrap_or_else(|| format!("known here: {}", known.join(", ")))
}

fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&word, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= MIN_LIKENESS)
        .max_by(|(one, one_name), (other, other_name)| {
            // The same likeness: the first in the alphabet, so that the message is always the same.
            one.total_cmp(other).then_with(|| other_name.cmp(one_name))
        })
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_nothing_far_away() {
        let known = ["glm", "minimax", "deepseek"];

        assert_eq!(did_you_mean("glmm", known).as_deref(), Some("did you mean `glm`?"));
        assert_eq!(did_you_mean("DeepSeak", known).as_deref(), Some("did you mean `deepseek`?"));
        assert_eq!(did_you_mean("zzz", known), None);
    }
}
