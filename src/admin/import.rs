//! Takes over what a file brings: sifted, compiled, written down and published, all of it or nothing, while
//! requests are served.

use std::collections::{BTreeSet, HashSet};

use omniroute_core::ids::ClientKeyName;
use omniroute_core::snapshot::Problem as Fault;
use omniroute_core::written::{Kind, Origin, StoredObject, Written};
use serde::Serialize;
use serde_json::{Value, json};

use super::Parts;
use super::actor::Author;
use super::blocking::blocking;
use super::change::{Entry, keep, written};
use super::merge;
use super::problem::Problem;
use crate::backup::{Brought, Extent, Line, Note, Outcome, SafetyCopies};
use crate::live::{Basis, Next};
use crate::services::restore_budgets;
use crate::store::Store;
use crate::store::backup::Counts;

/// How often objects that do not fit are taken out and the rest is tried again.
const MOST_ROUNDS: usize = 64;

/// How an import is carried out.
pub(super) struct Way {
    /// Only say what would come over.
    pub(super) is_dry: bool,
    /// The client key of whoever imports; it stays, so that nobody locks himself out.
    pub(super) own_key: Option<ClientKeyName>,
    /// Why the safety copy is made.
    pub(super) reason: &'static str,
}

/// What an import came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    imported: bool,
    form: &'static str,
    /// What the dashboard has now.
    #[serde(flatten)]
    counts: Counts,
    generation: u64,
    /// Records of calls that were not there yet.
    usage_records: usize,
    /// The state before, to go back to.
    safety_copy: Option<String>,
    /// What changed, in words.
    changes: Vec<String>,
    summary: Value,
    /// Object by object.
    report: Vec<Line>,
}

/// Takes over what a file brings. Blocks.
///
/// # Errors
///
/// Why nothing was taken over.
pub(super) fn take_over(
    parts: &Parts,
    by: &Author,
    brought: Brought,
    way: &Way,
) -> Result<Report, Problem> {
    if way.is_dry {
        return rehearse(parts, brought, way);
    }
    let store = parts.store()?.clone();
    let data_dir = super::backups::folder(parts).ok_or_else(Problem::no_store)?;
    let (copy, _) = SafetyCopies::of(&data_dir).make(&store, way.reason, parts.clock.wall())?;
    let Brought { form, extent, objects, has_stars, mut lines, notes, records } = brought;
    let before = parts.live.basis();
    let (mut changes, mut new_records, mut counts) = (Vec::new(), 0, Counts::default());
    let snapshot = parts.live.change(
        |basis| {
            let sifted = sift(parts, basis, (objects, has_stars, &notes), (extent, way))?;
            lines.extend(sifted.lines);
            Ok::<_, Problem>(Next { objects: sifted.objects.into(), held: basis.held.clone() })
        },
        |candidate, generation| {
            changes.clone_from(&candidate.changes);
            counts = Counts::of(&candidate.basis().objects);
            let entries = entries(form, &before, candidate.basis());
            let entries = entries.into_iter().map(|entry| written(entry, by, &parts.clock));
            new_records = keep(&store, candidate, generation, entries.collect(), records)?;
            remember_spent(parts, &store, candidate.snapshot());
            Ok(())
        },
    )?;
    Ok(Report {
        imported: true,
        form,
        counts,
        generation: snapshot.revision,
        usage_records: new_records,
        safety_copy: Some(copy.name),
        changes,
        summary: summary(&lines),
        report: lines,
    })
}

/// Says what an import would come to.
fn rehearse(parts: &Parts, brought: Brought, way: &Way) -> Result<Report, Problem> {
    let Brought { form, extent, objects, has_stars, mut lines, notes, .. } = brought;
    let basis = parts.live.basis();
    let sifted = sift(parts, &basis, (objects, has_stars, &notes), (extent, way))?;
    lines.extend(sifted.lines);
    let counts = Counts::of(&sifted.objects);
    let candidate = parts.live.plan(sifted.objects.into(), None)?;
    Ok(Report {
        imported: false,
        form,
        counts,
        generation: basis.number,
        usage_records: 0,
        safety_copy: None,
        changes: candidate.changes,
        summary: summary(&lines),
        report: lines,
    })
}

/// What comes over, and what became of each.
struct Sifted {
    objects: Vec<StoredObject>,
    lines: Vec<Line>,
}

/// Finds out what can come over: takes out what the file owns, fills in secrets that are kept here, and
/// compiles until nothing is left that does not fit.
fn sift(
    parts: &Parts,
    basis: &Basis,
    (brought, has_stars, notes): (Vec<StoredObject>, bool, &[Note]),
    (extent, way): (Extent, &Way),
) -> Result<Sifted, Problem> {
    let mut lines = Vec::new();
    let mut candidates = Vec::new();
    for object in brought {
        match fitted(basis, object, has_stars) {
            Ok(object) => candidates.push(object),
            Err(line) => lines.push(line),
        }
    }
    for _ in 0..MOST_ROUNDS {
        let kept = staying(basis, &candidates, (extent, way));
        let mut objects: Vec<_> = kept.iter().chain(&candidates).cloned().collect();
        StoredObject::put_in_order(&mut objects);
        let Err(faults) = parts.live.plan(objects.clone().into(), None) else {
            let line = |o: &StoredObject, outcome| Line::new(o.kind, &o.name, outcome, None);
            lines.extend(candidates.iter().map(|object| line(object, Outcome::Taken)));
            if extent == Extent::Replaces {
                lines.extend(kept.iter().map(|object| line(object, Outcome::Kept)));
            }
            let lines = lines.into_iter().map(|line| told(line, notes)).collect();
            return Ok(Sifted { objects, lines });
        };
        let before = candidates.len();
        candidates.retain(|object| {
            let fault = faults.as_slice().iter().find(|fault| object.is_at(fault));
            lines.extend(fault.map(|fault| unfit(object, fault)));
            fault.is_none()
        });
        if candidates.len() == before {
            return Err(faults.into());
        }
    }
    Err(Problem::invalid("too much of the file does not fit together here"))
}

