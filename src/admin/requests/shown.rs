//! Requests as they are shown.

use std::borrow::Cow;
use std::net::IpAddr;

use omniroute_core::routing::{Decision, Explanation};
use omniroute_core::usage::{Bodies, Body, FailedAttempt, RecordId, UsageRecord};
use serde::Serialize;

use crate::admin::usage::Call;
use crate::explained::Explained;
use crate::store::{ReadTx, StoreError, requests};

/// A request in the list.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    call: Call,
    #[serde(flatten)]
    details: Details,
}

/// What is known of a call besides its row.
#[derive(Debug, Default, Serialize)]
pub(in crate::admin) struct Details {
    /// Whether the filter `request_log` was there for it; without it what follows is not known.
    pub(in crate::admin) logged: bool,
    address: Option<IpAddr>,
    pub(in crate::admin) method: Option<Box<str>>,
    pub(in crate::admin) path: Option<Box<str>>,
    /// As `x-omniroute-cache`: `hit`, `miss`, `bypass`.
    cache: Option<Cow<'static, str>>,
    /// What the translation of the request could not carry, by the client's names.
    dropped: Vec<Box<str>>,
    /// What the client's error said.
    error_text: Option<Box<str>>,
    /// The attempts that failed, in order. Who served is `provider`, `account`, `model`.
    failed: Vec<FailedAttempt>,
    /// Whether its bodies can be read.
    pub(in crate::admin) has_bodies: bool,
    /// Whether they were to be kept and were lost, because too many waited for the disk.
    bodies_lost: bool,
}

/// A request with everything that is known of it.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    entry: Entry,
    /// Why it went where it went; `null` once that is forgotten: the latest 4,096 since the start are kept.
    explain: Option<Explanation>,
    /// What the client sent, if it is kept.
    request_body: Option<Body>,
    /// What the client got, if it is kept.
    response_body: Option<Body>,
}

impl Entry {
    /// Joins a row with what is kept besides.
    pub(super) fn of(
        tx: &ReadTx<'_>,
        record: UsageRecord,
        oldest: u64,
    ) -> Result<Self, StoreError> {
        let details = Details::of(tx, record.id, oldest)?;
        Ok(Self { call: Call::from(record), details })
    }

    fn record(&self) -> &UsageRecord {
        self.call.record()
    }
}

impl Details {
    /// Reads what is kept of a call; bodies of calls that ended before `oldest` count as gone.
    pub(in crate::admin) fn of(
        tx: &ReadTx<'_>,
        id: RecordId,
        oldest: u64,
    ) -> Result<Self, StoreError> {
        let has_bodies = id.unix_ms() >= oldest && requests::has_bodies(tx, id)?;
        let Some(log) = requests::log(tx, id)? else {
            return Ok(Self { has_bodies, ..Self::default() });
        };
        let dropped = log.dropped.split(',').filter(|name| !name.is_empty());
        Ok(Self {
            logged: true,
            address: log.address,
            method: Some(log.method),
            path: Some(log.path),
            cache: Some(log.cache),
            dropped: dropped.map(Into::into).collect(),
            error_text: log.error_text,
            failed: log.failed,
            has_bodies,
            bodies_lost: log.bodies_lost,
        })
    }
}

impl Whole {
    pub(super) fn of(entry: Entry, bodies: Option<Bodies>, explained: &Explained) -> Self {
        let record = entry.record();
        // Of several requests with one id only the latest decision is kept.
        let decision = explained.find(&record.request_id);
        let decision = decision
            .filter(|decision: &std::sync::Arc<Decision>| decision.record == Some(record.id));
        let (request_body, response_body) =
            bodies.map(|bodies| (bodies.request, bodies.answer)).unzip();
        Self {
            explain: decision.map(|decision| Explanation::from(&*decision)),
            request_body,
            response_body,
            entry,
        }
    }
}
