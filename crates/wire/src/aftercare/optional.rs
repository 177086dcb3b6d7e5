//! Which members of a client's JSON may be missing but not null: where a provider could only be told that
//! they may be null, its nulls mean that they are missing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Keywords whose schemas describe the same value.
const BRANCHES: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// What a schema says of the members of its objects, as far as nulls are concerned.
///
/// Any schema can be read, also one that refers to itself; what is not understood keeps its nulls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionalMembers {
    /// One for each schema inside the schema; the whole is the first.
    shapes: Vec<Shape>,
}

/// The number of a [`Shape`].
type Place = usize;

/// What one schema says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shape {
    members: BTreeMap<String, Member>,
    /// That of the entries of a list.
    entries: Option<Place>,
    /// Others that may describe the same value.
    branches: Vec<Place>,
    takes_null: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    shape: Place,
    is_required: bool,
}

/// All shapes that may describe one value. Empty: nothing is known of it.
pub(super) type Shapes = BTreeSet<Place>;

impl OptionalMembers {
    /// Reads the client's own schema.
    pub(crate) fn of(schema: &Value) -> Self {
        let mut reading = Reading { root: schema, known: BTreeMap::new(), found: Vec::new() };
        reading.place(schema);
        let mut shapes = Vec::new();
        // Not by recursion: a chain of references may be long.
        while let Some(schema) = reading.found.get(shapes.len()).copied() {
            shapes.push(reading.shape(schema));
        }
        Self { shapes }
    }

    /// Returns what describes the whole value.
    pub(super) fn whole(&self) -> Shapes {
        self.all_of([0])
    }

    /// Returns what describes the entries of a list.
    pub(super) fn entries(&self, list: &Shapes) -> Shapes {
        self.all_of(list.iter().filter_map(|shape| self.shapes[*shape].entries))
    }

    /// Returns what describes a member of an object.
    pub(super) fn member(&self, object: &Shapes, name: &str) -> Shapes {
        self.all_of(self.named(object, name).map(|member| member.shape))
    }

    /// Tells whether a null means that this member is missing: it may be, and may not be null.
    pub(super) fn is_missing_if_null(&self, object: &Shapes, name: &str) -> bool {
        let may_be_missing = self.named(object, name).any(|member| !member.is_required);
        let takes_null = |shape: &Place| self.shapes[*shape].takes_null;
        may_be_missing && !self.member(object, name).iter().any(takes_null)
    }

    fn named<'s>(&'s self, object: &'s Shapes, name: &'s str) -> impl Iterator<Item = Member> + 's {
        object.iter().filter_map(move |shape| self.shapes[*shape].members.get(name).copied())
    }

    /// Adds the branches of shapes, and theirs.
    fn all_of(&self, shapes: impl IntoIterator<Item = Place>) -> Shapes {
        let mut all = Shapes::new();
        let mut new: Vec<Place> = shapes.into_iter().collect();
        while let Some(shape) = new.pop() {
            if all.insert(shape) {
                new.extend(self.shapes.get(shape).into_iter().flat_map(|shape| &shape.branches));
            }
        }
        all
    }
}

/// A schema while it is read.
struct Reading<'s> {
    root: &'s Value,
    /// The places of schemas by their addresses.
    known: BTreeMap<*const Value, Place>,
    /// The schemas by their places.
    found: Vec<&'s Value>,
}

impl<'s> Reading<'s> {
    /// Returns the place of a schema, which it gets if it has none.
    fn place(&mut self, schema: &'s Value) -> Place {
        *self.known.entry(std::ptr::from_ref(schema)).or_insert_with(|| {
            self.found.push(schema);
            self.found.len() - 1
        })
    }

    fn shape(&mut self, schema: &'s Value) -> Shape {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
        let properties = schema.get("properties").and_then(Value::as_object);
        let members = properties.into_iter().flatten().map(|(name, schema)| {
            let member = Member { shape: self.place(schema), is_required: is_required(name) };
            (name.clone(), member)
        });
        let members = members.collect();
        let entries = schema.get("items").map(|items| self.place(items));
        let unions =
            BRANCHES.iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten();
        let branches: Vec<&Value> = unions.chain(self.referred(schema)).collect();
        Shape {
            members,
            entries,
            takes_null: takes_null(schema) && (branches.is_empty() || schema.get("type").is_some()),
            branches: branches.into_iter().map(|branch| self.place(branch)).collect(),
        }
    }

    /// Returns the schema that a `$ref` names inside the whole.
    fn referred(&self, schema: &Value) -> Option<&'s Value> {
        self.root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
    }
}

/// Tells whether a schema itself takes null. What it does not limit may be null.
fn takes_null(schema: &Value) -> bool {
    let is_null = |kind: &Value| *kind == "null";
    let by_kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_null),
        Some(kind) => is_null(kind),
        // An object or a list, that is.
        None => schema.get("properties").is_none() && schema.get("items").is_none(),
    };
    let values = schema.get("enum").and_then(Value::as_array);
    by_kind
        && values.is_none_or(|values| values.contains(&Value::Null))
        && schema.get("const").is_none_or(Value::is_null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The members whose null would mean that they are missing, of the object at a path of members.
    fn missing_if_null(schema: &Value, path: &[&str], names: &[&str]) -> Vec<String> {
        let optional = OptionalMembers::of(schema);
        let step = |object: Shapes, name: &&str| optional.member(&object, name);
        let object = path.iter().fold(optional.whole(), step);
        let is_missing = |name: &&&str| optional.is_missing_if_null(&object, name);
        names.iter().filter(is_missing).map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_member_that_may_be_missing_and_not_null_is_missing_if_null() {
        let schema = json!({
            "properties": {
                "must": {"type": "string"},
                "may": {"type": "string"},
                "null": {"type": ["string", "null"]},
                "any": {"description": "whatever"},
                "word": {"enum": ["a"]},
                "words": {"enum": ["a", null]},
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "both": {"anyOf": [{"type": "string"}, {"type": "number"}]},
            },
            "required": ["must"],
        });
        let names = ["must", "may", "null", "any", "word", "words", "either", "both", "unknown"];

        assert_eq!(missing_if_null(&schema, &[], &names), ["may", "word", "both"]);
    }

    #[test]
    fn references_and_branches_are_followed_in_circles_too() {
        let schema = json!({
            "$ref": "#/$defs/node",
            "$defs": {
                "node": {"properties": {
                    "next": {"$ref": "#/$defs/node"},
                    "value": {"$ref": "#/$defs/value"},
                    "loop": {"$ref": "#/$defs/loop"},
                    "far": {"$ref": "other.json"},
                }},
                "value": {"type": ["number", "null"]},
                "loop": {"$ref": "#/$defs/loop"},
            },
        });
        let names = ["next", "value", "loop"];

        assert_eq!(missing_if_null(&schema, &[], &names), ["next", "loop"]);
        assert_eq!(missing_if_null(&schema, &["next", "next"], &names), ["next", "loop"]);
    }

    #[test]
    fn a_null_that_one_branch_takes_stays() {
        let schema = json!({"anyOf": [
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            {"properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]},
        ]});

        assert_eq!(missing_if_null(&schema, &[], &["a", "b"]), ["b"]);
    }
}
