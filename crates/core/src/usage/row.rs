//! Records and logs as the store keeps them: the JSON of their derived forms, written by hand, because it is
//! written for every call.

use std::net::IpAddr;

use super::{CallLog, Tokens, UsageRecord};
use omniroute_wire::json::{Object, number, string};

impl UsageRecord {
    /// Appends the record as JSON, without its log, which is kept apart.
    pub fn write_row(&self, bytes: &mut Vec<u8>) {
        // All of it by name, so that a new field cannot be forgotten here.
        let Self {
            id,
            request_id,
            client_key,
            format,
            operation,
            asked,
            combo,
            provider,
            account,
            model,
            answered_by,
            status,
            error,
            attempts,
            stream,
            interrupted,
            tokens,
            estimated,
            cost_nanodollars,
            price_version,
            first_byte_us,
            duration_us,
            log: _,
        } = self;
        let mut row = Object::begin(bytes);
        id.write_json(row.field("id"));
        row.text("request_id", request_id);
        row.some_text("client_key", client_key.as_deref());
        row.text("format", format);
        row.text("operation", operation);
        row.text("asked", asked);
        row.some_text("combo", combo.as_deref());
        row.some_text("provider", provider.as_deref());
        row.some_text("account", account.as_deref());
        row.some_text("model", model.as_deref());
        row.some_text("answered_by", answered_by.as_deref());
        row.number("status", *status);
        row.some_text("error", error.as_deref());
        row.number("attempts", *attempts);
        row.flag("stream", *stream);
        row.flag("interrupted", *interrupted);
        tokens.write_json(row.field("tokens"));
        row.flag("estimated", *estimated);
        row.some_number("cost_nanodollars", *cost_nanodollars);
        row.some_number("price_version", *price_version);
        row.some_number("first_byte_us", *first_byte_us);
        row.number("duration_us", *duration_us);
        row.end();
    }
}

impl Tokens {
    /// Appends them as JSON, without what is none.
    pub fn write_json(&self, bytes: &mut Vec<u8>) {
        let Self {
            input,
            cache_read,
            cache_write,
            cache_write_long,
            output,
            reasoning,
            audio_input,
            audio_output,
            image_input,
            image_output,
            web_searches,
        } = *self;
        let classes = [
            ("input", input),
            ("cache_read", cache_read),
            ("cache_write", cache_write),
            ("cache_write_long", cache_write_long),
            ("output", output),
            ("reasoning", reasoning),
            ("audio_input", audio_input),
            ("audio_output", audio_output),
            ("image_input", image_input),
            ("image_output", image_output),
            ("web_searches", web_searches),
        ];
        let mut tokens = Object::begin(bytes);
        for (class, count) in classes {
            tokens.some_count(class, count);
        }
        tokens.end();
    }
}

impl CallLog {
    /// Appends the log as JSON, without its bodies, which are kept apart, and without what is empty.
    pub fn write_row(&self, bytes: &mut Vec<u8>) {
        let Self {
            address,
            method,
            path,
            cache,
            dropped,
            error_text,
            failed,
            bodies_lost,
            bodies: _,
        } = self;
        let mut log = Object::begin(bytes);
        if let Some(address) = address {
            write_address(*address, log.field("address"));
        }
        log.text("method", method);
        log.text("path", path);
        log.text("cache", cache);
        log.some_text("dropped", Some(&**dropped).filter(|dropped| !dropped.is_empty()));
        log.some_text("error_text", error_text.as_deref());
        if !failed.is_empty() {
            // Texts and numbers into memory: this cannot fail.
            let _infallible = serde_json::to_writer(log.field("failed"), failed);
        }
        log.flag("bodies_lost", *bodies_lost);
        log.end();
    }
}

