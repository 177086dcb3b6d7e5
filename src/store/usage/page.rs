//! The list of calls, a page at a time, the newest first.

use std::ops::RangeInclusive;

use omniroute_core::usage::{RecordId, UsageRecord};

use super::question::{Filter, Span};
use super::{ROWS, Who};
use crate::store::{ReadTx, StoreError};

/// Most rows of a page.
pub const MAX_PAGE: usize = 500;

/// Most rows that are looked at for one page. A filter that hardly anything passes gives short pages, each
/// with where to go on, rather than one that takes long.
const MAX_LOOKS: usize = 50_000;

/// What is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// From when until when.
    pub span: Span,
    /// Of whom.
    pub filter: Filter,
    /// Only good answers, or only the others.
    pub good: Option<bool>,
    /// Only calls that were answered with one of these statuses.
    pub status: Option<RangeInclusive<u16>>,
    /// Only the calls with this id in `x-request-id`.
    pub request_id: Option<Box<str>>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The rows, the newest first.
    pub rows: Vec<UsageRecord>,
    /// Where the next page begins; `None` if this is the last. A page may be short and yet not the last.
    pub next: Option<RecordId>,
}

/// Reads a page of `most` rows; `before` is the `next` of the page before.
///
/// # Errors
///
/// What reading came to.
pub fn page(
    tx: &ReadTx<'_>,
    listing: &Listing,
    before: Option<RecordId>,
    most: usize,
) -> Result<Page, StoreError> {
    let most = most.clamp(1, MAX_PAGE);
    let (start, end) = (RecordId::at(listing.span.from), RecordId::at(listing.span.until));
    let end = before.map_or(end, |before| before.min(end));
    let mut page = Page { rows: Vec::new(), next: None };
    if start >= end {
        return Ok(page);
    }
    let rows = tx.table(&ROWS)?;
    for (looked, row) in rows.range(start..end)?.rev().enumerate() {
        let (id, record) = row?;
        if page.rows.len() == most || looked == MAX_LOOKS {
            // Not taken: the next page begins with it.
            page.next = Some(after(id));
            return Ok(page);
        }
        if listing.lets(&record) {
            page.rows.push(record);
        }
    }
    Ok(page)
}

/// Returns the id above: pages name what they must stay below.
fn after(id: RecordId) -> RecordId {
    RecordId::from_bytes((u128::from_be_bytes(id.to_bytes()) + 1).to_be_bytes())
}

impl Listing {
    fn lets(&self, record: &UsageRecord) -> bool {
        self.good.is_none_or(|good| good == record.is_success())
            && self.status.as_ref().is_none_or(|statuses| statuses.contains(&record.status))
            && self.request_id.as_ref().is_none_or(|id| **id == *record.request_id)
            && self.filter.lets(&Who::of(record))
    }
}
