//! The archive: everything that people share, readable, in one `tar.gz`; credentials only sealed under a
//! passphrase.

mod read;
mod sealed;
mod write;

use omniroute_core::written::Kind;
use serde::{Deserialize, Serialize};

pub use self::read::from_archive;
pub use self::write::{Contents, to_archive};

/// The form's name and version in the manifest.
const FORM: &str = "omniroute-archive";
const VERSION: u32 = 1;

/// What the files begin with that are packed by gzip.
const MAGIC: &[u8] = &[0x1f, 0x8b];

/// The files beside those of objects.
const MANIFEST: &str = "manifest.json";
const CREDENTIALS: &str = "credentials.sealed";
const USAGE: &str = "usage.ndjson";

/// The file of each kind of objects.
const FILES: [(Kind, &str); 10] = [
    (Kind::Provider, "providers.json"),
    (Kind::Model, "models.json"),
    (Kind::Account, "accounts.json"),
    (Kind::Combo, "combos.json"),
    (Kind::Alias, "aliases.json"),
    (Kind::FallbackChain, "fallback-chains.json"),
    (Kind::ClientKey, "api-keys.json"),
    (Kind::Price, "prices.json"),
    (Kind::Profile, "profiles.json"),
    (Kind::Setting, "settings.json"),
];

/// Tells whether a file looks like an archive.
pub fn is_archive(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// What an archive says of itself; its first file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    format: String,
    format_version: u32,
    /// The version of the program.
    version: String,
    generation: u64,
    /// When it was made, RFC 3339.
    exported_at: String,
    /// `none` or `sealed`.
    credentials: String,
    files: Vec<Listed>,
}

/// A file of an archive.
#[derive(Serialize, Deserialize)]
struct Listed {
    name: String,
    bytes: u64,
    sha256: String,
}

/// An object as the archive shows it: secrets are stars.
#[derive(Serialize, Deserialize)]
struct Shown {
    name: String,
    /// `file` or `dashboard`.
    origin: String,
    value: serde_json::Value,
}
