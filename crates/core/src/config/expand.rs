//! `${NAME}` and `${NAME:-default}` in values.
//!
//! Values are expanded after parsing, one scalar at a time, so nothing in the environment can become
//! YAML. `$${` stands for a literal `${`.

/// A value with its variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expanded {
    /// The text.
    pub(crate) text: String,
    /// Whether a variable of the environment went into it.
    pub(crate) from_env: bool,
}

/// Replaces the variables of one value.
///
/// As in a shell, the default is taken when the variable is missing or empty.
///
/// # Errors
///
/// One message per variable that is missing without a default, or that is not well written. The
/// messages name variables, never their values.
pub(crate) fn expand(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Expanded, Vec<String>> {
    let mut expanded = Expanded { text: String::with_capacity(text.len()), from_env: false };
    let mut faults = Vec::new();
    let mut rest = text;

    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            expanded.text.push_str(&rest[..at - 1]);
            expanded.text.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        expanded.text.push_str(&rest[..at]);
        let Some(length) = rest[at + 2..].find('}') else {
            faults.push("`${` has no closing `}`; write `$${` for a literal `${`".to_owned());
            return Err(faults);
        };
        match replacement(&rest[at + 2..at + 2 + length], env) {
            Ok((value, from_env)) => {
                expanded.text.push_str(&value);
                expanded.from_env |= from_env;
            }
            Err(fault) => faults.push(fault),
        }
        rest = &rest[at + 2 + length + 1..];
    }

    expanded.text.push_str(rest);
    if faults.is_empty() { Ok(expanded) } else { Err(faults) }
}

/// Returns what stands for the inside of one `${…}`, and whether it came from the environment.
fn replacement(
    inside: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(String, bool), String> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_variable_name(name) {
        return Err("a variable is written `${NAME}` or `${NAME:-default}`; NAME is of letters, \
                    digits and `_`, and `$${` is a literal `${`"
            .to_owned());
    }
    match (env(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok((default.to_owned(), false)),
        (Some(value), _) => Ok((value, true)),
        (None, Some(default)) => Ok((default.to_owned(), false)),
        (None, None) => Err(missing(name)),
    }
}

/// Says that a variable is missing and what to do.
fn missing(name: &str) -> String {
    format!("the environment variable `{name}` is not set; set it, or write `${{{name}:-default}}`")
}

/// Tells whether a text can be the name of a variable.
pub(crate) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("example.org".to_owned()),
            "YAML" => Some("a: [b] # c".to_owned()),
            "NESTED" => Some("${HOST}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_replaced_once_and_defaults_stand_in() {
        for (text, expected, from_env) in [
            ("plain", "plain", false),
            ("", "", false),
            ("$5 and $HOST", "$5 and $HOST", false),
            ("${HOST}", "example.org", true),
            ("https://${HOST}/x-${HOST}", "https://example.org/x-example.org", true),
            ("${YAML}", "a: [b] # c", true),
            ("${NESTED}", "${HOST}", true),
            ("${NONE:-8080}", "8080", false),
            ("${NONE:-}", "", false),
            ("${NONE:-a:-b}", "a:-b", false),
            ("${EMPTY:-full}", "full", false),
            ("${EMPTY}", "", true),
            ("$${HOST}", "${HOST}", false),
            ("a$${b}${HOST}", "a${b}example.org", true),
            ("ä${HOST}ö", "äexample.orgö", true),
        ] {
            let expanded = expand(text, &env).unwrap();

            assert_eq!((expanded.text.as_str(), expanded.from_env), (expected, from_env), "{text}");
        }
    }

    #[test]
    fn every_missing_variable_of_a_value_is_named() {
        let faults = expand("${ONE}-${HOST}-${TWO}", &env).unwrap_err();

        assert_eq!(faults.len(), 2);
        assert!(faults[0].contains("`ONE`") && faults[1].contains("`TWO`"), "{faults:?}");
    }

    #[test]
    fn a_badly_written_variable_is_refused_without_repeating_it() {
        for text in ["${", "${HOST", "${}", "${a-b}", "${1A}", "${ HOST }", "${:-x}"] {
            let faults = expand(text, &env).unwrap_err();

            assert_eq!(faults.len(), 1, "{text}");
            assert!(!faults[0].contains("a-b"), "{faults:?}");
        }
    }
}
