//! What is wrong with a configuration: one [`Problem`] per fault, all of them at once.

use std::cmp::Ordering;
use std::error::Error;
use std::fmt;

/// One fault, where it stands and how to mend it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as the operator named it, or `environment` or `command line`.
    pub file: String,
    /// Where in the file, e.g. `combos.fast.targets[1]`; empty for the whole.
    pub path: String,
    /// Line, from 1; `None` when the fault is not in a file.
    pub line: Option<usize>,
    /// Column in characters, from 1; `None` when the fault is not in a file.
    pub column: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a fault of something as a whole, without a position: a file that cannot be read, a reload.
    pub fn of_whole(file: impl Into<String>, what: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            file: file.into(),
            path: String::new(),
            line: None,
            column: None,
            what: what.into(),
            hint: hint.map(ToOwned::to_owned),
        }
    }

    /// Orders by position; faults that are not in a file come last.
    fn by_position(&self, other: &Self) -> Ordering {
        let key = |problem: &Self| (problem.line.is_none(), problem.line, problem.column);
        key(self)
            .0
            .cmp(&key(other).0)
            .then_with(|| self.file.cmp(&other.file))
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| self.path.cmp(&other.path))
            .then_with(|| self.what.cmp(&other.what))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Every fault of a configuration, in the order of position. Never empty when returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Sorts the faults by position and drops exact repetitions.
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(Problem::by_position);
        problems.dedup();
        Self(problems)
    }

    /// Returns the faults in the order of position.
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    /// Returns the number of faults.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: Option<usize>, what: &str) -> Problem {
        Problem {
            file: if line.is_some() { "a.yaml" } else { "environment" }.to_owned(),
            path: String::new(),
            line,
            column: line.map(|_| 3),
            what: what.to_owned(),
            hint: None,
        }
    }

    #[test]
    fn problems_print_one_per_line_in_the_order_of_the_file() {
        let problems = Problems::new(vec![
            problem(None, "from outside"),
            problem(Some(9), "later"),
            problem(Some(2), "sooner"),
            problem(Some(2), "sooner"),
        ]);

        assert_eq!(
            problems.to_string(),
            "a.yaml:2:3: sooner\na.yaml:9:3: later\nenvironment: from outside"
        );
    }

    #[test]
    fn a_problem_prints_its_path_and_its_hint() {
        let problem = Problem {
            path: "combos.fast.targets[1]".to_owned(),
            hint: Some("did you mean `glm`?".to_owned()),
            ..problem(Some(12), "no provider has the prefix `glmm`")
        };

        assert_eq!(
            problem.to_string(),
            "a.yaml:12:3: combos.fast.targets[1]: no provider has the prefix `glmm`; \
             did you mean `glm`?"
        );
    }
}
