//! YAML text to a tree of nodes with positions.
//!
//! The parser's events are folded by hand: that finds every duplicate key instead of the first,
//! keeps each scalar's text, and bounds depth and aliases, so no file can exhaust the stack or memory.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr::Scalar as CoreScalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::expand::expand;
use super::node::{Content, Entry, Node, Scalar, ScalarKind, shortened};
use super::report::{Place, Report};

/// Deepest nesting of lists and maps. The contract's deepest value is at six.
const MAX_DEPTH: usize = 32;
/// Most nodes of a document, repetitions through `*alias` counted.
const MAX_NODES: usize = 200_000;

/// Looks up variables of the environment.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Parses one document and replaces its variables. An empty text is an empty map.
///
/// Faults go to the report; `None` means that the text could not be read as a whole.
pub(crate) fn parse(file: &str, text: &str, env: Env<'_>, report: &Report) -> Option<Node> {
    let mut builder = Builder::new(file.into(), report);
    for next in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = match next {
            Ok(found) => found,
            Err(error) => {
                let place = builder.place(*error.marker());
                report.add(&place, format!("not valid YAML: {}", error.info()));
                return None;
            }
        };
        builder.take(event, span.start)?;
    }
    let mut root = builder.root.unwrap_or_else(|| Node {
        place: Place { file: file.into(), path: String::new(), mark: Some((1, 1)) },
        content: Content::Null,
    });
    if root.is_null() {
        root.content = Content::Map(Vec::new());
    }
    finish(&mut root, String::new(), env, report);
    Some(root)
}

/// Folds events into nodes. Paths are filled in again afterwards: a repeated node has another.
struct Builder<'r> {
    file: Arc<str>,
    report: &'r Report,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

/// A list or map that is not closed yet.
struct Open {
    node: Node,
    key: Option<Key>,
    anchor: usize,
}

/// A key that waits for its value.
struct Key {
    name: String,
    place: Place,
    /// Whether the entry is dropped, because its key has been reported.
    dropped: bool,
}

impl<'r> Builder<'r> {
    fn new(file: Arc<str>, report: &'r Report) -> Self {
        let anchors = HashMap::new();
        Self { file, report, open: Vec::new(), anchors, nodes: 0, documents: 0, root: None }
    }

    fn place(&self, mark: Marker) -> Place {
        let mark = Some((mark.line().max(1), mark.col() + 1));
        Place { file: Arc::clone(&self.file), path: self.path(), mark }
    }

    /// Returns the path of what comes next, for faults found before the tree is whole.
    fn path(&self) -> String {
        self.open.iter().fold(String::new(), |path, open| match (&open.node.content, &open.key) {
            (Content::List(items), _) => format!("{path}[{}]", items.len()),
            (_, Some(key)) => join(&path, &key.name),
            (_, None) => path,
        })
    }

