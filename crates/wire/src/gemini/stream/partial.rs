//! Arguments that Vertex streams value by value (`streamFunctionCallArguments`), as JSON text.
//!
//! A value of a plain member such as `$.location` is passed on as it comes. Values deeper inside
//! (`$.stops[0].name`) cannot be written before their neighbours are known; they are collected and
//! follow when the call ends.

use serde_json::{Map, Value};

use super::chunk::PartialArg;

/// Most elements a list may get by an index that a provider names.
const MAX_LIST: usize = 10_000;

/// The arguments of one call under way.
#[derive(Debug, Default)]
pub(super) struct Partial {
    written: Vec<String>,
    open: Option<String>,
    deep: Value,
    deep_string: Option<Vec<Step>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Member(String),
    Index(usize),
}

impl Partial {
    /// Takes one value or piece of a string and appends the characters it completes to `delta`.
    pub(super) fn take(&mut self, piece: &PartialArg<'_>, delta: &mut String) {
        let steps = parse(&piece.json_path.0);
        let continues = piece.will_continue == Some(true);
        match (steps.as_slice(), &piece.string_value) {
            ([], _) => {}
            ([Step::Member(name)], string) if self.is_plain(name) => match string {
                Some(text) => self.string(name, &text.0, continues, delta),
                None => {
                    self.begin(name, delta);
                    delta.push_str(&value(piece).to_string());
                }
            },
            (_, Some(text)) => self.deep_text(steps, &text.0, continues),
            (steps, None) => place(&mut self.deep, steps, value(piece)),
        }
    }

    /// Ends the call and appends what is missing of its object.
    pub(super) fn finish(&mut self, delta: &mut String) {
        self.close(delta);
        if let Value::Object(members) = std::mem::take(&mut self.deep) {
            for (name, value) in members {
                self.begin(&name, delta);
                delta.push_str(&value.to_string());
            }
        }
        if self.written.is_empty() {
            delta.push('{');
        }
        delta.push('}');
    }

    /// Tells whether a member is written as it comes: it is new, or its string is still open.
    fn is_plain(&self, name: &str) -> bool {
        let collected = self.deep.get(name).is_some();
        let written = self.written.iter().any(|known| known == name);
        !collected && (!written || self.open.as_deref() == Some(name))
    }

    fn string(&mut self, name: &str, text: &str, continues: bool, delta: &mut String) {
        if self.open.as_deref() != Some(name) {
            self.begin(name, delta);
            delta.push('"');
            self.open = Some(name.to_owned());
        }
        let quoted = Value::from(text).to_string();
        delta.push_str(&quoted[1..quoted.len() - 1]);
        if !continues {
            self.close(delta);
        }
    }

    fn begin(&mut self, name: &str, delta: &mut String) {
        self.close(delta);
        delta.push(if self.written.is_empty() { '{' } else { ',' });
        delta.push_str(&Value::from(name).to_string());
        delta.push(':');
        self.written.push(name.to_owned());
    }

    fn close(&mut self, delta: &mut String) {
        if self.open.take().is_some() {
            delta.push('"');
        }
    }

    fn deep_text(&mut self, steps: Vec<Step>, text: &str, continues: bool) {
        if self.deep_string.as_ref() == Some(&steps) {
            append(&mut self.deep, &steps, text);
        } else {
            place(&mut self.deep, &steps, Value::from(text));
        }
        self.deep_string = continues.then_some(steps);
    }
}

/// Reads a path such as `$.a.b[0]['c d']`. An unreadable one gives no steps.
fn parse(path: &str) -> Vec<Step> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let Some(end) = inside.find(']') else { return Vec::new() };
            let key = &inside[..end];
            steps.push(match key.parse() {
                Ok(index) if index < MAX_LIST => Step::Index(index),
                _ => Step::Member(key.trim_matches(['\'', '"']).to_owned()),
            });
            rest = &inside[end + 1..];
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return Vec::new();
            }
            steps.push(Step::Member(name[..end].to_owned()));
            rest = &name[end..];
        }
    }
    steps
}

