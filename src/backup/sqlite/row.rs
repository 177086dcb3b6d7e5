//! Rows of a table whose columns may be others than expected, of any type.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value;

use super::open::broken;
use crate::backup::BackupError;

/// Most rows of a table: far more than anybody has.
const MAX_ROWS: usize = 100_000;

/// A row, by the names of its columns.
pub struct Row {
    cells: Vec<(String, Cell)>,
}

enum Cell {
    Null,
    Whole(i64),
    Real(f64),
    Text(String),
    /// A blob, or a text that is none.
    Bytes,
}

impl Row {
    fn cell(&self, column: &str) -> &Cell {
        let found = self.cells.iter().find(|(name, _)| name == column);
        found.map_or(&Cell::Null, |(_, cell)| cell)
    }

    /// Returns a text; `None` if it is null, empty, or the column is not there.
    ///
    /// # Errors
    ///
    /// That it is something else.
    pub fn text(&self, column: &str) -> Result<Option<&str>, String> {
        match self.cell(column) {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            _ => Err(format!("its `{column}` is not a text")),
        }
    }

    /// Returns a text that has to be there.
    ///
    /// # Errors
    ///
    /// That it is not.
    pub fn required(&self, column: &str) -> Result<&str, String> {
        self.text(column)?.ok_or_else(|| format!("its `{column}` is missing"))
    }

    /// Returns JSON; null if it is not there.
    ///
    /// # Errors
    ///
    /// That it is none.
    pub fn json(&self, column: &str) -> Result<Value, String> {
        let Some(text) = self.text(column)? else { return Ok(Value::Null) };
        serde_json::from_str(text).map_err(|_| format!("its `{column}` is not JSON"))
    }

    /// Returns a whole number.
    pub fn whole(&self, column: &str) -> Option<i64> {
        match self.cell(column) {
            Cell::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns a number.
    #[expect(clippy::cast_precision_loss, reason = "amounts of money, far below 2^52")]
    pub fn number(&self, column: &str) -> Option<f64> {
        match self.cell(column) {
            Cell::Whole(number) => Some(*number as f64),
            Cell::Real(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns a name for reports: a column that should hold one, or the row's id.
    pub fn called(&self, column: &str) -> String {
        let name = [column, "id"].iter().find_map(|column| self.text(column).ok().flatten());
        name.unwrap_or("(without a name)").chars().take(120).collect()
    }
}

/// Reads all rows of a table, in the order in which they were made; none if there is no such table.
pub fn all(database: &Connection, table: &'static str) -> Result<Vec<Row>, BackupError> {
    let known =
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = ?1";
    let is_there: i64 = database.query_row(known, [table], |row| row.get(0)).map_err(broken)?;
    if is_there == 0 {
        return Ok(Vec::new());
    }
    let mut statement = database.prepare(&format!("SELECT * FROM \"{table}\"")).map_err(broken)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(broken)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(broken)? {
        if all.len() == MAX_ROWS {
            let what = format!("the table `{table}` has more than {MAX_ROWS} rows");
            return Err(BackupError::File(what));
        }
        let mut cells = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            cells.push((name.clone(), cell(row.get_ref(index).map_err(broken)?)));
        }
        all.push(Row { cells });
    }
    Ok(all)
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Whole(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).map_or(Cell::Bytes, |text| Cell::Text(text.to_owned()))
        }
        ValueRef::Blob(_) => Cell::Bytes,
    }
}
