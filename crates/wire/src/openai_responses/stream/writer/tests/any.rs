//! Any reply keeps the grammar, and however its deltas are cut, its end is the same.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::chat::{OpaqueKind, Vendor};

/// One part: what it is, its whole text, and whether vendor data come at its end.
type Whole = (PartHead, String, bool);

fn any_part() -> impl Strategy<Value = Whole> {
    let head = prop_oneof![
        Just(PartHead::Text),
        Just(PartHead::Refusal),
        Just(PartHead::Reasoning(ReasoningKind::Summary)),
        Just(PartHead::Reasoning(ReasoningKind::Raw)),
        Just(call("", "f")),
        Just(PartHead::ToolCall {
            id: String::new(),
            name: "g".to_owned(),
            kind: CallKind::Custom
        }),
        Just(PartHead::Media { mime: "image/png".to_owned(), data: "AAAA".to_owned() }),
        Just(PartHead::Server { raw: json!({}), query: Some("q".to_owned()) }),
        Just(PartHead::Server { raw: json!({}), query: None }),
    ];
    (head, "[aé\"\n€𝄞]{0,12}", any::<bool>())
}

fn delta(part: u32, head: &PartHead, delta: String) -> Event {
    match head {
        PartHead::Reasoning(_) => Event::Reasoning { choice: 0, part, delta },
        PartHead::ToolCall { .. } => Event::Arguments { choice: 0, part, delta },
        _ => Event::Text { choice: 0, part, delta },
    }
}

/// The steps of one part: its start, its text in pieces, its end.
fn steps(part: u32, (head, text, has_data): &Whole, cuts: &[Index]) -> Vec<Event> {
    let letters: Vec<char> = text.chars().collect();
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(letters.len() + 1)).collect();
    places.extend([0, letters.len()]);
    places.sort_unstable();
    let mut events = vec![start(part, head.clone())];
    for pair in places.windows(2) {
        events.push(delta(part, head, letters[pair[0]..pair[1]].iter().collect()));
    }
    if matches!(head, PartHead::Text) {
        events.push(cite(part, "https://a", None));
    }
    if *has_data {
        let opaque = Opaque::new(Vendor::Google, OpaqueKind::Signature, "Zm9v");
        events.push(Event::Opaque { choice: 0, part, opaque });
    }
    events.push(end(part));
    events
}

/// Joins the steps of all parts: starts in order, the rest as `picks` mixes them.
fn mixed(mut parts: Vec<Vec<Event>>, picks: &[Index]) -> Vec<Event> {
    let mut events = vec![begun()];
    parts.iter_mut().for_each(|steps| steps.reverse());
    let mut started = 0;
    for pick in picks {
        let choices = (started + 1).min(parts.len());
        let Some(place) = (choices > 0).then(|| pick.index(choices)) else { break };
        if place == started {
            started += 1;
        }
        events.extend(parts[place].pop());
    }
    for steps in &mut parts {
        steps.reverse();
        events.append(steps);
    }
    events.extend([finish(Finish::Stop), Event::End]);
    events
}

proptest! {
    #[test]
    fn any_cut_and_mix_of_the_deltas_gives_the_same_reply(
        parts in prop::collection::vec(any_part(), 0..6),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
        picks in prop::collection::vec(any::<Index>(), 0..40),
    ) {
        let cut = |cuts: &[Index]| -> Vec<Vec<Event>> {
            (0..).zip(&parts).map(|(part, whole)| steps(part, whole, cuts)).collect()
        };

        let at_once = write(&mixed(cut(&[]), &[]));
        let in_pieces = write(&mixed(cut(&cuts), &picks));

        prop_assert_eq!(in_pieces.response, at_once.response);
    }

    #[test]
    fn a_reply_that_fails_anywhere_is_closed(
        parts in prop::collection::vec(any_part(), 0..5),
        picks in prop::collection::vec(any::<Index>(), 0..20),
        place in any::<Index>(),
    ) {
        let whole = (0..).zip(&parts).map(|(part, whole)| steps(part, whole, &[])).collect();
        let mut events = mixed(whole, &picks);
        events.truncate(place.index(events.len()));
        events.push(Event::Error(crate::api_error::UpstreamError::truncated("cut off")));

        let stream = write(&events);

        prop_assert_eq!(&stream.response["status"], "failed");
    }
}
