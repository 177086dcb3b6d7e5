use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{CHAT, Outline, RESPONSES, Shape, head, skim, string};
use crate::splice;

/// What a string may be made of, and what must not be in one.
const PIECES: [&str; 20] = [
    "a",
    "nt",
    "plain words ",
    "sixteen letters.",
    "a line of code that goes on for more than one of the blocks: let x = y + z; // and more",
    "\\n",
    "\\\"",
    "\\t",
    "\\\\",
    "\\\\n",
    "\\/",
    "\\u00e9",
    "\\ud83d",
    "é",
    "日本",
    "\u{7f}",
    "\\x",
    "\\u12g4",
    "\n",
    "\"",
];

/// How many of [`PIECES`] may be in a string.
const GOOD: usize = 16;

fn outlined(shape: &'static Shape, body: &str) -> Option<Outline> {
    skim(body.as_bytes(), shape).unwrap().outline
}

/// The end of a string, byte by byte.
fn slow_end(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match body.get(at)? {
            b'"' => return Some(at),
            ..0x20 => return None,
            b'\\' => match body.get(at + 1)? {
                b'u' => {
                    let digits = std::str::from_utf8(body.get(at + 2..at + 6)?).ok()?;
                    u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
                    at += 6;
                }
                escaped => {
                    b"\"\\/bfnrt".contains(escaped).then_some(())?;
                    at += 2;
                }
            },
            _ => at += 1,
        }
    }
}

#[test]
fn strings_of_all_lengths_end_where_they_end() {
    for length in 0..300 {
        for piece in PIECES {
            for padding in [0, 1, 15, 16, 63, 64, 200] {
                let body = format!("{}{piece}\"{}", "x".repeat(length), "y".repeat(padding));
                let (body, start) = (body.as_bytes(), length.min(3));
                assert_eq!(string::end(body, start), slow_end(body, start), "{length} {piece}");
            }
        }
    }
}

#[test]
fn members_are_found_wherever_they_stand() {
    let body =
        br#" { "x" : [1,{"model":2}] , "stream" :true,"model": "m" ,"stream_options":null} "#;
    let seen = head(body).unwrap();

    let written =
        |span: Option<std::ops::Range<usize>>| std::str::from_utf8(&body[span.unwrap()]).unwrap();
    assert_eq!(written(seen.model), "\"m\"");
    assert_eq!(written(seen.stream), "true");
    assert_eq!(written(seen.stream_options), "null");
    assert_eq!(seen.outline, None, "nobody asked for one");
}

#[test]
fn what_is_no_json_object_is_left_to_others() {
    for wrong in [
        "",
        " ",
        "[]",
        "7",
        "\"a\"",
        "null",
        "{",
        "{}}",
        "{} x",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{\"a\":[}]",
        "{\"a\":{]}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":1e+}",
        "{\"a\":+1}",
        "{\"a\":tru}",
        "{\"a\":nul",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":'b'}",
        "{\"a\":NaN}",
        "\u{feff}{}",
        "{\"a\":1}\0",
        "{\"a\":{\"b\":1,}}",
        "{\"a\":{1:2}}",
        "{\"model\":\"a\",\"model\":\"b\"}",
    ] {
        assert_eq!(head(wrong.as_bytes()), None, "{wrong}");
        assert_eq!(skim(wrong.as_bytes(), &CHAT), None, "{wrong}");
    }
    assert_eq!(head(b"{\"a\":\"\xff\"}"), None);
}

#[test]
fn values_within_each_other_have_an_end() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(head(nested(63).as_bytes()).is_some());
    assert!(head(nested(65).as_bytes()).is_none());
    assert!(head(nested(100_000).as_bytes()).is_none());
    let tools = |depth: usize| {
        let (before, behind) = (r#"{"type":"namespace","tools":["#, "]}");
        format!("{{\"model\":\"m\",\"tools\":[{}{}]}}", before.repeat(depth), behind.repeat(depth))
    };
    assert!(outlined(&RESPONSES, &tools(20)).is_some());
    assert!(skim(tools(10_000).as_bytes(), &RESPONSES).is_none());
}

