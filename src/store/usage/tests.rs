//! Records for tests.

use omniroute_core::usage::{RecordId, Tokens, UsageRecord};

/// When the first record ended: the beginning of an hour, in milliseconds since 1970.
pub(in crate::store) const START_MS: u64 = 1_800_000 * 1_000_000;

/// Returns the record of the `number`th call: a minute after the one before.
pub(in crate::store) fn record(number: u32) -> UsageRecord {
    let ended = START_MS + u64::from(number) * 60_000;
    let pick = |names: [&'static str; 3], every: u32| names[(number / every % 3) as usize];
    let asked = pick(["a", "b", "c"], 1);
    UsageRecord {
        id: RecordId::new(ended, u128::from(number)),
        request_id: format!("r{number}").into(),
        client_key: (!number.is_multiple_of(4)).then(|| "ci".into()),
        format: "openai_chat".into(),
        operation: "chat".into(),
        asked: asked.into(),
        combo: number.is_multiple_of(3).then(|| "combo".into()),
        provider: (!number.is_multiple_of(7)).then(|| pick(["p", "q", "r"], 2).into()),
        account: (!number.is_multiple_of(7)).then(|| pick(["p1", "q1", "r1"], 2).into()),
        model: (!number.is_multiple_of(7)).then(|| asked.into()),
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
    }
}