/// Returns what is here and stays beside what comes: all of it, or only the key that the request came with.
fn staying(
    basis: &Basis,
    coming: &[StoredObject],
    (extent, way): (Extent, &Way),
) -> Vec<StoredObject> {
    let coming: HashSet<_> = coming.iter().map(|object| (object.kind, &*object.name)).collect();
    let stays = |object: &&StoredObject| {
        let is_own = way.own_key.as_ref().is_some_and(|own| *own.as_str() == *object.name);
        extent == Extent::Adds || (object.kind == Kind::ClientKey && is_own)
    };
    let objects = basis.objects.iter().filter(stays);
    objects.filter(|object| !coming.contains(&(object.kind, &*object.name))).cloned().collect()
}

/// Adds to a line what was noted of its object while reading.
fn told(line: Line, notes: &[Note]) -> Line {
    let note = notes.iter().find(|note| note.kind.word() == line.kind && note.name == line.name);
    let Some(note) = note else { return line };
    let outcome = match (line.outcome, &note.old) {
        (Outcome::Taken, Some(_)) => Outcome::Renamed,
        (outcome, _) => outcome,
    };
    let renamed =
        (outcome == Outcome::Renamed).then(|| format!("it is called `{}` here", line.name));
    let parts: Vec<String> =
        [line.note, renamed, note.text.clone()].into_iter().flatten().collect();
    let name = note.old.clone().unwrap_or(line.name);
    Line { name, outcome, note: (!parts.is_empty()).then(|| parts.join("; ")), ..line }
}

/// Makes an object ready to be tried, or says why it cannot come over.
fn fitted(basis: &Basis, object: StoredObject, has_stars: bool) -> Result<StoredObject, Line> {
    let StoredObject { kind, name, value, .. } = object;
    let here = basis.objects.iter().find(|other| other.is(kind, &name));
    let in_file = here.is_none()
        && basis.written.view(kind, &name).is_some_and(|view| view.origin == Origin::File);
    if in_file {
        let why = "it stands in the configuration file, which wins";
        return Err(Line::skipped(kind.word(), &name, why));
    }
    let value = match has_stars {
        false => value,
        true => merge::with_secrets(here.map(|here| &here.value), value).map_err(|_| {
            let why = "the file does not hold its credential, and none is kept here";
            Line::skipped(kind.word(), &name, why)
        })?,
    };
    let is_same = here.filter(|here| here.value == value);
    let since = is_same.map_or(basis.number + 1, |same| same.since);
    Ok(StoredObject { kind, name, value, since })
}

fn unfit(object: &StoredObject, fault: &Fault) -> Line {
    let hint = fault.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    Line::skipped(object.kind.word(), &object.name, format!("{}{hint}", fault.what))
}

/// The entries of the audit log: one for the import, one for each object that is another now.
fn entries(form: &str, before: &Basis, after: &Basis) -> Vec<Entry> {
    let import =
        Entry { action: "backup.import".to_owned(), object: form.to_owned(), ..Entry::default() };
    let differs = |one: &Basis, other: &Basis| {
        let objects = one.objects.iter().filter(|object| {
            !other
                .objects
                .iter()
                .any(|o| o.is(object.kind, &object.name) && o.value == object.value)
        });
        objects.map(|object| (object.kind, object.name.to_string())).collect::<BTreeSet<_>>()
    };
    let names = &differs(before, after) | &differs(after, before);
    let (before, after): (&Written, &Written) = (&before.written, &after.written);
    std::iter::once(import).chain(names.iter().map(|name| Entry::of(before, after, name))).collect()
}

/// Budgets of keys that come over begin with what their imported calls have cost. Everything is on the disk
/// already, so a fault here must not undo it.
fn remember_spent(parts: &Parts, store: &Store, snapshot: &omniroute_core::snapshot::Snapshot) {
    let old = parts.live.load();
    let is_new = |name: &ClientKeyName| old.client_keys.named(name.as_str()).is_none();
    let restored = restore_budgets(store, snapshot, &parts.state, &parts.clock, &is_new);
    if let Err(error) = restored {
        tracing::error!(%error, "budgets of imported keys begin at zero until the next start");
    }
}

fn summary(lines: &[Line]) -> Value {
    let of = |outcome| lines.iter().filter(|line| line.outcome == outcome).count();
    json!({
        "taken": of(Outcome::Taken),
        "renamed": of(Outcome::Renamed),
        "skipped": of(Outcome::Skipped),
        "kept": of(Outcome::Kept),
    })
}

/// Imports in the background of a request.
///
/// # Errors
///
/// As [`take_over`].
pub(super) async fn import(
    parts: &Parts,
    by: Author,
    way: Way,
    read: impl FnOnce(&Store) -> Result<Brought, Problem> + Send + 'static,
) -> Result<Report, Problem> {
    let parts = parts.clone();
    blocking(move || {
        let store = parts.store()?;
        let brought = read(store)?;
        take_over(&parts, &by, brought, &way)
    })
    .await
}
