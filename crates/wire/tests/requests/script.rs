//! Generated conversations that every format can say.

use proptest::prelude::*;
use serde_json::{Map, Value};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) system: Vec<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) tools: Vec<ToolSpec>,
    pub(crate) choice: Choice,
    pub(crate) parallel: Option<bool>,
    pub(crate) limit: Option<u64>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop: Vec<String>,
    /// Whether a client of a format that can go without ids gives them.
    pub(crate) with_ids: bool,
}

impl Script {
    /// The least number of steps that is a conversation.
    pub(crate) fn first_end(&self) -> usize {
        1
    }

    pub(crate) fn calls(&self) -> usize {
        self.all_calls().count()
    }

    pub(crate) fn has_distinct_ids(&self) -> bool {
        let mut ids: Vec<&str> = self.all_calls().map(|call| &*call.id).collect();
        ids.sort_unstable();
        ids.windows(2).all(|pair| pair[0] != pair[1])
    }

    fn all_calls(&self) -> impl Iterator<Item = &CallSpec> {
        self.steps.iter().flat_map(|step| match step {
            Step::Answer { calls, .. } => calls.as_slice(),
            Step::User(_) | Step::Instruction(_) | Step::Results(_) => &[],
        })
    }
}

/// What happens at once.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    User(Vec<Piece>),
    /// Instructions in mid-conversation.
    Instruction(String),
    Answer {
        text: String,
        calls: Vec<CallSpec>,
    },
    /// Results of all the calls before.
    Results(Vec<ResultSpec>),
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Image,
    Pdf,
}

#[derive(Clone, Debug)]
pub(crate) struct CallSpec {
    pub(crate) id: String,
    /// The place of its tool.
    pub(crate) tool: usize,
    /// JSON text of an object.
    pub(crate) arguments: String,
    /// What stands there instead where arguments are text.
    pub(crate) careless: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ResultSpec {
    pub(crate) call: CallSpec,
    pub(crate) text: String,
    pub(crate) is_error: bool,
    pub(crate) with_image: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ToolSpec {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// JSON Schema of the arguments.
    pub(crate) schema: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    NotSaid,
    Auto,
    None,
    Required,
    One,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}( [a-z]{1,8}){0,3}",
        1 => "[ -~]{0,6}x[ -~]{0,6}",
        1 => "[\\PC\u{0}\n\t\"\\\\]{0,5}é[\u{1f600}-\u{1f64f}]{0,2}",
    ]
    .prop_filter("marks of our own", |text| !text.contains("\n\n"))
}

/// JSON as a model writes it: its own spaces, numbers and escapes.
fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1.0".to_owned()),
        Just("1E5".to_owned()),
        Just("-0.0".to_owned()),
        Just("12345678901234567890123".to_owned()),
        Just("\"\\ud83d\"".to_owned()),
        Just("\"\\u0000\\/\\u00e9\"".to_owned()),
        text().prop_map(|text| Value::from(text).to_string()),
        proptest::num::i64::ANY.prop_map(|number| number.to_string()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|list| format!("[{}]", list.join(" , "))),
            object_of(inner),
        ]
    })
}

fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(("[a-c]{1,2}", value), 0..3).prop_map(|members| {
        let members: Vec<String> =
            members.into_iter().map(|(name, value)| format!("\"{name}\" :{value}")).collect();
        format!("{{{}}}", members.join(", "))
    })
}

fn careless() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("[1, 2]".to_owned()),
        Just("\"text\"".to_owned()),
        Just("{\"a\": ".to_owned()),
        Just("no JSON".to_owned()),
    ]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "call_[a-z0-9]{6}",
        2 => "toolu_[A-Za-z0-9]{22}",
        1 => Just("functions.f:0".to_owned()),
        1 => "[a-z]\\.[a-z]",
        1 => "fc_[0-9a-f]{60,80}",
        1 => Just("twice".to_owned()),
    ]
}

fn call(tools: usize) -> impl Strategy<Value = CallSpec> {
    (id(), 0..tools, object_of(json_value()), prop::option::weighted(0.1, careless()))
        .prop_map(|(id, tool, arguments, careless)| CallSpec { id, tool, arguments, careless })
}

fn result() -> impl Strategy<Value = (String, bool, bool)> {
    let said = prop_oneof![
        4 => text(),
        1 => Just(String::new()),
        1 => Just("17".to_owned()),
        1 => Just("[1, 2]".to_owned()),
        1 => Just("{\"t\": 1.0, \"big\":12345678901234567890}".to_owned()),
    ];
    (said, prop::bool::weighted(0.2), prop::bool::weighted(0.2))
}

