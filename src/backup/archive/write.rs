//! Makes an archive.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use omniroute_core::hex;
use omniroute_core::written::{Kind, StoredObject, View, Written};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, Header};
use zeroize::Zeroizing;

use super::{CREDENTIALS, FILES, FORM, Listed, MANIFEST, Manifest, Shown, USAGE, VERSION, sealed};
use crate::backup::{BackupError, scratch};
use crate::keeping;
use crate::live::Basis;
use crate::store::{Store, StoreError, usage};

/// Records that are read at once.
const AT_ONCE: usize = 1000;

/// What goes into an archive.
pub struct Contents<'a> {
    /// The configuration in force.
    pub basis: &'a Basis,
    /// What is remembered.
    pub store: &'a Store,
    /// Seals the credentials; without it there are none.
    pub passphrase: Option<&'a str>,
    /// The time.
    pub at: SystemTime,
}

/// Makes an archive in a file without a name. Blocks.
///
/// # Errors
///
/// Why it cannot be made.
pub fn to_archive(contents: &Contents<'_>, data_dir: Option<&Path>) -> Result<File, BackupError> {
    let at = Timestamp::try_from(contents.at).unwrap_or(Timestamp::MAX);
    let mut files = Vec::new();
    for (kind, name) in FILES {
        let shown = shown(contents.basis, kind);
        files.push((name, serde_json::to_vec_pretty(&shown).map_err(std::io::Error::other)?));
    }
    if let Some(passphrase) = contents.passphrase {
        files.push((CREDENTIALS, sealed::seal(passphrase, &credentials(contents)?)?));
    }
    let (mut records, listed) = records(contents.store, data_dir)?;
    let mut list: Vec<_> = files.iter().map(|(name, bytes)| listed_as(name, bytes)).collect();
    list.push(listed);
    let manifest = Manifest {
        format: FORM.to_owned(),
        format_version: VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        generation: contents.basis.number,
        exported_at: at.to_string(),
        credentials: if contents.passphrase.is_some() { "sealed" } else { "none" }.to_owned(),
        files: list,
    };
    let file = scratch(data_dir)?;
    let folder = format!("omniroute-export-{}", at.strftime("%Y-%m-%dT%H-%M-%SZ"));
    let mut tar = Builder::new(GzEncoder::new(file, Compression::default()));
    let mut append = |name: &str, bytes: u64, from: &mut dyn Read| {
        let mut header = Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(at.as_second()).unwrap_or_default());
        tar.append_data(&mut header, format!("{folder}/{name}"), from)
    };
    let manifest = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::other)?;
    append(MANIFEST, manifest.len() as u64, &mut manifest.as_slice())?;
    for (name, bytes) in &files {
        append(name, bytes.len() as u64, &mut bytes.as_slice())?;
    }
    let bytes = records.metadata()?.len();
    records.seek(SeekFrom::Start(0))?;
    append(USAGE, bytes, &mut records)?;
    Ok(tar.into_inner()?.finish()?)
}

fn listed_as(name: &str, bytes: &[u8]) -> Listed {
    let sha256 = hex::encode(&Sha256::digest(bytes));
    Listed { name: name.to_owned(), bytes: bytes.len() as u64, sha256 }
}

/// Shows the objects of a kind, of both sides, without secrets.
fn shown(basis: &Basis, kind: Kind) -> Vec<Shown> {
    let views = match kind {
        Kind::Setting => settings(&basis.objects, &basis.written),
        kind => basis.written.views(kind),
    };
    let shown =
        |View { name, origin, value }| Shown { name, origin: origin.word().to_owned(), value };
    views.into_iter().map(shown).collect()
}

fn settings(objects: &[StoredObject], written: &Written) -> Vec<View> {
    let settings = objects.iter().filter(|object| object.kind == Kind::Setting);
    settings.filter_map(|setting| written.view(Kind::Setting, &setting.name)).collect()
}

/// The dashboard's objects with their secrets, and the secret that hashes of client keys depend on.
fn credentials(contents: &Contents<'_>) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let objects = contents.basis.objects.iter();
    let objects: Vec<Value> = objects
        .map(|object| json!({ "kind": object.kind.word(), "name": object.name, "value": object.value }))
        .collect();
    let pepper = contents.store.secret(keeping::CLIENT_KEYS)?;
    let text = json!({ "objects": objects, "pepper": hex::encode(&*pepper) });
    Ok(Zeroizing::new(serde_json::to_vec(&text).map_err(std::io::Error::other)?))
}

/// Writes the records of calls down, one a line, the oldest first.
fn records(store: &Store, data_dir: Option<&Path>) -> Result<(File, Listed), BackupError> {
    let mut file = scratch(data_dir)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    store.read(|tx| {
        usage::each(tx, AT_ONCE, |records| {
            let mut lines = Vec::new();
            for record in records {
                serde_json::to_writer(&mut lines, &record).map_err(std::io::Error::other)?;
                lines.push(b'\n');
            }
            hash.update(&lines);
            bytes += lines.len() as u64;
            file.write_all(&lines).map_err(StoreError::from)
        })
    })?;
    let sha256 = hex::encode(&hash.finalize());
    Ok((file, Listed { name: USAGE.to_owned(), bytes, sha256 }))
}
