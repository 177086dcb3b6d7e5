//! The command line at the administration: with a gateway that serves, and without one.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use omniroute_testkit::{Client, Protocol};
use serde_json::{Value, json};

use crate::program::{Program, folder_with, omniroute, output};

/// Runs a command on the folder's configuration.
fn run(folder: &Path, command: &str) -> (i32, String, String) {
    let arguments: Vec<&str> = command.split(' ').chain(["--config", "o.yaml"]).collect();
    output(folder, &arguments)
}

fn set_password(folder: &Path, password: &str) -> (i32, String) {
    let mut command = omniroute(folder, &["password", "set", "--config", "o.yaml"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

async fn login(program: &Program, password: &str) -> u16 {
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    client.post("/api/auth/login", &[], &json!({ "password": password })).await.status
}

async fn status_of_models(program: &Program, key: &str) -> u16 {
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let bearer = format!("Bearer {key}");
    client.get("/v1/models", &[("authorization", &bearer)]).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_made_listed_and_revoked_with_and_without_a_gateway() {
    let folder = folder_with("client_keys: [{ name: written, key: written-key-0123456789 }]\n");
    let folder = folder.path();

    let (code, before, stderr) = run(folder, "keys create before --models a*,b --scopes inference");
    assert_eq!(code, 0, "{stderr}");
    let program = Program::start(folder, false);
    let (code, meanwhile, stderr) = run(folder, "keys create meanwhile");
    assert_eq!(code, 0, "{stderr}");

    let keys = [before.trim(), meanwhile.trim()];
    for key in keys {
        assert!(key.starts_with("sk-omni-"), "nothing else is printed: {key}");
        assert_eq!(status_of_models(&program, key).await, 200);
    }
    let (_, list, _) = run(folder, "keys list");
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert!(lines.iter().any(|line| line.contains("before") && line.contains("models=a*,b")));
    assert!(!keys.iter().any(|key| list.contains(key)), "keys are shown once: {list}");

    let (code, _, stderr) = run(folder, "keys revoke before");
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(status_of_models(&program, keys[0]).await, 401);
    for (command, why) in [
        ("keys create meanwhile", "already"),
        ("keys create other --scopes everything", "everything"),
        ("keys create other --expires tomorrow", "expires"),
        ("keys revoke written", "configuration file"),
        ("keys revoke nobody", "nobody"),
    ] {
        let (code, stdout, stderr) = run(folder, command);
        assert!(code == 1 && stdout.is_empty() && stderr.contains(why), "{command}: {stderr}");
    }

    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
    assert!(!folder.join(".omniroute/console.json").exists(), "the way in is closed");
    let (code, list, stderr) = run(folder, "keys list");
    assert!(code == 0 && list.lines().count() == 2, "{list}{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_set_with_and_without_a_gateway() {
    let folder = folder_with("{}");
    let folder = folder.path();
    let (code, stderr) = set_password(folder, "password");
    assert!(code == 1 && stderr.contains("everybody tries first"), "{stderr}");

    assert_eq!(set_password(folder, "first of two").0, 0);
    let program = Program::start(folder, false);
    assert_eq!(login(&program, "first of two").await, 200);
    assert_eq!(set_password(folder, "second of two").0, 0);

    assert_eq!(login(&program, "first of two").await, 401);
    assert_eq!(login(&program, "second of two").await, 200);
    let (code, stdout, stderr) = run(folder, "audit verify");
    assert!(code == 0 && stdout.contains("2 entries"), "{stdout}{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_was_killed_leaves_a_way_in_that_leads_nowhere() {
    let folder = folder_with("{}");
    let program = Program::start(folder.path(), false);
    let entrance = folder.path().join(".omniroute/console.json");
    // It is written right after the line that tells of the address.
    while !entrance.exists() {
        tokio::task::yield_now().await;
    }
    let written: Value = serde_json::from_slice(&std::fs::read(&entrance).unwrap()).unwrap();
    assert_eq!(written["address"], program.address.to_string());
    program.kill();
    assert!(entrance.exists());

    let (code, key, stderr) = run(folder.path(), "keys create after");

    assert!(code == 0 && key.starts_with("sk-omni-"), "{stderr}");
}
