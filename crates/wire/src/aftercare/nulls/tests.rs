use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// An object of a required `must`, an optional `may`, a nullable `null` and more objects of its kind.
fn optional() -> Arc<OptionalMembers> {
    Arc::new(OptionalMembers::of(&json!({
        "type": "object",
        "properties": {
            "must": {"type": "string"},
            "may": {"type": "string"},
            "null": {"type": ["string", "null"]},
            "list": {"type": "array", "items": {"$ref": "#"}},
            "inner": {"$ref": "#"},
            "é\"": {"type": "string"},
        },
        "required": ["must"],
    })))
}

fn text(pieces: &[&str]) -> String {
    let mut nulls = Nulls::new(optional());
    let mut text: String = pieces.iter().map(|piece| nulls.push(piece)).collect();
    text.push_str(&nulls.finish());
    text
}

#[test]
fn nulls_that_say_missing_go_and_no_other_character() {
    let check = |json: &str, expected: &str| assert_eq!(text(&[json]), expected, "{json}");
    check(r#"{"may":null}"#, "{}");
    check(r#"{"may":null,"must":"a"}"#, r#"{"must":"a"}"#);
    check(r#"{"must":"a","may":null}"#, r#"{"must":"a"}"#);
    check(r#"{ "may" : null , "inner":null, "must": "a" }"#, r#"{  "must": "a" }"#);
    check(r#"{"must":null,"null":null,"other":null}"#, r#"{"must":null,"null":null,"other":null}"#);
    check(r#"{"must":"a","may":null,"null":null,"list":null}"#, r#"{"must":"a","null":null}"#);
    check(r#"{"\u00e9\"":null,"must":"null"}"#, r#"{"must":"null"}"#);
    check(
        r#"{"list":[{"may":null},null,[],{"inner":{"may":null,"must":"},\"may\":null"}}],"n":1.0}"#,
        r#"{"list":[{},null,[],{"inner":{"must":"},\"may\":null"}}],"n":1.0}"#,
    );
    check(r#"{"other":{"may":null}}"#, r#"{"other":{"may":null}}"#);
    check("", "");
    check("{}", "{}");
}

#[test]
fn what_is_no_json_goes_on_as_it_is() {
    for other in [
        "Sorry, {\"may\":null}",
        "{\"must\":\"a\"} {\"may\":null}",
        "{\"may\":nul}",
        "{\"may\":nullnull}",
        "{\"may\" null}",
        "{\"must\":\"cut o",
        "{\"may\":nu",
        "{\"may\":",
        "{\"ma",
        "{may:null}",
        "{,}",
        "{\"must\":\"a\",}",
        "[1,,2]",
        "}",
        "]",
        "{]",
        "[}",
    ] {
        assert_eq!(text(&[other]), other);
    }
}

#[test]
fn a_member_goes_out_as_soon_as_its_value_begins() {
    let mut nulls = Nulls::new(optional());

    let out: Vec<String> = ["{\"mu", "st\":", " \"a", "b\",", "\"may\": n", "ull", "}"]
        .iter()
        .map(|piece| nulls.push(piece))
        .collect();

    assert_eq!(out, ["{", "", "\"must\": \"a", "b\"", "", "", "}"]);
}

/// Values of the shape of [`optional`].
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<String>().prop_map(Value::from)];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let names = prop::sample::select(vec!["must", "may", "null", "list", "inner", "other"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..5).prop_map(|members| {
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

/// Does the same to a value that was parsed.
fn without(value: &Value, shapes: &Shapes, optional: &OptionalMembers) -> Value {
    match value {
        Value::Array(entries) => {
            let inner = optional.entries(shapes);
            entries.iter().map(|entry| without(entry, &inner, optional)).collect()
        }
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| !(value.is_null() && optional.is_missing_if_null(shapes, name)))
            .map(|(name, value)| {
                (name.clone(), without(value, &optional.member(shapes, name), optional))
            })
            .collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn any_value_loses_its_nulls_at_any_cut(
        value in values(),
        pretty in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let json =
            if pretty { format!("{value:#}") } else { value.to_string() };
        let places: Vec<usize> = json.char_indices().map(|(place, _)| place).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| places[cut.index(places.len())]).collect();
        cuts.extend([0, json.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|pair| &json[pair[0]..pair[1]]).collect();

        let left: Value = serde_json::from_str(&text(&pieces)).unwrap();

        let optional = optional();
        prop_assert_eq!(left, without(&value, &optional.whole(), &optional));
    }
}