/// Returns the piece's value; a piece without one is `null` (`nullValue`).
fn value(piece: &PartialArg<'_>) -> Value {
    if let Some(flag) = piece.bool_value {
        return Value::from(flag);
    }
    let number = piece.number_value.and_then(|raw| serde_json::from_str(raw.get()).ok());
    number.unwrap_or(Value::Null)
}

fn place(root: &mut Value, steps: &[Step], value: Value) {
    *slot(root, steps) = value;
}

fn append(root: &mut Value, steps: &[Step], text: &str) {
    if let Value::String(known) = slot(root, steps) {
        known.push_str(text);
    }
}

/// Finds the place a path names, making objects and lists on the way.
fn slot<'v>(root: &'v mut Value, steps: &[Step]) -> &'v mut Value {
    let mut here = root;
    for step in steps {
        here = match step {
            Step::Member(name) => {
                if !here.is_object() {
                    *here = Value::Object(Map::new());
                }
                &mut here[name.as_str()]
            }
            Step::Index(index) => {
                if !here.is_array() {
                    *here = Value::Array(Vec::new());
                }
                if let Value::Array(list) = here
                    && list.len() <= *index
                {
                    list.resize(*index + 1, Value::Null);
                }
                &mut here[*index]
            }
        };
    }
    here
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pieces: &[&str]) -> (Vec<String>, String) {
        let mut partial = Partial::default();
        let mut deltas = Vec::new();
        for piece in pieces {
            let mut delta = String::new();
            partial.take(&serde_json::from_str(piece).unwrap(), &mut delta);
            deltas.push(delta);
        }
        let mut last = String::new();
        partial.finish(&mut last);
        deltas.push(last);
        let whole = deltas.concat();
        (deltas, whole)
    }

    #[test]
    fn plain_members_stream_as_they_come() {
        let (deltas, whole) = run(&[
            r#"{"jsonPath":"$.city","stringValue":"San \"F","willContinue":true}"#,
            r#"{"jsonPath":"$.city","stringValue":"rancisco"}"#,
            r#"{"jsonPath":"$.days","numberValue":3}"#,
            r#"{"jsonPath":"$['metric']","boolValue":true}"#,
            r#"{"jsonPath":"$.note","nullValue":"NULL_VALUE"}"#,
        ]);

        assert_eq!(deltas[0], "{\"city\":\"San \\\"F");
        assert_eq!(whole, r#"{"city":"San \"Francisco","days":3,"metric":true,"note":null}"#);
    }

    #[test]
    fn a_string_that_never_ended_is_closed_by_the_next_member() {
        let (_, whole) = run(&[
            r#"{"jsonPath":"$.a","stringValue":"x","willContinue":true}"#,
            r#"{"jsonPath":"$.b","stringValue":"y","willContinue":true}"#,
        ]);
        assert_eq!(whole, r#"{"a":"x","b":"y"}"#);
    }

    #[test]
    fn deeper_values_are_collected_until_the_end() {
        let (deltas, whole) = run(&[
            r#"{"jsonPath":"$.stops[0].name","stringValue":"Ro","willContinue":true}"#,
            r#"{"jsonPath":"$.stops[0].name","stringValue":"me"}"#,
            r#"{"jsonPath":"$.stops[1]","numberValue":2.5}"#,
            r#"{"jsonPath":"$.mode","stringValue":"car"}"#,
        ]);
        assert_eq!(deltas[0], "");
        assert_eq!(whole, r#"{"mode":"car","stops":[{"name":"Rome"},2.5]}"#);
    }

    #[test]
    fn no_values_are_an_empty_object_and_broken_paths_are_ignored() {
        assert_eq!(run(&[]).1, "{}");
        assert_eq!(run(&[r#"{"jsonPath":"$.a[","stringValue":"x"}"#]).1, "{}");
    }
}