fn write_address(address: IpAddr, bytes: &mut Vec<u8>) {
    let IpAddr::V4(address) = address else { return string(&address.to_string(), bytes) };
    let mut before = b'"';
    for octet in address.octets() {
        bytes.push(before);
        number(octet.into(), bytes);
        before = b'.';
    }
    bytes.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;
    use crate::usage::{FailedAttempt, RecordId};

    fn text() -> impl Strategy<Value = Box<str>> {
        "[a-z\"\\\\\\x00-\\x20é\u{1f600}]{0,9}".prop_map(Into::into)
    }

    prop_compose! {
        fn tokens()(counts in prop::array::uniform11(prop_oneof![Just(0), any::<u64>()])) -> Tokens {
            let [input, cache_read, cache_write, cache_write_long, output, reasoning, ..] = counts;
            let [.., audio_input, audio_output, image_input, image_output, web_searches] = counts;
            Tokens {
                input, cache_read, cache_write, cache_write_long, output, reasoning,
                audio_input, audio_output, image_input, image_output, web_searches,
            }
        }
    }

    prop_compose! {
        fn record()(
            (id, request_id, client_key, asked) in (any::<(u64, u64)>(), text(), of(text()), text()),
            (combo, provider, account, model) in (of(text()), of(text()), of(text()), of(text())),
            (answered_by, error, status) in (of(text()), of(text()), any::<u16>()),
            (stream, interrupted, estimated) in any::<(bool, bool, bool)>(),
            (attempts, duration_us) in any::<(u32, u64)>(),
            (cost_nanodollars, price_version, first_byte_us) in any::<(Option<u64>, Option<u64>, Option<u64>)>(),
            tokens in tokens(),
        ) -> UsageRecord {
            let owned = |text: Box<str>| Cow::Owned(text.into_string());
            let [combo, provider, account, model] =
                [combo, provider, account, model].map(|name| name.map(Arc::from));
            UsageRecord {
                id: RecordId::new(Duration::from_nanos(id.0), id.1),
                request_id: request_id.into(), asked: asked.into(),
                client_key: client_key.map(Into::into), combo, provider, account, model,
                format: "anthropic".into(), operation: "chat".into(),
                answered_by: answered_by.map(owned), error: error.map(owned),
                status, stream, interrupted, estimated, attempts, duration_us, tokens,
                cost_nanodollars, price_version, first_byte_us, log: None,
            }
        }
    }

    prop_compose! {
        fn log()(
            address in of(any::<([u8; 4], [u16; 8], bool)>()),
            (method, path, cache, dropped) in (text(), text(), text(), text()),
            (error_text, failed, bodies_lost) in (of(text()), of(text()), any::<bool>()),
        ) -> CallLog {
            let address = address.map(|(four, six, is_four)| match is_four {
                true => Ipv4Addr::from(four).into(),
                false => Ipv6Addr::from(six).into(),
            });
            let failed = failed.map(|text| FailedAttempt {
                provider: text.clone(), account: text.clone(), model: text, verdict: "v".into(),
                status: Some(429), took_ms: 7,
            });
            CallLog {
                address, method, path, cache: cache.into_string().into(), dropped, error_text,
                failed: failed.into_iter().collect(), bodies_lost, bodies: None,
            }
        }
    }

    proptest! {
        #[test]
        fn a_row_is_the_derived_form_without_the_log(record in record(), log in log()) {
            let mut row = Vec::new();
            UsageRecord { log: Some(Box::new(log)), ..record.clone() }.write_row(&mut row);

            prop_assert_eq!(&row, &serde_json::to_vec(&record).unwrap());
            prop_assert_eq!(serde_json::from_slice::<UsageRecord>(&row).unwrap(), record);
        }

        #[test]
        fn a_log_comes_back_and_is_the_derived_form_without_what_is_empty(log in log()) {
            let mut row = Vec::new();
            log.write_row(&mut row);

            prop_assert_eq!(&serde_json::from_slice::<CallLog>(&row).unwrap(), &log);
            let mut derived = serde_json::to_value(&log).unwrap();
            let empty = |value: &serde_json::Value| {
                value.is_null() || *value == false || value.as_array().is_some_and(Vec::is_empty)
            };
            let fields = derived.as_object_mut().unwrap();
            fields.retain(|name, value| !(empty(value) || name == "dropped" && *value == ""));
            prop_assert_eq!(&row, &serde_json::to_vec(&derived).unwrap());
        }
    }
}
