//! The built-in providers: facts in `config/providers/*.yaml`, compiled into the program.

mod files;

use std::sync::LazyLock;

use super::providers::{ProviderText, read_catalogue};
use super::report::Report;
use super::yaml;
use crate::snapshot::Problems;

/// One file of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueFile {
    /// Its name from the top of the repository.
    pub name: &'static str,
    /// Its text, for `omniroute check --print`.
    pub text: &'static str,
}

/// Read once per process: the texts cannot change, and reloading should not pay for them.
static PARSED: LazyLock<Result<Vec<ProviderText>, Problems>> = LazyLock::new(|| {
    let report = Report::default();
    let providers: Vec<ProviderText> = files::FILES
        .iter()
        .filter_map(|file| {
            let root = yaml::parse(file.name, file.text, &|_| None, &report)?;
            read_catalogue(&root, &report)
        })
        .collect();
    if report.is_empty() { Ok(providers) } else { Err(report.into_problems()) }
});

/// Returns the files of the built-in catalogue, in alphabetical order.
///
/// # Errors
///
/// The problems in them. A test keeps the built-in files free of any.
pub fn catalogue() -> Result<&'static [CatalogueFile], Problems> {
    parsed().map(|_| files::FILES.as_slice())
}

/// Returns the providers of the catalogue as written.
pub(crate) fn parsed() -> Result<&'static [ProviderText], Problems> {
    PARSED.as_deref().map_err(Clone::clone)
}
