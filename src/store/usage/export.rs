//! Calls as CSV or JSON, in pieces: each is read by itself, so that an export of any size holds neither
//! memory nor an old state of the database.

use std::fmt::Write;
use std::sync::Arc;

use omniroute_core::usage::{RecordId, UsageRecord};

use super::page::{Listing, MAX_PAGE, page};
use crate::store::{Store, StoreError};

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values (RFC 4180) with a line of names.
    Csv,
    /// One JSON array.
    Json,
}

/// The columns of the CSV.
const COLUMNS: &str = "time,id,request_id,client_key,format,operation,asked,combo,provider,account,model,status,error,\
attempts,stream,interrupted,input_tokens,cache_read_tokens,cache_write_tokens,output_tokens,reasoning_tokens,\
estimated,cost_usd,first_byte_ms,duration_ms,answered_by\r\n";

/// An export on its way: an iterator over its pieces, the newest calls first. Blocks while it reads.
pub struct Export {
    store: Store,
    listing: Listing,
    form: Form,
    stage: Stage,
}

enum Stage {
    Begin,
    /// Where to go on, and whether a row was written before.
    Rows(Option<RecordId>, bool),
    End,
}

impl Export {
    /// Begins an export.
    pub const fn new(store: Store, listing: Listing, form: Form) -> Self {
        Self { store, listing, form, stage: Stage::Begin }
    }

    fn piece(
        &mut self,
        before: Option<RecordId>,
        mut is_first: bool,
    ) -> Result<String, StoreError> {
        let page = self.store.read(|tx| page(tx, &self.listing, before, MAX_PAGE))?;
        let mut text = String::new();
        for record in &page.rows {
            match self.form {
                Form::Csv => line(record, &mut text),
                Form::Json => {
                    text.push_str(if is_first { "\n" } else { ",\n" });
                    is_first = false;
                    text.push_str(&serde_json::to_string(record).map_err(std::io::Error::other)?);
                }
            }
        }
        self.stage = match page.next {
            Some(next) => Stage::Rows(Some(next), is_first),
            None => Stage::End,
        };
        if page.next.is_none() && self.form == Form::Json {
            text.push_str("\n]\n");
        }
        Ok(text)
    }
}

impl Iterator for Export {
    type Item = Result<String, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.stage {
            Stage::End => None,
            Stage::Begin => {
                self.stage = Stage::Rows(None, true);
                let start = match self.form {
                    Form::Csv => COLUMNS,
                    Form::Json => "[",
                };
                Some(Ok(start.to_owned()))
            }
            Stage::Rows(before, is_first) => {
                let piece = self.piece(before, is_first);
                if piece.is_err() {
                    self.stage = Stage::End;
                }
                Some(piece)
            }
        }
    }
}

/// Writes a row. Times are RFC 3339 in UTC, money is dollars with all its digits.
fn line(record: &UsageRecord, text: &mut String) {
    let ended = i64::try_from(record.ended_unix_ms()).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(ended)
        .map_or_else(|_| String::new(), |at| format!("{at:.3}"));
    let some = |part: &Option<Arc<str>>| part.as_deref().unwrap_or_default().to_owned();
    let tokens = &record.tokens;
    let fields = [
        time,
        record.id.to_string(),
        record.request_id.to_string(),
        some(&record.client_key),
        record.format.to_string(),
        record.operation.to_string(),
        record.asked.to_string(),
        some(&record.combo),
        some(&record.provider),
        some(&record.account),
        some(&record.model),
        record.status.to_string(),
        record.error.as_deref().unwrap_or_default().to_owned(),
        record.attempts.to_string(),
        record.stream.to_string(),
        record.interrupted.to_string(),
        tokens.input.to_string(),
        tokens.cache_read.to_string(),
        tokens.cache_write.to_string(),
        tokens.output.to_string(),
        tokens.reasoning.to_string(),
        record.estimated.to_string(),
        record.cost_nanodollars.map(dollars).unwrap_or_default(),
        record.first_byte_us.map(millis).unwrap_or_default(),
        millis(record.duration_us),
        record.answered_by.as_deref().unwrap_or_default().to_owned(),
    ];
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push(field, text);
    }
    text.push_str("\r\n");
}

/// Writes a field, in quotes where it needs them. What a spreadsheet would take for a formula gets an
/// apostrophe before it: names are the clients' to choose.
fn push(field: &str, text: &mut String) {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !field.contains([',', '"', '\n', '\r']) {
        return text.push_str(field);
    }
    let apostrophe = if is_formula { "'" } else { "" };
    // Writing into a text cannot fail.
    let _infallible = write!(text, "\"{apostrophe}{}\"", field.replace('"', "\"\""));
}

fn dollars(nanodollars: u64) -> String {
    format!("{}.{:09}", nanodollars / 1_000_000_000, nanodollars % 1_000_000_000)
}

fn millis(micros: u64) -> String {
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::usage::tests::record;

    #[test]
    fn who_answered_in_the_place_of_a_provider_stands_in_the_last_column() {
        let written = |record: &UsageRecord| {
            let mut text = String::new();
            line(record, &mut text);
            text
        };
        let of_cache = UsageRecord { answered_by: Some("response_cache".into()), ..record(1) };

        assert!(COLUMNS.ends_with(",answered_by\r\n"));
        assert!(written(&of_cache).ends_with(",response_cache\r\n"));
        assert!(written(&record(1)).ends_with(",\r\n"), "a provider's answer names nobody");
    }

    #[test]
    fn fields_are_quoted_where_they_must_be_and_formulas_are_defused() {
        let pushed = |field: &str| {
            let mut text = String::new();
            push(field, &mut text);
            text
        };
        assert_eq!(pushed("plain"), "plain");
        assert_eq!(pushed("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(pushed("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
        assert_eq!(dollars(1_000_000_001), "1.000000001");
        assert_eq!(millis(1_050), "1.050");
    }
}
