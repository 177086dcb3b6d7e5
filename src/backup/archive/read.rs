//! Reads an archive: every file against the manifest, none larger than it may be, none that is not known.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use omniroute_core::hex;
use omniroute_core::usage::UsageRecord;
use omniroute_core::written::{Kind, StoredObject};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::{CREDENTIALS, FILES, FORM, Listed, MANIFEST, Manifest, Shown, USAGE, VERSION, sealed};
use crate::backup::copy::with_pepper;
use crate::backup::{BackupError, Brought, Extent, Keys, Line, Records, scratch};
use crate::store::{StoreError, WriteTx, usage};

/// Largest file of objects.
const MAX_OBJECT_BYTES: u64 = 32 * 1024 * 1024;

/// Largest file of records, unpacked.
const MAX_USAGE_BYTES: u64 = 1024 * 1024 * 1024;

/// Records that are written at once.
const AT_ONCE: usize = 1000;

/// What the archive seals.
#[derive(Deserialize)]
struct Credentials {
    objects: Vec<Sealed>,
    pepper: String,
}

#[derive(Deserialize)]
struct Sealed {
    kind: String,
    name: String,
    value: serde_json::Value,
}

/// Everything of an archive but the records, by name.
struct Unpacked {
    files: HashMap<String, Vec<u8>>,
    usage: Option<File>,
}

/// Reads an archive. Blocks.
///
/// # Errors
///
/// Why it cannot be imported.
pub fn from_archive(
    bytes: &[u8],
    keys: &Keys,
    data_dir: Option<&Path>,
) -> Result<Brought, BackupError> {
    let Unpacked { files, usage } = unpack(bytes, data_dir)?;
    let mut lines = Vec::new();
    let mut objects = Vec::new();
    for (kind, name) in FILES {
        let Some(bytes) = files.get(name) else { continue };
        for Shown { name, value, .. } in json::<Vec<Shown>>(name, bytes)? {
            objects.push(StoredObject { kind, name: name.into(), value, since: 0 });
        }
    }
    match (files.get(CREDENTIALS), &keys.passphrase) {
        (Some(sealed), Some(passphrase)) => {
            let opened = sealed::open(passphrase, sealed)?;
            fill(&mut objects, json(CREDENTIALS, &opened)?)?;
        }
        (Some(_), None) => {
            let why = "they are sealed; give the passphrase to take them over too";
            lines.push(Line::skipped("credentials", "", why));
        }
        (None, _) => {}
    }
    let records = usage.map(|file| Box::new(move |tx: &WriteTx<'_>| take_in(tx, file)) as Records);
    let (form, extent) = ("omniroute-archive", Extent::Adds);
    Ok(Brought { form, extent, objects, has_stars: true, lines, notes: Vec::new(), records })
}

/// Puts whole objects in the place of those with stars.
fn fill(objects: &mut [StoredObject], credentials: Credentials) -> Result<(), BackupError> {
    let broken = || BackupError::File(format!("{CREDENTIALS}: it is not as written"));
    let pepper = hex::decode(&credentials.pepper).ok_or_else(broken)?;
    for Sealed { kind, name, value } in credentials.objects {
        let kind = Kind::named(&kind).ok_or_else(broken)?;
        if let Some(object) = objects.iter_mut().find(|object| object.is(kind, &name)) {
            object.value = value;
            with_pepper(object, &pepper);
        }
    }
    Ok(())
}

fn json<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, BackupError> {
    // The position only: the words around it could be secret.
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        BackupError::File(format!("{name}:{line}:{column}: it is not as expected there"))
    })
}

