//! A survey of a whole reply says the same as reading it in full, or nothing: over all replies of the tests
//! and the recordings, and over what becomes of them when something in them is changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::{Value, json};

use super::whole::{surveyed, watched};
use crate::WireFormat;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// Not part of this repository.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");

/// Longest reply that is changed in every place.
const MAX_CHANGED_BYTES: usize = 6_000;

/// What is put in the place of a member or an element.
fn changes() -> [Value; 12] {
    [
        Value::Null,
        json!(true),
        json!(7),
        json!(-1),
        json!(2.5),
        json!(""),
        json!("12"),
        json!("stop"),
        json!("error"),
        json!([]),
        json!([{"refusal": "no", "type": "refusal"}]),
        json!({"message": "no", "usage": {"output_tokens": 3}}),
    ]
}

/// What is put between two bytes.
const SPLINTERS: [&str; 24] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\\ud83d",
    "\\ud83d\\ude00",
    "1e999",
    "-0",
    "e",
    "null",
    "\"refusal\":\"no\",",
    "\"usage\":null,",
    "\"type\":\"tool_use\",",
    "\"error\":{\"message\":\"m\"},",
    "\"content\":\"c\",",
    "\"index\":0,",
    "\"status\":\"failed\",",
    "\"text\":7,",
    "\"name\":\"\",",
    "\n",
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// All whole replies there are, errors and what is none among them.
fn replies() -> Vec<(WireFormat, Bytes)> {
    let mut found = Vec::new();
    let mut add = |format, file: &Path| {
        if let Ok(body) = fs::read(file) {
            found.push((format, Bytes::from(body)));
        }
    };
    for (format, folder) in [
        (WireFormat::OpenAiChat, "chat"),
        (WireFormat::OpenAiResponses, "responses"),
        (WireFormat::Anthropic, "messages"),
        (WireFormat::Gemini, "generate"),
    ] {
        let golden = Path::new(GOLDEN).join(format.name());
        for kind in ["replies", "errors"] {
            files(&golden.join(kind)).iter().for_each(|file| add(format, file));
        }
        let providers = files(Path::new(RECORDED));
        for case in providers.iter().flat_map(|provider| files(&provider.join(folder))) {
            add(format, &case.join("response.json"));
            add(format, &case.join("response.txt"));
        }
    }
    found
}

/// Compares both ways to look at a body. Returns whether a survey was enough.
fn agrees(format: WireFormat, body: &Bytes) -> bool {
    let seen = surveyed(format.codec(), body);
    if let Some(seen) = &seen {
        let read = watched(format.codec(), body);
        assert_eq!(*seen, read, "{format}: {}", String::from_utf8_lossy(body));
    }
    seen.is_some()
}

/// Gives a reply that is surveyed every kind of value in every member that `T` reads of the object at `place`,
/// so that no member is read there and forgotten in the survey.
pub(crate) fn every_field<'de, T: Deserialize<'de>>(format: WireFormat, reply: &str, place: &str) {
    let mut names: &[&str] = &[];
    let _not_made = T::deserialize(Fields(&mut names));
    assert!(!names.is_empty(), "it is no struct");
    let reply: Value = serde_json::from_str(reply).unwrap();
    let agrees = |reply: &Value| agrees(format, &Bytes::from(reply.to_string()));
    assert!(agrees(&reply), "{reply}");
    for name in names {
        for change in changes() {
            let mut changed = reply.clone();
            let object = changed.pointer_mut(place).and_then(Value::as_object_mut).unwrap();
            object.insert((*name).to_owned(), change);
            agrees(&changed);
        }
    }
}

