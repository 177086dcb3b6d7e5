//! Changes of what the dashboard keeps: compiled, written down with their audit entries, published; all
//! of it or nothing.

use std::sync::Arc;

use omniroute_core::clock::Clock;
use omniroute_core::written::{Kind, Origin, StoredObject, Written};
use serde_json::Value;

use super::Parts;
use super::actor::Author;
use super::blocking::blocking;
use super::merge;
use super::problem::Problem;
use crate::backup::Records;
use crate::live::{Basis, Candidate, Generation, HeldFile, Next};
use crate::store::audit::{self, AuditEntry};
use crate::store::{Store, StoreError, objects};

/// A change of one object.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) to: To,
    /// The revision that the object must have, if the request names one.
    pub(super) expected: Option<u64>,
}

impl Edit {
    /// Tells whether it says what a credential is, or where one goes.
    fn leads_credentials(&self) -> bool {
        let has_tunnel = match &self.to {
            To::New(value) | To::Put(value) | To::Merged(value) => value.get("tunnel").is_some(),
            To::Gone => false,
        };
        match self.kind {
            Kind::Provider | Kind::Account | Kind::ClientKey => true,
            Kind::Setting => {
                let section = self.name.trim_start_matches('/');
                let leads = ["providers", "accounts", "client_keys"];
                section.contains("tunnel") || leads.iter().any(|name| section.starts_with(name))
            }
            _ => has_tunnel,
        }
    }
}

/// What becomes of an object.
#[derive(Clone, Debug)]
pub(super) enum To {
    /// It is new.
    New(Value),
    /// It is replaced, or new.
    Put(Value),
    /// Some of its fields change (RFC 7396); it is made if it is not there.
    Merged(Value),
    /// It goes.
    Gone,
}

/// What a change came to.
#[derive(Debug)]
pub(super) struct Changed {
    /// The number of the generation.
    pub(super) generation: u64,
    /// What changed, in words.
    pub(super) changes: Vec<String>,
}

/// Carries changes out.
///
/// # Errors
///
/// What is wrong with them, or that it has to be known who leads credentials elsewhere: nothing has changed then.
pub(super) async fn apply(parts: &Parts, by: Author, edits: Vec<Edit>) -> Result<Changed, Problem> {
    if edits.iter().any(Edit::leads_credentials) {
        by.is_known()?;
    }
    let names: Vec<(Kind, String)> =
        edits.iter().map(|edit| (edit.kind, edit.name.clone())).collect();
    let action = move |before: &Written, after: &Written| {
        names.iter().map(|name| Entry::of(before, after, name)).collect()
    };
    let edit =
        move |basis: &Basis| Ok(Next { objects: planned(basis, edits)?, held: basis.held.clone() });
    publish(parts, by, edit, action).await
}

/// Returns what the objects would be.
///
/// # Errors
///
/// What is wrong with the changes themselves.
pub(super) fn planned(basis: &Basis, edits: Vec<Edit>) -> Result<Arc<[StoredObject]>, Problem> {
    let number = basis.number + 1;
    let mut objects = basis.objects.to_vec();
    for edit in edits {
        carry_out(&mut objects, edit, basis, number)?;
    }
    StoredObject::put_in_order(&mut objects);
    Ok(objects.into())
}

/// Goes back to a generation.
///
/// # Errors
///
/// That it does not fit any more: nothing has changed then.
pub(super) async fn go_back(parts: &Parts, by: Author, to: Generation) -> Result<Changed, Problem> {
    let number = to.number;
    let source = Arc::clone(&parts.live);
    let edit = move |basis: &Basis| {
        let on_disk = source.source().text_on_disk()?;
        let file = to.file.clone().filter(|_| !to.has_file(on_disk.as_ref()));
        let held = file.map(|file| HeldFile::instead_of(on_disk.as_ref(), file));
        let since = basis.number + 1;
        let objects = to.objects.iter().map(|old| {
            let is_kept = basis.objects.iter().any(|now| now == old);
            StoredObject { since: if is_kept { old.since } else { since }, ..old.clone() }
        });
        Ok(Next { objects: objects.collect(), held })
    };
    let action = move |_: &Written, _: &Written| {
        let object = format!("generation {number}");
        vec![Entry { action: "config.rollback".to_owned(), object, ..Entry::default() }]
    };
    publish(parts, by, edit, action).await
}

/// What an entry of the audit log says of one object.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) action: String,
    pub(super) object: String,
    pub(super) before: Value,
    pub(super) after: Value,
}

impl Entry {
    pub(super) fn of(before: &Written, after: &Written, (kind, name): &(Kind, String)) -> Self {
        let (before, after) = (before.view(*kind, name), after.view(*kind, name));
        let what = match (&before, &after) {
            (None, _) => "create",
            (_, None) => "delete",
            _ => "update",
        };
        let value = |view: Option<omniroute_core::written::View>| {
            view.map_or(Value::Null, |view| view.value)
        };
        Self {
            action: format!("{}.{what}", kind.word().replace(' ', "_")),
            object: name.clone(),
            before: value(before),
            after: value(after),
        }
    }
}

