//! `omniroute translate`: the playground on the shell.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Exit code, standard output and standard error of a translation.
fn translate(arguments: &[&str], input: &str) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_omniroute"))
        .arg("translate")
        .args(arguments)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

const CHAT: &str =
    r#"{"model":"a","seed":7,"temperature":1.5,"messages":[{"role":"user","content":"hi"}]}"#;

#[test]
fn a_request_is_translated_and_what_is_lost_is_said() {
    let arguments =
        ["--from", "openai_chat", "--to", "anthropic", "--model", "anthropic/claude-sonnet-4-0"];

    let (code, stdout, stderr) = translate(&arguments, CHAT);

    let body: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &body["model"]), (0, &json!("claude-sonnet-4-0")), "{stderr}");
    assert_eq!(body["max_tokens"], 64000, "the catalogue's own limit");
    assert!(stderr.contains("dropped seed: "), "{stderr}");
    assert!(stderr.contains("approximated temperature: "), "{stderr}");
}

#[test]
fn a_loss_is_refused_if_asked() {
    let arguments = ["--from", "chat", "--to", "messages", "--strict"];

    let (code, stdout, stderr) = translate(&arguments, CHAT);

    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("`seed` cannot be sent"), "{stderr}");
}

#[test]
fn the_same_format_keeps_every_byte_but_the_model() {
    let arguments = ["--from", "chat", "--to", "chat", "--model", "b"];

    let (_, stdout, _) = translate(&arguments, CHAT);

    assert_eq!(stdout, CHAT.replace("\"model\":\"a\"", "\"model\":\"b\""));
}

#[test]
fn replies_and_streams_go_from_the_providers_format_to_the_clients() {
    let reply = r#"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"ho"},"finish_reason":"stop"}]}"#;
    let (code, stdout, _) = translate(&["--from", "chat", "--to", "responses", "--reply"], reply);
    let whole: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &whole["output"][0]["content"][0]["text"]), (0, &json!("ho")));

    let stream =
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ho\"}}]}\n\n";
    let (_, stdout, stderr) =
        translate(&["--from", "chat", "--to", "messages", "--stream"], stream);
    assert!(stdout.contains("\"text\":\"ho\"") && stdout.contains("event: error"), "{stdout}");
    assert!(stderr.contains("before it was complete"), "{stderr}");
}

#[test]
fn faults_say_what_and_where() {
    let check = |arguments: &[&str], input: &str, expected: &str| {
        let (code, _, stderr) = translate(arguments, input);
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    };
    check(&["--from", "chat", "--to", "messages"], "{", "not valid JSON");
    check(
        &["--from", "chat", "--to", "messages"],
        r#"{"model":"a","messages":[{"role":"user","content":[{"type":7}]}]}"#,
        "messages[0].content[0]",
    );
    check(&["--from", "pigeon", "--to", "messages"], "{}", "`pigeon` is no format");
}