#[test]
fn numbers_are_kept_if_they_are_said_once_and_plainly() {
    let check = |members: &str, expected: Option<(Option<u64>, u64)>| {
        let found = outlined(&CHAT, &format!("{{\"model\":\"m\",{members}}}"));
        let found = found.map(|outline| (outline.max_output_tokens, outline.answers));
        assert_eq!(found, expected, "{members}");
    };
    check(r#""temperature":1"#, Some((None, 1)));
    check(r#""max_tokens":500"#, Some((Some(500), 1)));
    check(r#""max_completion_tokens" : 0,"n":4"#, Some((Some(0), 4)));
    check(r#""max_tokens":null,"n":null"#, Some((None, 1)));
    check(r#""max_tokens":500,"max_completion_tokens":5"#, None);
    check(r#""max_tokens":500,"max_tokens":5"#, None);
    for odd in ["5.0", "5e2", "-1", "\"5\"", "true", "[5]", "{}", "99999999999999999999"] {
        check(&format!("\"max_tokens\":{odd}"), None);
    }
    check(r#""n":0"#, Some((None, 1)));
    check(r#""n":4294967296"#, None);
    // `max_tokens` in disguise, which serde knows how to read.
    let disguised = r#"{"model":"m","max\u005ftokens":5}"#;
    assert!(skim(disguised.as_bytes(), &CHAT).is_none());
    let inside = r#"{"model":"m","messages":[{"c\u006fntent":"a"}]}"#;
    assert_eq!(outlined(&CHAT, inside), None);
}

/// A string of few or many pieces, between quotes; most have good pieces alone.
fn written() -> impl Strategy<Value = String> {
    let good = proptest::collection::vec(0..GOOD, 0..60);
    let any = proptest::collection::vec(0..PIECES.len(), 0..8);
    prop_oneof![6 => good, 1 => any].prop_map(|pieces| {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        format!("\"{text}\"")
    })
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 2 => Just(" "), 1 => Just("\n\t\r "), ]
}

fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        4 => written(),
        1 => Just("null".to_owned()),
        1 => Just("true".to_owned()),
        1 => Just("false".to_owned()),
        2 => "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
    ];
    scalar.prop_recursive(5, 40, 6, |inner| {
        let element =
            (blank(), inner, blank()).prop_map(|(a, value, b)| format!("{a}{value}{b}")).boxed();
        let member = (blank(), written(), blank(), element.clone())
            .prop_map(|(a, name, b, value)| format!("{a}{name}{b}:{value}"));
        prop_oneof![
            proptest::collection::vec(element, 0..6).prop_map(|all| format!("[{}]", all.join(","))),
            proptest::collection::vec(member, 0..6)
                .prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

/// A body that is nearly a request.
fn body() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        2 => Just("\"model\"".to_owned()),
        1 => Just("\"stream\"".to_owned()),
        1 => Just("\"stream_options\"".to_owned()),
        1 => Just("\"messages\"".to_owned()),
        1 => Just("\"tools\"".to_owned()),
        3 => written(),
    ];
    let value = prop_oneof![
        2 => Just("\"m\"".to_owned()),
        1 => Just("true".to_owned()),
        1 => Just("{\"include_usage\":true}".to_owned()),
        4 => value(),
    ];
    let member = (blank(), name, blank(), value)
        .prop_map(|(a, name, b, value)| format!("{a}{name}{b}:{value}{b}"));
    proptest::collection::vec(member, 0..6).prop_map(|all| format!("{{{}}}", all.join(",")))
}

/// A change of one byte.
fn spoil(body: &mut Vec<u8>, (place, byte, how): (usize, u8, u8)) {
    let place = place % body.len().max(1);
    match how % 4 {
        0 => body.truncate(place),
        1 => body.insert(place, byte),
        2 if place < body.len() => drop(body.remove(place)),
        _ if place < body.len() => body[place] = byte,
        _ => {}
    }
}

/// Bytes that mean something in JSON, or are wrong.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![4 => proptest::sample::select(b"\"\\{}[]:,0e.-tn u\n\x1f".to_vec()), 1 => any::<u8>()]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(40),
        ..ProptestConfig::with_cases(4_000)
    })]

    /// Also where the quick look leaves it to serde, the answer is the same.
    #[test]
    fn a_quick_look_finds_what_serde_does(
        body in body(),
        faults in proptest::collection::vec((any::<usize>(), byte(), any::<u8>()), 0..3),
    ) {
        let mut body = body.into_bytes();
        for fault in faults {
            spoil(&mut body, fault);
        }
        let expected = splice::peek_closely(&body);
        prop_assert_eq!(&splice::peek_body(&body), &expected);
        let outlined = splice::outlined(&body, &CHAT).map(|peek| crate::Peek { outline: None, ..peek });
        prop_assert_eq!(outlined, expected);
        if head(&body).is_some() {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok());
        }
    }

    #[test]
    fn what_serde_takes_is_taken_at_once(body in body()) {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
        // Names at the top with escapes, and members given twice, are left to serde.
        let is_usual = skim(body.as_bytes(), &RESPONSES).is_some();
        prop_assert!(is_json || !is_usual);
        let inner = format!("{{\"x\":{body}}}");
        prop_assert_eq!(head(inner.as_bytes()).is_some(), is_json);
    }

    #[test]
    fn a_string_ends_where_its_bytes_say(
        pieces in proptest::collection::vec(0..PIECES.len() - 1, 0..80),
        lead in 0..80_usize,
        rest in "[a-z\"\\\\]{0,90}",
    ) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        let body = format!("{}{text}{rest}", " ".repeat(lead));
        prop_assert_eq!(string::end(body.as_bytes(), lead), slow_end(body.as_bytes(), lead));
    }
}
