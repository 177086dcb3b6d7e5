//! A document as a tree in which every node knows where it stands.
//!
//! Scalars keep their text next to their type: a key of digits stays the key that was written, and
//! only who asks for a number gets one.

use serde_json::{Map, Number, Value};

use super::report::Place;

/// Longest value that a message repeats, in characters.
const MAX_QUOTED_CHARS: usize = 60;

/// A node of the document.
#[derive(Clone)]
pub(crate) struct Node {
    /// Where it stands.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) content: Content,
}

/// What a node is.
#[derive(Clone)]
pub(crate) enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written, without duplicates.
    Map(Vec<Entry>),
    /// Something faulty that has been reported already.
    Broken,
}

/// One key of a map.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) name: String,
    /// Where the key stands.
    pub(crate) place: Place,
    /// Its value.
    pub(crate) node: Node,
}

/// A single value.
#[derive(Clone)]
pub(crate) struct Scalar {
    /// The text, without quotes, variables replaced.
    pub(crate) text: String,
    /// The type of an unquoted text.
    pub(crate) kind: ScalarKind,
    /// Whether it stands without quotes.
    pub(crate) plain: bool,
    /// Whether part of it came from the environment; such values are never repeated in messages.
    pub(crate) from_env: bool,
}

/// The type of a single value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ScalarKind {
    /// Text, or anything in quotes.
    Text,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction or an exponent.
    Fraction(f64),
}

impl Node {
    /// Tells whether a fault in this node has been reported already.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.content, Content::Broken)
    }

    /// Tells whether nothing is written here.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// Returns the value of a key, also if it is null.
    pub(crate) fn entry(&self, name: &str) -> Option<&Node> {
        match &self.content {
            Content::Map(entries) => {
                entries.iter().find(|entry| entry.name == name).map(|entry| &entry.node)
            }
            _ => None,
        }
    }

    /// Describes the value for a message. Only for places that never hold a secret.
    pub(crate) fn quoted(&self) -> String {
        match &self.content {
            Content::Null | Content::Broken => "nothing".to_owned(),
            Content::Scalar(scalar) if scalar.from_env => "the value".to_owned(),
            Content::Scalar(scalar) => format!("`{}`", shortened(&scalar.text)),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        }
    }

    /// Returns the place of a path such as `allow[1]` below this node, or of its nearest known parent.
    pub(crate) fn place_of(&self, path: &str) -> &Place {
        let mut node = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let below = match &node.content {
                Content::List(items) => step
                    .trim_end_matches(']')
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get(index)),
                _ => node.entry(step),
            };
            match below {
                Some(next) => node = next,
                None => break,
            }
        }
        &node.place
    }

    /// Returns the node as JSON, for readers that bring their own types.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null | Content::Broken => Value::Null,
            Content::Scalar(scalar) => match scalar.kind {
                ScalarKind::Text => Value::String(scalar.text.clone()),
                ScalarKind::Flag(flag) => Value::Bool(flag),
                ScalarKind::Whole(whole) => Value::Number(whole.into()),
                ScalarKind::Fraction(fraction) => Number::from_f64(fraction)
                    .map_or_else(|| Value::String(scalar.text.clone()), Value::Number),
            },
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Map(entries) => Value::Object(Map::from_iter(
                entries.iter().map(|entry| (entry.name.clone(), entry.node.to_json())),
            )),
        }
    }
}

/// Shortens a text for a message and takes out what would disturb a terminal.
pub(crate) fn shortened(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    if text.chars().count() <= MAX_QUOTED_CHARS {
        return text.chars().map(visible).collect();
    }
    let start: String = text.chars().take(MAX_QUOTED_CHARS).map(visible).collect();
    format!("{start}…")
}
