//! A copy of a database, of this gateway or of another, as something to import.

use std::fs::File;

use omniroute_core::hex;
use omniroute_core::written::{Kind, StoredObject};
use serde_json::{Value, json};

use super::{BackupError, Brought, Extent, Line, Records};
use crate::keeping;
use crate::store::{MasterKey, Store, WriteTx, usage};

/// Records that are written at once.
const AT_ONCE: usize = 1000;

/// Reads a copy. Without a key it has to be sealed with the store's own.
///
/// # Errors
///
/// Why it cannot be imported.
pub fn from_copy(
    store: &Store,
    file: File,
    key: Option<&MasterKey>,
) -> Result<Brought, BackupError> {
    let copy = store.open_copy(file, key)?;
    let mut objects = copy.objects()?;
    let theirs = copy.secret(keeping::CLIENT_KEYS)?;
    let ours = store.secret(keeping::CLIENT_KEYS)?;
    if let Some(theirs) = theirs.filter(|theirs| *theirs != *ours) {
        objects.iter_mut().for_each(|object| with_pepper(object, &theirs));
    }
    let lines = vec![
        Line::skipped("sessions", "", "administrators log in again"),
        Line::skipped("audit log", "", "the log of this gateway goes on; the file keeps its own"),
    ];
    let records = move |tx: &WriteTx<'_>| {
        let mut new = 0;
        copy.each_record(AT_ONCE, |records| {
            new += usage::take_in(tx, records)?;
            Ok(())
        })?;
        Ok(new)
    };
    let (form, extent) = ("omniroute-database", Extent::Replaces);
    let records: Option<Records> = Some(Box::new(records));
    Ok(Brought { form, extent, objects, has_stars: false, lines, notes: Vec::new(), records })
}

/// Hashes of client keys depend on a secret of the gateway that made them: those of another bring theirs.
pub(super) fn with_pepper(object: &mut StoredObject, pepper: &[u8; 32]) {
    let Value::Object(value) = &mut object.value else { return };
    if object.kind == Kind::ClientKey && value.contains_key("key_hash") {
        value.entry("key_pepper").or_insert_with(|| json!(hex::encode(pepper)));
    }
}