/// One round of calls and their results.
fn round(tools: usize) -> impl Strategy<Value = Vec<Step>> {
    let said = prop_oneof![Just(String::new()), text()];
    let calls = prop::collection::vec((call(tools), result()), 1..4);
    (said, calls).prop_map(|(text, calls)| {
        let results = calls.iter().cloned().map(|(call, (text, is_error, with_image))| {
            ResultSpec { call, text, is_error, with_image }
        });
        let results = Step::Results(results.collect());
        let calls = calls.into_iter().map(|(call, _)| call).collect();
        vec![Step::Answer { text, calls }, results]
    })
}

fn user() -> impl Strategy<Value = Step> {
    let piece = prop_oneof![
        4 => text().prop_map(Piece::Text),
        1 => Just(Piece::Image),
        1 => Just(Piece::Pdf),
    ];
    let more = prop::collection::vec(piece, 0..3);
    (text(), more).prop_map(|(text, more)| {
        Step::User(std::iter::once(Piece::Text(text)).chain(more).collect())
    })
}

/// A question, what was done for it, and the answer.
fn exchange(tools: usize) -> impl Strategy<Value = Vec<Step>> {
    let rounds = prop::collection::vec(round(tools), 0..3);
    let instruction = prop::option::weighted(0.2, text().prop_map(Step::Instruction));
    let answer = prop::option::weighted(0.8, text());
    (user(), instruction, rounds, answer).prop_map(|(user, instruction, rounds, answer)| {
        let mut steps = vec![user];
        steps.extend(instruction);
        steps.extend(rounds.into_iter().flatten());
        steps.extend(answer.map(|text| Step::Answer { text, calls: Vec::new() }));
        steps
    })
}

fn tools() -> impl Strategy<Value = Vec<ToolSpec>> {
    let names = prop::sample::subsequence(
        vec!["f", "get_weather", "Read", "mcp__files-read", "a.b", "a_b", "1st"],
        1..5,
    );
    let long = prop::option::weighted(0.1, "[a-z]{70,90}");
    let detail = (prop::option::of(text()), prop::option::weighted(0.8, schema()));
    (names, long, prop::collection::vec(detail, 6)).prop_map(|(names, long, details)| {
        let names = names.into_iter().map(str::to_owned).chain(long);
        let tool = |(name, (description, schema))| ToolSpec { name, description, schema };
        names.zip(details).map(tool).collect()
    })
}

fn schema() -> impl Strategy<Value = String> {
    let kinds = prop::sample::select(vec!["string", "integer", "number", "boolean"]);
    prop::collection::btree_map("[a-c]{1,2}", kinds, 0..3).prop_map(|members| {
        let member = |(name, kind)| (name, serde_json::json!({"type": kind, "description": "d"}));
        let properties: Map<String, Value> = members.into_iter().map(member).collect();
        serde_json::json!({"type": "object", "properties": properties}).to_string()
    })
}

/// Any conversation, which ends with the user's side.
pub(crate) fn any() -> impl Strategy<Value = Script> {
    let choice = prop::sample::select(vec![
        Choice::NotSaid,
        Choice::Auto,
        Choice::None,
        Choice::Required,
        Choice::One,
    ]);
    let settings = (
        choice,
        prop::option::of(any_bool()),
        prop::option::of(1u64..32_000),
        prop::option::of((0u32..=20).prop_map(|n| f64::from(n) / 20.0)),
        prop::option::of((1u32..=20).prop_map(|n| f64::from(n) / 20.0)),
        prop::collection::vec("[a-z]{1,5}", 0..4),
    );
    let system = prop::collection::vec(text(), 0..3);
    (tools(), settings, system, any_bool()).prop_flat_map(|(tools, settings, system, with_ids)| {
        let exchanges = prop::collection::vec(exchange(tools.len()), 0..4);
        (exchanges, user()).prop_map(move |(exchanges, last)| {
            let (choice, parallel, limit, temperature, top_p, stop) = settings.clone();
            let steps = exchanges.into_iter().flatten().chain([last]).collect();
            let (tools, system) = (tools.clone(), system.clone());
            Script {
                system,
                steps,
                tools,
                choice,
                parallel,
                limit,
                temperature,
                top_p,
                stop,
                with_ids,
            }
        })
    })
}

fn any_bool() -> impl Strategy<Value = bool> {
    prop::bool::ANY
}