    /// Takes one event; `None` ends the reading, with the reason reported.
    fn take(&mut self, event: Event<'_>, mark: Marker) -> Option<()> {
        let place = self.place(mark);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.report.add(&place, "the file holds more than one document; remove `---`");
                    return None;
                }
                Some(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &place);
                let content = scalar(text.into_owned(), style == ScalarStyle::Plain);
                self.close(Node { place, content }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &place);
                self.begin(Node { place, content: Content::List(Vec::new()) }, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &place);
                self.begin(Node { place, content: Content::Map(Vec::new()) }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop()?;
                self.close(open.node, open.anchor)
            }
            Event::Alias(anchor) => self.repeat(anchor, &place),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Some(()),
        }
    }

    fn refuse_tag(&self, is_tagged: bool, place: &Place) {
        if is_tagged {
            self.report.add(place, "YAML tags (`!…`) have no meaning here; remove it");
        }
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            self.report.add(&node.place, format!("nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        self.open.push(Open { node, key: None, anchor });
        Some(())
    }

    /// Puts a copy of an anchored node where an alias stands.
    fn repeat(&mut self, anchor: usize, place: &Place) -> Option<()> {
        let Some(node) = self.anchors.get(&anchor) else {
            self.report.add(place, "an alias (`*…`) cannot stand inside what it repeats");
            return None;
        };
        let (size, depth) = measure(node);
        if self.open.len() + depth > MAX_DEPTH {
            self.report.add(place, format!("nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        // Counted before it is copied: a few nested aliases can mean billions of nodes.
        self.count(size - 1, place)?;
        let node = self.anchors.get(&anchor)?.clone();
        self.close(node, 0)
    }

    fn count(&mut self, nodes: usize, place: &Place) -> Option<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            self.report.add(place, format!("the file has more than {MAX_NODES} values"));
            return None;
        }
        Some(())
    }

    /// Puts a finished node into what is open around it.
    fn close(&mut self, node: Node, anchor: usize) -> Option<()> {
        self.count(1, &node.place)?;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match (&mut open.node.content, open.key.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(entries), Some(key)) if !key.dropped => {
                entries.push(Entry { name: key.name, place: key.place, node });
            }
            (Content::Map(_), Some(_)) => {}
            (Content::Map(entries), None) => {
                let key = read_key(node, entries, self.report);
                open.key = Some(key);
            }
            _ => {}
        }
        Some(())
    }
}

/// Makes a key of a node; reports one that is no plain text or stands there already.
fn read_key(node: Node, entries: &[Entry], report: &Report) -> Key {
    let Content::Scalar(scalar) = node.content else {
        report.add(&node.place, "a key must be a single word or text");
        return Key { name: String::new(), place: node.place, dropped: true };
    };
    let earlier = entries.iter().find(|entry| entry.name == scalar.text);
    if let Some(earlier) = earlier {
        let line = earlier.place.mark.map_or(0, |(line, _)| line);
        let name = shortened(&scalar.text);
        let mut place = node.place.clone();
        place.path = join(&place.path, &scalar.text);
        report.add(&place, format!("`{name}` is given twice; the first is on line {line}"));
    }
    Key { dropped: earlier.is_some(), name: scalar.text, place: node.place }
}

/// Makes a scalar of a text; without quotes its type follows YAML's core schema.
fn scalar(text: String, plain: bool) -> Content {
    let kind = match CoreScalar::parse_from_cow(text.as_str().into()) {
        _ if !plain => ScalarKind::Text,
        CoreScalar::Null => return Content::Null,
        _ if text.is_empty() => return Content::Null,
        CoreScalar::Boolean(flag) => ScalarKind::Flag(flag),
        CoreScalar::Integer(whole) => ScalarKind::Whole(whole),
        CoreScalar::FloatingPoint(fraction) => ScalarKind::Fraction(fraction.into_inner()),
        CoreScalar::String(_) => ScalarKind::Text,
    };
    Content::Scalar(Scalar { text, kind, plain, from_env: false })
}

/// Returns the number of nodes and the depth of a tree. The depth is bounded by [`MAX_DEPTH`].
fn measure(node: &Node) -> (usize, usize) {
    let below: Vec<(usize, usize)> = match &node.content {
        Content::List(items) => items.iter().map(measure).collect(),
        Content::Map(entries) => entries.iter().map(|entry| measure(&entry.node)).collect(),
        _ => return (1, 0),
    };
    let size = below.iter().map(|(size, _)| size).sum::<usize>() + 1;
    let depth = below.iter().map(|(_, depth)| *depth).max().unwrap_or(0) + 1;
    (size, depth)
}

/// Fills in paths and replaces variables.
fn finish(node: &mut Node, path: String, env: Env<'_>, report: &Report) {
    node.place.path = path;
    let place = &node.place;
    match &mut node.content {
        Content::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                finish(item, format!("{}[{index}]", place.path), env, report);
            }
        }
        Content::Map(entries) => {
            for entry in entries {
                entry.place.path = join(&place.path, &entry.name);
                finish(&mut entry.node, entry.place.path.clone(), env, report);
            }
        }
        Content::Scalar(written) if written.text.contains("${") => {
            node.content = expanded(written, place, env, report);
        }
        _ => {}
    }
}

