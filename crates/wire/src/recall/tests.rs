use super::*;
use crate::chat::{CallKind, OpaqueKind, Vendor};
use crate::event::{Event, Finish, PartHead, ReasoningKind};

fn origin() -> Origin {
    Origin { family: "m".to_owned(), account: 7 }
}

fn signed(data: &str) -> Opaque {
    Opaque::new(Vendor::Anthropic, OpaqueKind::Signature, data)
}

fn start(part: u32, head: PartHead) -> Event {
    Event::PartStart { choice: 0, part, head }
}

fn thought(part: u32, text: &str, data: &str) -> Vec<Event> {
    vec![
        start(part, PartHead::Reasoning(ReasoningKind::Summary)),
        Event::Reasoning { choice: 0, part, delta: text.to_owned() },
        Event::Opaque { choice: 0, part, opaque: signed(data) },
    ]
}

fn call(part: u32, id: &str) -> Event {
    let (id, name) = (id.to_owned(), "f".to_owned());
    start(part, PartHead::ToolCall { id, name, kind: CallKind::Function })
}

fn finish() -> Event {
    Event::Finish {
        choice: 0,
        reason: Finish::ToolCalls,
        native: String::new(),
        stop_sequence: None,
        detail: None,
    }
}

fn heard(events: &[Event]) -> Vec<Learned> {
    let mut listener = Listener::default();
    events.iter().for_each(|event| listener.hear(event));
    listener.take()
}

fn called(id: &str) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        kind: CallKind::Function,
        arguments: "{}".to_owned(),
    })
}

fn said(parts: Vec<Part>) -> ChatRequest {
    let turn = |role, parts| Turn { role, parts, name: None };
    let turns = vec![turn(Role::User, vec![Part::text("go")]), turn(Role::Assistant, parts)];
    ChatRequest { turns, ..ChatRequest::default() }
}

/// Puts back what a reply told into a turn of these parts; each part of the outcome as one word.
fn outcome(events: &[Event], parts: Vec<Part>) -> Option<Vec<String>> {
    let learned = heard(events);
    let find = |id: &str| {
        let known = learned.iter().find(|known| known.call == id)?;
        Some(Arc::new(known.reasoning.clone()))
    };
    let request = put_back(&said(parts), &origin(), find)?;
    let word = |part: &Part| {
        let data = part.opaque.as_ref();
        assert!(data.is_none_or(|data| data.origin == Some(origin())), "says who made it");
        let data = data.map_or(String::new(), |data| format!("={}", data.data));
        match &part.kind {
            PartKind::Reasoning(text) => format!("({text}{data})"),
            PartKind::ToolCall { id, .. } => format!("{id}{data}"),
            PartKind::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    Some(request.turns[1].parts.iter().map(word).collect())
}

#[test]
fn reasoning_comes_back_where_it_stood() {
    let events = [
        thought(0, "plan", "s0"),
        vec![start(1, PartHead::Text)],
        thought(2, "look", "s2"),
        vec![call(3, "a"), call(4, "b"), finish()],
    ]
    .concat();

    let parts = outcome(&events, vec![Part::text("So."), called("a"), called("b")]).unwrap();

    assert_eq!(parts, ["(plan=s0)", "So.", "(look=s2)", "a", "b"]);
}

#[test]
fn data_on_a_call_comes_back_on_it() {
    let own = Event::Opaque { choice: 0, part: 1, opaque: signed("c") };
    let events = [call(0, "a"), call(1, "b"), own, finish()];

    assert_eq!(outcome(&events, vec![called("a"), called("b")]).unwrap(), ["a", "b=c"]);
}

#[test]
fn text_of_thoughts_that_the_client_kept_is_not_doubled() {
    let events = [thought(0, "plan", "s"), vec![call(1, "a"), finish()]].concat();
    let shown = Part::new(PartKind::Reasoning("plan".to_owned()));

    assert_eq!(outcome(&events, vec![shown, called("a")]).unwrap(), ["(plan=s)", "a"]);
}

#[test]
fn a_turn_that_brought_its_own_data_is_left_alone() {
    let events = [thought(0, "plan", "s"), vec![call(1, "a"), finish()]].concat();
    let kept =
        Part { opaque: Some(signed("mine")), ..Part::new(PartKind::Reasoning(String::new())) };

    assert_eq!(outcome(&events, vec![kept, called("a")]), None);
}

#[test]
fn calls_that_nobody_knows_change_nothing() {
    let events = [thought(0, "plan", "s"), vec![call(1, "a"), finish()]].concat();

    assert_eq!(outcome(&events, vec![called("b"), called("")]), None);
    assert_eq!(outcome(&events, vec![Part::text("done")]), None);
}

#[test]
fn only_data_that_its_vendor_reads_is_learned_and_only_of_a_finished_answer() {
    let plain = [
        start(0, PartHead::Reasoning(ReasoningKind::Raw)),
        Event::Reasoning { choice: 0, part: 0, delta: "hm".to_owned() },
        call(1, "a"),
        finish(),
    ];
    assert_eq!(heard(&plain), []);
    let cut = [thought(0, "plan", "s"), vec![call(1, "a")]].concat();
    assert_eq!(heard(&cut), []);
}

#[test]
fn data_that_comes_late_is_heard_and_sizes_count_it() {
    let late = Event::Opaque { choice: 0, part: 0, opaque: signed("late") };
    let events = [
        start(0, PartHead::Reasoning(ReasoningKind::Summary)),
        call(1, "a"),
        Event::Reasoning { choice: 0, part: 0, delta: "hm".to_owned() },
        late,
        finish(),
    ];

    let learned = heard(&events);

    assert_eq!(learned[0].reasoning.before[0].text, "hm");
    assert_eq!(learned[0].reasoning.bytes(), "hm".len() + "late".len());
}