/// Takes down what members a struct asks for.
struct Fields<'f>(&'f mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("there is no value"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Calls `on_body` with the reply after each change of each member and element.
fn each_change(reply: &Value, on_body: &mut impl FnMut(String)) {
    let mut places = Vec::new();
    collect(reply, String::new(), &mut places);
    for place in places {
        let mut changed = reply.clone();
        for change in changes() {
            *changed.pointer_mut(&place).unwrap() = change;
            on_body(changed.to_string());
        }
        let (parent, name) = place.rsplit_once('/').unwrap();
        changed = reply.clone();
        match changed.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                let gone = members.shift_remove(name).unwrap();
                on_body(changed.to_string());
                // And twice: the text of the object is the only place where that can be.
                let once = reply.to_string();
                let member = format!("\"{name}\":{gone}");
                on_body(once.replacen(&member, &format!("\"{name}\":null,{member}"), 1));
                on_body(once.replacen(&member, &format!("{member},\"{name}\":null"), 1));
            }
            Some(Value::Array(elements)) => {
                let element = elements[0].clone();
                elements.push(element);
                on_body(changed.to_string());
            }
            _ => {}
        }
    }
}

fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                collect(member, place.clone(), places);
                places.push(place);
            }
        }
        Value::Array(elements) => {
            for (number, element) in elements.iter().enumerate() {
                let place = format!("{place}/{number}");
                collect(element, place.clone(), places);
                places.push(place);
            }
        }
        _ => {}
    }
}

#[test]
fn a_survey_says_what_a_reading_says() {
    let mut enough = BTreeMap::new();
    for (own, body) in replies() {
        for format in WireFormat::ALL {
            if agrees(format, &body) {
                assert_eq!(format, own, "{}", String::from_utf8_lossy(&body));
                *enough.entry(format.name()).or_insert(0) += 1;
            }
        }
    }

    for format in WireFormat::ALL {
        assert!(enough.get(format.name()).is_some_and(|&count| count >= 4), "{enough:?}");
    }
}

#[test]
fn plain_replies_are_surveyed() {
    for (format, name) in [
        (WireFormat::OpenAiChat, "text"),
        (WireFormat::OpenAiChat, "tools"),
        (WireFormat::OpenAiChat, "thinking"),
        (WireFormat::OpenAiResponses, "reasoning-and-calls"),
        (WireFormat::OpenAiResponses, "text-with-source"),
        (WireFormat::OpenAiResponses, "incomplete"),
        (WireFormat::Anthropic, "text"),
        (WireFormat::Anthropic, "tools"),
        (WireFormat::Anthropic, "thinking"),
        (WireFormat::Gemini, "text"),
        (WireFormat::Gemini, "tools"),
        (WireFormat::Gemini, "thinking"),
    ] {
        let file = format!("{GOLDEN}/{}/replies/{name}.json", format.name());
        let body = Bytes::from(fs::read(file).unwrap());
        assert!(agrees(format, &body), "{format}: {name}");
    }
}

#[test]
fn whatever_is_changed_in_a_reply_changes_both_or_ends_the_survey() {
    let (mut surveys, mut bodies) = (0, 0);
    for (format, body) in replies().iter().filter(|(_, body)| body.len() <= MAX_CHANGED_BYTES) {
        let Ok(reply) = serde_json::from_slice::<Value>(body) else { continue };
        each_change(&reply, &mut |changed| {
            bodies += 1;
            surveys += u32::from(agrees(*format, &Bytes::from(changed)));
        });
    }

    assert!(bodies > 10_000 && surveys > bodies / 10, "{surveys} of {bodies}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_splinter_in_a_reply_makes_them_differ(
        pick in any::<prop::sample::Index>(),
        splinters in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..3),
            1..4,
        ),
    ) {
        let replies = golden();
        let (format, body) = pick.get(replies);
        let mut body = body.to_vec();
        for (place, splinter, cut) in splinters {
            let place = place.index(body.len() + 1);
            let end = body.len().min(place + cut);
            body.splice(place..end, splinter.get(&SPLINTERS).bytes());
        }
        agrees(*format, &Bytes::from(body));
    }
}

/// The replies of the tests, read once.
fn golden() -> &'static [(WireFormat, Bytes)] {
    static REPLIES: std::sync::OnceLock<Vec<(WireFormat, Bytes)>> = std::sync::OnceLock::new();
    REPLIES.get_or_init(|| {
        let mut found = replies();
        found.retain(|(_, body)| body.len() <= MAX_CHANGED_BYTES);
        found
    })
}