async fn publish(
    parts: &Parts,
    by: Author,
    edit: impl FnOnce(&Basis) -> Result<Next, Problem> + Send + 'static,
    entries: impl FnOnce(&Written, &Written) -> Vec<Entry> + Send + 'static,
) -> Result<Changed, Problem> {
    let store = parts.store()?.clone();
    let (live, clock) = (Arc::clone(&parts.live), parts.clock.clone());
    // Compiling and committing block.
    blocking(move || {
        let before = live.basis();
        let mut changes = Vec::new();
        let snapshot = live.change(edit, |candidate, generation| {
            changes.clone_from(&candidate.changes);
            let entries = entries(&before.written, &candidate.basis().written);
            let entries = entries.into_iter().map(|entry| written(entry, &by, &clock)).collect();
            keep(&store, candidate, generation, entries, None)?;
            Ok::<_, Problem>(())
        })?;
        Ok(Changed { generation: snapshot.revision, changes })
    })
    .await
}

/// Writes a change down in one transaction, with records of calls if it brings any; returns how many of
/// those were new.
///
/// # Errors
///
/// The store's: nothing was written then.
pub(super) fn keep(
    store: &Store,
    candidate: &Candidate,
    generation: Generation,
    entries: Vec<AuditEntry>,
    records: Option<Records>,
) -> Result<usize, StoreError> {
    let held = candidate.basis().held.clone();
    let key = store.audit_key()?;
    store.write_blocking(move |tx| {
        objects::keep(tx, &generation, held.as_ref())?;
        entries.into_iter().try_for_each(|entry| audit::append(tx, &key, entry))?;
        records.map_or(Ok(0), |put| put(tx))
    })
}

pub(super) fn written(entry: Entry, by: &Author, clock: &Clock) -> AuditEntry {
    let Entry { action, object, before, after } = entry;
    AuditEntry { action, object, before, after, ..bare(by, clock) }
}

fn bare(by: &Author, clock: &Clock) -> AuditEntry {
    let at = clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    AuditEntry {
        at_ms: omniroute_core::clock::millis(at),
        by: by.by.clone(),
        from: by.from.clone(),
        action: String::new(),
        object: String::new(),
        before: Value::Null,
        after: Value::Null,
        chain: String::new(),
    }
}

/// Writes an entry of the audit log for what changes no object.
///
/// # Errors
///
/// The store's.
pub(super) async fn audited(
    parts: &Parts,
    by: &Author,
    action: &str,
    object: &str,
) -> Result<(), Problem> {
    let Some(store) = parts.store.clone() else { return Ok(()) };
    let (action, object) = (action.to_owned(), object.to_owned());
    let entry = AuditEntry { action, object, ..bare(by, &parts.clock) };
    blocking(move || {
        let key = store.audit_key()?;
        Ok(store.write_blocking(move |tx| audit::append(tx, &key, entry))?)
    })
    .await
}

/// Changes the list of objects.
fn carry_out(
    objects: &mut Vec<StoredObject>,
    edit: Edit,
    basis: &Basis,
    number: u64,
) -> Result<(), Problem> {
    let Edit { kind, name, to, expected } = edit;
    let word = kind.word();
    let at = objects.iter().position(|other| other.is(kind, &name));
    let is_in_file = at.is_none()
        && basis.written.view(kind, &name).is_some_and(|view| view.origin == Origin::File);
    if is_in_file {
        let what = format!("{word} `{name}` stands in the configuration file; change it there");
        return Err(Problem::conflict(what));
    }
    let since = at.map(|at| objects[at].since);
    if expected.is_some() && expected != since {
        let what = format!("{word} `{name}` has been changed since you read it; read it again");
        return Err(Problem::stale(what));
    }
    let missing = || Problem::missing(format!("there is no {word} `{name}`"));
    let old = at.map(|at| &objects[at].value);
    let value = match to {
        To::New(_) if at.is_some() => {
            return Err(Problem::conflict(format!("there is a {word} `{name}` already")));
        }
        To::New(value) | To::Put(value) => merge::with_secrets(old, value)?,
        To::Merged(patch) => merge::patched(old, patch)?,
        To::Gone => {
            objects.remove(at.ok_or_else(missing)?);
            // Nothing stays behind that is set below it.
            let below = format!("/{}/{name}/", kind.section().join("/"));
            objects.retain(|o| o.kind != Kind::Setting || !o.name.starts_with(&below));
            return Ok(());
        }
    };
    let object = StoredObject { kind, name: name.into(), value, since: number };
    match at {
        Some(at) => objects[at] = object,
        None => objects.push(object),
    }
    Ok(())
}
