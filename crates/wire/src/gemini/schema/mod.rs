//! Schemas of tools and answers, between JSON Schema and this format's own dialect of it.

mod clean;
mod fold;
mod import;
#[cfg(test)]
mod tests;

pub(super) use clean::clean;
pub(super) use import::to_json_schema;