fn unpack(bytes: &[u8], data_dir: Option<&Path>) -> Result<Unpacked, BackupError> {
    let broken =
        |error: std::io::Error| BackupError::File(format!("the archive is broken: {error}"));
    let mut unpacked = Unpacked { files: HashMap::new(), usage: None };
    let mut manifest: Option<Manifest> = None;
    for entry in Archive::new(GzDecoder::new(bytes)).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let Some(name) = name(&entry)? else { continue };
        let Some(known) = &manifest else {
            let known: Manifest = json(&name, &whole(&mut entry, &name)?)?;
            accept(&name, &known)?;
            manifest = Some(known);
            continue;
        };
        let listed = known.files.iter().find(|listed| listed.name == name);
        let listed = listed.ok_or_else(|| {
            BackupError::File(format!(
                "the archive holds `{name}`, which its manifest does not list"
            ))
        })?;
        let is_twice = if name == USAGE {
            unpacked.usage.replace(spooled(&mut entry, listed, data_dir)?).is_some()
        } else {
            let bytes = whole(&mut entry, &name)?;
            check(listed, &Sha256::digest(&bytes), bytes.len() as u64)?;
            unpacked.files.insert(name.clone(), bytes).is_some()
        };
        if is_twice {
            return Err(BackupError::File(format!("the archive holds `{name}` twice")));
        }
    }
    let manifest = manifest.ok_or_else(|| BackupError::File("the archive is empty".to_owned()))?;
    for Listed { name, .. } in &manifest.files {
        let is_there =
            unpacked.files.contains_key(name) || (name == USAGE && unpacked.usage.is_some());
        if !is_there {
            return Err(BackupError::File(format!(
                "the archive has no `{name}`: it was cut short"
            )));
        }
    }
    Ok(unpacked)
}

/// Returns the name of a file inside the archive's one folder; `None` for the folder itself.
fn name(entry: &Entry<'_, impl Read>) -> Result<Option<String>, BackupError> {
    let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let kind = entry.header().entry_type();
    if kind == EntryType::Directory {
        return Ok(None);
    }
    let name = path.split_once('/').map(|(_, name)| name.to_owned());
    let is_known = |name: &String| {
        [MANIFEST, CREDENTIALS, USAGE].contains(&name.as_str())
            || FILES.iter().any(|(_, known)| known == name)
    };
    match name.filter(|_| kind == EntryType::Regular).filter(is_known) {
        Some(name) => Ok(Some(name)),
        None => {
            let path: String = path.chars().take(80).collect();
            Err(BackupError::File(format!("the archive holds {path:?}, which no export has")))
        }
    }
}

fn accept(name: &str, manifest: &Manifest) -> Result<(), BackupError> {
    if name != MANIFEST || manifest.format != FORM {
        let what = "the archive does not begin with the manifest of an export of omniroute";
        return Err(BackupError::File(what.to_owned()));
    }
    if manifest.format_version > VERSION {
        return Err(BackupError::File(format!(
            "the archive is of version {}, this program knows {VERSION} at most; update omniroute first",
            manifest.format_version
        )));
    }
    Ok(())
}

fn whole(entry: &mut impl Read, name: &str) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    let read = entry.take(MAX_OBJECT_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| BackupError::File(format!("{name} cannot be unpacked: {error}")))?;
    if bytes.len() as u64 > MAX_OBJECT_BYTES {
        let what = format!("{name} is larger than {MAX_OBJECT_BYTES} bytes unpacked");
        return Err(BackupError::File(what));
    }
    Ok(bytes)
}

fn spooled(
    entry: &mut impl Read,
    listed: &Listed,
    data_dir: Option<&Path>,
) -> Result<File, BackupError> {
    let mut file = scratch(data_dir)?;
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = entry.read(&mut piece);
        let read =
            read.map_err(|e| BackupError::File(format!("{USAGE} cannot be unpacked: {e}")))?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if bytes > MAX_USAGE_BYTES {
            let what = format!("{USAGE} is larger than {MAX_USAGE_BYTES} bytes unpacked");
            return Err(BackupError::File(what));
        }
        hash.update(&piece[..read]);
        file.write_all(&piece[..read])?;
    }
    check(listed, &hash.finalize(), bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn check(listed: &Listed, hash: &[u8], bytes: u64) -> Result<(), BackupError> {
    if listed.bytes == bytes && listed.sha256 == hex::encode(hash) {
        return Ok(());
    }
    Err(BackupError::File(format!(
        "`{}` is not what the manifest says; was it changed?",
        listed.name
    )))
}

fn take_in(tx: &WriteTx<'_>, file: File) -> Result<usize, StoreError> {
    let (mut new, mut records) = (0, Vec::with_capacity(AT_ONCE));
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let record: UsageRecord = serde_json::from_str(&line?).map_err(|_| {
            StoreError::NotABackup(format!("{USAGE}:{}: it is no record of a call", number + 1))
        })?;
        records.push(record);
        if records.len() == AT_ONCE {
            new += usage::take_in(tx, std::mem::take(&mut records))?;
        }
    }
    new += usage::take_in(tx, records)?;
    Ok(new)
}
