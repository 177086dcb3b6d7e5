//! Databases of the existing product (`storage.sqlite`): what of them can come over, and as what.
//!
//! The file is a stranger's. SQLite opens it read-only, believes nothing of its schema (no views, triggers or
//! functions run), and is stopped after a bounded amount of work; only rows of plain tables are read.

mod accounts;
mod combos;
mod field_cipher;
mod keys;
mod open;
mod providers;
mod row;
mod settings;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use omniroute_core::snapshot::Snapshot;
use omniroute_core::written::{Kind, StoredObject};
use rusqlite::Connection;
use serde_json::{Map, Value};

use self::field_cipher::FieldCipher;
use self::row::Row;
use super::{BackupError, Brought, Extent, Keys, Line, Note};

/// What files of SQLite begin with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Tells whether a file looks like a database of SQLite.
pub fn is_sqlite(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Reads a database of the existing product. Blocks.
///
/// # Errors
///
/// Why it cannot be imported.
pub fn from_sqlite(
    bytes: &[u8],
    keys: &Keys,
    here: &Snapshot,
    data_dir: Option<&Path>,
) -> Result<Brought, BackupError> {
    let database = open::open(bytes, data_dir)?;
    let cipher = keys.storage.as_ref().map(|key| FieldCipher::new(key)).transpose()?;
    let mut moving = Moving {
        database,
        here,
        cipher,
        allow_private: keys.allow_private,
        objects: Vec::new(),
        lines: Vec::new(),
        notes: Vec::new(),
        providers: HashMap::new(),
        taken: HashSet::new(),
        tunnels: HashMap::new(),
    };
    settings::tunnels(&mut moving)?;
    providers::read(&mut moving)?;
    providers::custom_models(&mut moving)?;
    accounts::read(&mut moving)?;
    combos::read(&mut moving)?;
    combos::aliases(&mut moving)?;
    combos::chains(&mut moving)?;
    keys::read(&mut moving)?;
    settings::prices(&mut moving)?;
    settings::read(&mut moving)?;
    let Moving { objects, lines, notes, .. } = moving;
    let (form, extent) = ("omniroute-sqlite", Extent::Adds);
    Ok(Brought { form, extent, objects, has_stars: false, lines, notes, records: None })
}

/// An import on its way.
struct Moving<'a> {
    database: Connection,
    /// The configuration in force: which providers there are.
    here: &'a Snapshot,
    cipher: Option<FieldCipher>,
    allow_private: bool,
    objects: Vec<StoredObject>,
    lines: Vec<Line>,
    notes: Vec<Note>,
    /// What ids of its providers are called here.
    providers: HashMap<String, String>,
    /// Names that are given already.
    taken: HashSet<(Kind, String)>,
    /// Tunnels by level and id, as `provider/glm`; of `""` for all calls.
    tunnels: HashMap<(&'static str, String), String>,
}

impl Moving<'_> {
    /// Adds an object; `old` is what the file calls it.
    fn add(&mut self, kind: Kind, (old, name): (&str, String), value: Value) {
        self.add_with(kind, (old, name), value, None);
    }

    /// Adds an object of which there is something to know.
    fn add_with(
        &mut self,
        kind: Kind,
        (old, name): (&str, String),
        value: Value,
        text: Option<String>,
    ) {
        if !self.taken.insert((kind, name.clone())) {
            return self.skip(
                kind,
                old,
                "there are two of this name in the file; the first counts",
            );
        }
        let other = (old != name).then(|| old.to_owned());
        if other.is_some() || text.is_some() {
            self.notes.push(Note { kind, name: name.clone(), old: other, text });
        }
        self.objects.push(StoredObject { kind, name: name.into(), value, since: 0 });
    }

    fn skip(&mut self, kind: Kind, name: &str, why: impl Into<String>) {
        self.lines.push(Line::skipped(kind.word(), name, why));
    }

    /// Returns a name that is free among its kind and can be one: letters, digits, `-`, `_` and `.`.
    fn free_name(&self, kind: Kind, wanted: &str) -> String {
        let fit = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let plain: String = wanted.trim().chars().map(fit).take(80).collect();
        let plain = if plain.is_empty() { kind.word().replace(' ', "-") } else { plain };
        let is_free = |name: &String| !self.taken.contains(&(kind, name.clone()));
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        std::iter::once(plain.clone()).chain(numbered).find(is_free).unwrap_or_default()
    }

    /// Returns what a provider is called here, by its id or prefix in the file.
    fn provider(&self, old: &str) -> Option<String> {
        let moved = self.providers.get(old).cloned();
        moved.or_else(|| {
            let by_id = self.here.providers.keys().find(|id| id.as_str() == old);
            let by_prefix = || self.here.by_prefix.get(old).map(|provider| &provider.id);
            by_id.or_else(by_prefix).map(|id| id.as_str().to_owned())
        })
    }

    /// Reads the rows of a table; none if there is no such table.
    fn rows(&self, table: &'static str) -> Result<Vec<Row>, BackupError> {
        row::all(&self.database, table)
    }

    /// Reads the values of a namespace of settings, each JSON.
    fn values(&mut self, namespace: &str) -> Result<Vec<(String, Value)>, BackupError> {
        let mut values = Vec::new();
        for row in self.rows("key_value")? {
            if !matches!(row.text("namespace"), Ok(Some(name)) if name == namespace) {
                continue;
            }
            let key = row.text("key").ok().flatten().unwrap_or_default().to_owned();
            match row.json("value") {
                Ok(value) => values.push((key, value)),
                Err(why) => {
                    self.lines.push(Line::skipped("setting", &format!("{namespace}/{key}"), why));
                }
            }
        }
        Ok(values)
    }
}

/// Makes an object of the fields that are there.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(Map::from_iter(fields))
}

/// Writes an amount of dollars with all digits that count here; `None` if it is none.
fn dollars(amount: f64) -> Option<Value> {
    let is_amount = amount.is_finite() && (0.0..1_000_000_000.0).contains(&amount);
    is_amount.then(|| Value::String(format!("${amount:.9}")))
}