fn expanded(written: &Scalar, place: &Place, env: Env<'_>, report: &Report) -> Content {
    match expand(&written.text, env) {
        Ok(expanded) => {
            let mut content = scalar(expanded.text, written.plain);
            if let Content::Scalar(scalar) = &mut content {
                scalar.from_env = expanded.from_env;
            }
            content
        }
        Err(faults) => {
            for fault in faults {
                report.add(place, fault);
            }
            Content::Broken
        }
    }
}

/// Appends a key to a path; keys that are no plain words are quoted.
fn join(path: &str, key: &str) -> String {
    let is_word =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    match (is_word, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[\"{}\"]", shortened(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let report = Report::default();
        let node = parse("t.yaml", text, &|_| None, &report);
        let problems = report.into_problems();
        (node, problems.as_slice().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_duplicate_key_is_reported_and_the_first_value_stays() {
        let (node, problems) = read("a: 1\na: 2\nb:\n  - { c: 1, c: 2 }\n");

        assert_eq!(
            problems,
            [
                "t.yaml:2:1: a: `a` is given twice; the first is on line 1",
                "t.yaml:4:13: b[0].c: `c` is given twice; the first is on line 4",
            ]
        );
        assert_eq!(node.unwrap().to_json(), serde_json::json!({ "a": 1, "b": [{ "c": 1 }] }));
    }

    #[test]
    fn a_key_that_is_no_word_is_reported_and_reading_goes_on() {
        let (node, problems) = read("? [a, b]\n: 1\nc: 2\nc: 3\n");

        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(problems[0], "t.yaml:1:3: a key must be a single word or text");
        assert_eq!(node.unwrap().to_json(), serde_json::json!({ "c": 2 }));
    }

    #[test]
    fn an_alias_repeats_a_node_under_its_own_path() {
        let (node, problems) = read("a: &x { b: [1] }\nc: *x\n");

        assert!(problems.is_empty(), "{problems:?}");
        let node = node.unwrap();
        assert_eq!(node.to_json()["c"], node.to_json()["a"]);
        assert_eq!(node.entry("c").unwrap().place_of("b[0]").path, "c.b[0]");
    }

    #[test]
    fn aliases_and_nesting_cannot_exhaust_memory_or_stack() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = level - 1;
            let items = vec![format!("*a{below}"); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        let deep = "[".repeat(100);
        let deeper = "[".repeat(5_000);
        let folded = format!("{}x{}", "[".repeat(20), "]".repeat(20));
        let deep_alias = format!("a: &a {folded}\nb: {}*a{}", "[".repeat(20), "]".repeat(20));

        for (text, expected) in [
            (bomb.as_str(), "more than 200000 values"),
            (deep.as_str(), "nested deeper than 32 levels"),
            (deeper.as_str(), "recursion limit exceeded"),
            (deep_alias.as_str(), "nested deeper than 32 levels"),
            ("a: &a [*a]", "cannot stand inside what it repeats"),
        ] {
            let (node, problems) = read(text);

            assert!(node.is_none());
            assert!(problems[0].contains(expected), "{problems:?}");
        }
    }

    #[test]
    fn unquoted_values_have_the_types_of_yaml_and_quoted_ones_are_text() {
        let (node, _) = read("[1, '1', true, 'true', 1.5, yes, ~, null, '', 0x10, 2027-01-01]");

        assert_eq!(
            node.unwrap().to_json(),
            serde_json::json!([1, "1", true, "true", 1.5, "yes", null, null, "", 16, "2027-01-01"])
        );
    }
}
