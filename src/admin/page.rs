//! Pages of lists: `?limit=` and `?after=`, the name of the last one seen.

use serde::Deserialize;

use super::problem::Problem;

/// Entries of a page unless the request says otherwise.
const DEFAULT: usize = 100;

/// Most entries of a page.
pub(super) const MAX: usize = 1000;

/// Which part of a list is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    limit: Option<usize>,
    after: Option<String>,
}

impl Page {
    /// Returns how many entries are asked for.
    ///
    /// # Errors
    ///
    /// None, or too many.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT);
        if (1..=MAX).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::field("limit", format!("it has to be from 1 to {MAX}")))
    }

    /// Returns the page of a list, and the name to go on after, if there is more.
    ///
    /// # Errors
    ///
    /// As [`Page::limit`].
    pub(super) fn of<T>(
        &self,
        list: Vec<T>,
        name: impl Fn(&T) -> &str,
    ) -> Result<(Vec<T>, Option<String>), Problem> {
        let limit = self.limit()?;
        let start = match &self.after {
            None => 0,
            Some(after) => match list.iter().position(|entry| name(entry) == after) {
                Some(at) => at + 1,
                None => return Err(Problem::field("after", "there is no such entry any more")),
            },
        };
        let is_more = list.len() > start + limit;
        let page: Vec<T> = list.into_iter().skip(start).take(limit).collect();
        let next = page.last().filter(|_| is_more).map(|last| name(last).to_owned());
        Ok((page, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let list = vec!["a", "b", "c", "d", "e"];
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = Page { limit: Some(2), after };
            let (entries, next) = page.of(list.clone(), |name| name).unwrap();
            seen.extend(entries);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, list);
        assert!(Page { limit: Some(0), after: None }.limit().is_err());
        assert!(Page { limit: None, after: Some("z".to_owned()) }.of(list, |name| name).is_err());
    }
}
