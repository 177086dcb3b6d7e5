//! Attributes as OTLP writes them.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::SCOPE;

/// Longest text, in characters. Clients choose paths and names of models, and spans wait in memory.
const MAX_CHARS: usize = 1024;

/// Cuts a text to the longest that is told.
pub(super) fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// A list of attributes that grows.
#[derive(Debug, Default)]
pub(super) struct Attributes(pub(super) Vec<KeyValue>);

impl Attributes {
    /// Begins a list that will have about so many.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// A text, cut to 1,024 characters.
    pub(super) fn text(&mut self, key: &str, value: impl AsRef<str>) {
        self.add(key, Value::StringValue(cut(value.as_ref()).to_owned()));
    }

    pub(super) fn whole(&mut self, key: &str, value: impl TryInto<i64>) {
        self.add(key, Value::IntValue(value.try_into().unwrap_or(i64::MAX)));
    }

    pub(super) fn number(&mut self, key: &str, value: f64) {
        self.add(key, Value::DoubleValue(value));
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.add(key, Value::BoolValue(value));
    }

    /// A list of one text.
    pub(super) fn list(&mut self, key: &str, value: &str) {
        let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
        self.add(key, Value::ArrayValue(ArrayValue { values: vec![value] }));
    }

    fn add(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }
}

/// Returns what all of this gateway's spans and metrics share.
pub(super) fn resource(attributes: &[(Box<str>, Box<str>)]) -> Resource {
    let mut all = Attributes::with_capacity(attributes.len() + 1);
    for (name, value) in attributes {
        all.text(name, &**value);
    }
    if attributes.iter().all(|(name, _)| &**name != "service.version") {
        all.text("service.version", SCOPE.1);
    }
    Resource { attributes: all.0, ..Resource::default() }
}

/// Returns who made them.
pub(super) fn scope() -> InstrumentationScope {
    let (name, version) = SCOPE;
    InstrumentationScope {
        name: name.to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_choose_is_cut_between_two_characters() {
        let long = "ä".repeat(MAX_CHARS + 1);
        assert_eq!(cut(&long).chars().count(), MAX_CHARS);
        assert_eq!(cut("short"), "short");
    }
}
