//! Records for tests, and views that have to add up.

use std::collections::BTreeMap;
use std::time::Duration;

use omniroute_core::usage::{CallLog, RecordId, Recorder, Tokens, UsageRecord};
use proptest::prelude::*;
use redb::backends::InMemoryBackend;

use super::*;
use crate::store::seal::Sealer;
use crate::store::{MasterKey, ReadTx, Store, file, row};

/// When the first record ended: the beginning of an hour, in milliseconds since 1970.
pub(crate) const START_MS: u64 = 1_800_000 * 1_000_000;

/// Returns the record of the `number`th call: a minute after the one before.
pub(crate) fn record(number: u32) -> UsageRecord {
    let ended = START_MS + u64::from(number) * 60_000;
    let pick = |names: [&'static str; 3], every: u32| names[(number / every % 3) as usize];
    let asked = pick(["a", "b", "c"], 1);
    UsageRecord {
        id: RecordId::new(Duration::from_millis(ended), u64::from(number)),
        request_id: format!("r{number}").into(),
        client_key: (!number.is_multiple_of(4)).then(|| "ci".into()),
        format: "openai_chat".into(),
        operation: "chat".into(),
        asked: asked.into(),
        combo: number.is_multiple_of(3).then(|| "combo".into()),
        provider: (!number.is_multiple_of(7)).then(|| pick(["p", "q", "r"], 2).into()),
        account: (!number.is_multiple_of(7)).then(|| pick(["p1", "q1", "r1"], 2).into()),
        model: (!number.is_multiple_of(7)).then(|| asked.into()),
        answered_by: None,
        status: if number.is_multiple_of(7) { 404 } else { 200 },
        error: number.is_multiple_of(7).then(|| "model_not_found".into()),
        attempts: number % 3,
        stream: number.is_multiple_of(2),
        interrupted: number % 11 == 10,
        tokens: Tokens { input: u64::from(number), output: 10, ..Tokens::default() },
        estimated: number.is_multiple_of(5),
        cost_nanodollars: (!number.is_multiple_of(6)).then_some(u64::from(number) * 1000),
        price_version: None,
        first_byte_us: number.is_multiple_of(2).then_some(1500),
        duration_us: 2500,
        log: None,
    }
}

const MINUTE: u64 = 60_000;

/// A database without a writer.
struct Bare {
    database: redb::Database,
    sealer: Sealer,
}

impl Bare {
    fn new() -> Self {
        let database = file::on_backend(InMemoryBackend::new)().unwrap();
        Self { database, sealer: Sealer::new(&MasterKey::of_bytes([1; 32])) }
    }

    fn insert(&self, records: &[UsageRecord]) {
        let tx = file::write(&self.database, &self.sealer).unwrap();
        insert(&tx, records).unwrap();
        tx.commit().unwrap();
    }

    fn forget(&self, before: u64) -> usize {
        let tx = file::write(&self.database, &self.sealer).unwrap();
        let forgotten = forget(&tx, before).unwrap();
        tx.commit().unwrap();
        forgotten
    }

    fn read<R>(&self, look: impl FnOnce(&ReadTx<'_>) -> Result<R, StoreError>) -> R {
        look(&file::read(&self.database, &self.sealer).unwrap()).unwrap()
    }
}

/// What a question comes to if all records are looked at, one by one.
fn counted(records: &[UsageRecord], question: &Question) -> Answer {
    let mut total = Sums::default();
    let mut groups = BTreeMap::<_, Sums>::new();
    let length = match question.step {
        Some(Step::Hour) => HOUR_MS,
        _ => 24 * HOUR_MS,
    };
    let shift = i64::from(question.offset_minutes) * 60_000;
    for record in records {
        let (at, who) = (record.ended_unix_ms(), Who::of(record));
        let is_in = (question.span.from..question.span.until).contains(&at);
        if !is_in || !question.filter.lets(&who) {
            continue;
        }
        let local = (at as i64 + shift) as u64;
        let start = question.step.map(|_| (local / length * length) as i64 - shift);
        let name = |by: &By| match by {
            By::Provider => who.provider.clone(),
            By::Account => who.account.clone(),
            By::Model => who.model.clone(),
            By::ClientKey => who.client_key.clone(),
            By::Combo => who.combo.clone(),
        };
        let names: Vec<_> = question.by.iter().map(name).collect();
        total.add(&Sums::of(record));
        groups.entry((start, names)).or_default().add(&Sums::of(record));
    }
    let groups = groups.into_iter();
    let groups = groups.map(|((start, names), sums)| Group {
        start: start.map(|at| at as u64),
        names,
        sums,
    });
    Answer { total, groups: groups.collect() }
}

fn questions() -> impl Strategy<Value = Question> {
    let minutes = 0..5000u64;
    let whole = prop_oneof![Just(MINUTE), Just(HOUR_MS)];
    let step = prop_oneof![Just(None), Just(Some(Step::Hour)), Just(Some(Step::Day))];
    let offset = prop_oneof![Just(0), Just(60), Just(-300), Just(330)];
    let every = vec![By::Provider, By::Account, By::Model, By::ClientKey, By::Combo];
    let by = proptest::sample::subsequence(every, 0..=5);
    let model = prop_oneof![Just(None), Just(Some("a".into()))];
    (minutes.clone(), minutes, whole, step, offset, by, model).prop_map(
        |(from, length, whole, step, offset_minutes, by, model)| {
            let from = (START_MS + from * MINUTE) / whole * whole;
            let span = Span { from, until: (from + length * MINUTE) / whole * whole };
            let filter = Filter { model, ..Filter::default() };
            Question { span, filter, by, step, offset_minutes }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Batches overlap, as when a spill file is taken in twice.
    #[test]
    fn sums_are_the_rows_and_every_view_adds_up(
        batches in proptest::collection::vec((0..3000u32, 1..60u32, 1..40usize), 1..8),
        questions in proptest::collection::vec(questions(), 8),
        forget_before in 0..4000u64,
    ) {
        let bare = Bare::new();
        let mut known = BTreeMap::new();
        for (first, count, stride) in batches {
            let batch: Vec<_> = (first..first + count * stride as u32).step_by(stride).map(record).collect();
            bare.insert(&batch);
            known.extend(batch.into_iter().map(|record| (record.id, record)));
        }
        let known: Vec<_> = known.into_values().collect();

        let found = bare.read(check);
        prop_assert_eq!(&found.faults, &[]);
        prop_assert_eq!(found.rows, known.len() as u64);
        for question in &questions {
            prop_assert_eq!(bare.read(|tx| ask(tx, question)), counted(&known, question), "{:?}", question);
        }

        bare.forget(START_MS + forget_before * MINUTE);
        let found = bare.read(check);
        prop_assert_eq!(&found.faults, &[]);
        let kept = bare.read(rows_from);
        let left = known.iter().filter(|record| record.ended_unix_ms() >= kept).count();
        prop_assert_eq!(found.rows, left as u64);
        for question in questions {
            let is_whole = question.span.from % HOUR_MS == 0 && question.span.until % HOUR_MS == 0;
            if is_whole && question.offset_minutes % 60 == 0 {
                prop_assert_eq!(bare.read(|tx| ask(tx, &question)), counted(&known, &question), "sums stay");
            }
        }
    }
}

#[test]
fn the_check_finds_sums_that_were_changed_and_rows_that_went() {
    let bare = Bare::new();
    bare.insert(&(0..200).map(record).collect::<Vec<_>>());
    let who = Who::of(&record(1));
    let first = hour(START_MS);

    let tx = file::write(&bare.database, &bare.sealer).unwrap();
    {
        let mut hours = tx.table(&HOURS).unwrap();
        let mut sums = hours.get(&(first, who.clone())).unwrap().unwrap();
        sums.cost_nanodollars += 1;
        hours.put(&(first, who.clone()), &sums).unwrap();
        tx.table(&ROWS).unwrap().remove(&record(150).id).unwrap();
    }
    tx.commit().unwrap();
    let faults = bare.read(check).faults;

    let places: Vec<_> = faults.iter().map(|fault| (fault.hour, fault.who.clone())).collect();
    assert!(places.contains(&(first, who.clone())), "the hour does not fit its rows: {places:?}");
    assert!(places.contains(&(first / 24 * 24, who)), "nor the day its hours: {places:?}");
    assert!(places.contains(&(first + 2, Who::of(&record(150)))), "a row is missing: {places:?}");
    assert_eq!(places.len(), 3, "{places:?}");
}

#[test]
fn rows_that_are_gone_are_said_to_be_gone_where_only_they_would_do() {
    let bare = Bare::new();
    bare.insert(&(0..180).map(record).collect::<Vec<_>>());
    assert_eq!(bare.forget(START_MS + 100 * MINUTE), 60, "whole hours");
    assert_eq!(bare.forget(START_MS + 100 * MINUTE), 0);
    let question = |from| Question {
        span: Span { from, until: u64::MAX },
        filter: Filter::default(),
        by: vec![],
        step: None,
        offset_minutes: 0,
    };

    assert_eq!(bare.read(|tx| ask(tx, &question(START_MS))).total.calls, 180);
    let partly = bare.read(|tx| Ok(ask(tx, &question(START_MS + 1))));
    assert!(matches!(partly, Err(StoreError::Question(_))), "{partly:?}");
    assert_eq!(bare.read(|tx| ask(tx, &question(START_MS + 90 * MINUTE))).total.calls, 90);
}

#[test]
fn pages_hold_every_row_once_and_exports_are_whole() {
    let store = Store::in_memory().unwrap();
    (0..1203).for_each(|number| store.record(record(number)));
    store.flush().unwrap();
    let span = Span { from: 0, until: u64::MAX };
    let all =
        Listing { span, filter: Filter::default(), good: None, status: None, request_id: None };
    let failed = Listing { good: Some(false), ..all.clone() };

    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store.read(|tx| page(tx, &failed, before, 100)).unwrap();
        seen.extend(page.rows);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let csv: String =
        Export::new(store.clone(), all.clone(), Form::Csv).map(Result::unwrap).collect();
    let json: String = Export::new(store.clone(), all, Form::Json).map(Result::unwrap).collect();
    let nothing = Listing { request_id: Some("none".into()), ..failed };
    let empty: String = Export::new(store, nothing, Form::Json).map(Result::unwrap).collect();

    let expected = (0..1203).rev().map(record).filter(|record| !record.is_success());
    assert_eq!(seen, expected.collect::<Vec<_>>());
    assert_eq!(csv.lines().count(), 1204);
    let second = csv.lines().nth(1).unwrap();
    let columns = csv.lines().next().unwrap().split(',').count();
    assert_eq!(second.split(',').count(), columns, "{second}");
    assert!(second.starts_with("2027-01-16T04:02:00.000Z,"), "{second}");
    let rows: Vec<UsageRecord> = serde_json::from_str(&json).unwrap();
    assert_eq!(rows, (0..1203).rev().map(record).collect::<Vec<_>>());
    assert_eq!(serde_json::from_str::<Vec<UsageRecord>>(&empty).unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// As records come when calls end together, and out of spill files: not quite in order, and some twice.
    #[test]
    fn rows_and_logs_are_there_once_however_they_come(
        batches in proptest::collection::vec((0..1500u32, proptest::collection::vec(0..200u32, 0..150)), 1..10),
        forget_before in 0..1000u64,
    ) {
        let mut bare = Bare::new();
        let mut known = BTreeMap::new();
        for (turn, (first, numbers)) in batches.into_iter().enumerate() {
            let batch = numbers.into_iter().enumerate().map(|(place, number)| {
                let path = format!("/{turn}/{place}").into();
                let dropped = "x".repeat(number as usize * 7).into();
                let log = CallLog { path, dropped, ..CallLog::default() };
                let log = (number % 3 > 0).then(|| Box::new(log));
                UsageRecord { request_id: format!("{turn}-{place}").into(), log, ..record(first + number) }
            });
            let batch: Vec<_> = batch.collect();
            bare.insert(&batch);
            bare.insert(&batch[..batch.len() / 2]);
            for record in batch {
                known.entry(record.id).or_insert(record);
            }
        }
        bare.forget(START_MS + forget_before * MINUTE);
        let kept = bare.read(rows_from);
        known.retain(|id, _| id.unix_ms() >= kept);

        let rows: Vec<_> = known.values().map(|record| UsageRecord { log: None, ..record.clone() }).collect();
        prop_assert_eq!(bare.read(all_rows), rows, "what came first counts");
        for (id, record) in known {
            prop_assert_eq!(bare.read(|tx| requests::log(tx, id)), record.log.map(|log| *log));
        }
        prop_assert_eq!(&bare.read(check).faults, &[]);
        prop_assert_eq!(bare.database.check_integrity().unwrap(), true);
    }
}

proptest! {
    #[test]
    fn sums_come_back_from_what_is_written_and_from_their_derived_form(
        numbers in prop::array::uniform12(prop_oneof![Just(0), any::<u64>()]),
    ) {
        let [calls, failed, interrupted, attempts, streams, estimated, ..] = numbers;
        let [.., cost_nanodollars, unpriced, first_bytes, first_byte_us, duration_us, output] = numbers;
        let tokens = Tokens { output, ..Tokens::default() };
        let sums = Sums {
            calls, failed, interrupted, attempts, streams, estimated, tokens, cost_nanodollars, unpriced,
            first_bytes, first_byte_us, duration_us,
        };
        let (mut written, mut derived) = (Vec::new(), vec![Sums::VERSION]);
        row::encode(&sums, &mut written).unwrap();
        serde_json::to_writer(&mut derived, &sums).unwrap();

        prop_assert_eq!(row::decode::<Sums>(&written), Ok(sums));
        prop_assert_eq!(row::decode::<Sums>(&derived), Ok(sums));
    }
}
