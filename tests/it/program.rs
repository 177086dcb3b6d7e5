//! The built program as an operator uses it: commands, exit codes, signals, logs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use omniroute_testkit::{Client, Gate, Protocol, Step, simulator, whole};
use serde_json::Value;

use crate::setup::{all_formats_with, ask};

/// The program, in a folder of its own; `OMNIROUTE_PROGRAM` names another build of it.
pub(crate) fn omniroute(folder: &Path, arguments: &[&str]) -> Command {
    let built = env!("CARGO_BIN_EXE_omniroute").into();
    let mut command = Command::new(std::env::var_os("OMNIROUTE_PROGRAM").unwrap_or(built));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn output(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = omniroute(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

pub(crate) fn folder_with(yaml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("o.yaml"), yaml).unwrap();
    folder
}

#[test]
fn check_reports_every_problem_and_exits_with_1() {
    let folder = folder_with(
        "combos:\n  fast: { targets: [glmm/glm-4.7] }\nacounts: []\nrouting: { max_attempts: lots }\n",
    );

    let (code, stdout, stderr) = output(folder.path(), &["check", "--config", "o.yaml"]);

    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("o.yaml:2:"), "{stderr}");
    assert!(stderr.contains("`glmm`") && stderr.contains("`glm`"), "{stderr}");
    assert!(stderr.contains("o.yaml:3:1") && stderr.contains("accounts"), "{stderr}");
    assert!(stderr.contains("o.yaml:4:"), "{stderr}");
    assert!(stderr.contains("3 problems"), "{stderr}");
}

#[test]
fn check_of_a_good_file_exits_with_0_and_shows_the_catalogue_on_request() {
    let folder = folder_with("accounts:\n  - { id: one, provider: deepseek, key: some-key-1 }\n");

    let (code, stdout, _) = output(folder.path(), &["check", "--config", "o.yaml", "--print"]);

    assert_eq!(code, 0);
    assert!(stdout.contains("1 accounts") && stdout.contains("ds/deepseek-chat"), "{stdout}");
    assert!(!stdout.contains("some-key-1"));
}

#[test]
fn without_any_file_the_defaults_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = output(folder.path(), &["check"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("built-in defaults"), "{stdout}");
}

#[test]
fn check_counts_the_client_keys_that_are_kept_as_run_does() {
    let (near, open) = ("server: { listen: 127.0.0.1:0 }\n", "server: { listen: 0.0.0.0:0 }\n");
    let broken = format!("{open}routing: {{ max_attempts: lots }}\n");
    let folder = folder_with(open);
    let write = |yaml: &str| std::fs::write(folder.path().join("o.yaml"), yaml).unwrap();
    let check = || output(folder.path(), &["check", "--config", "o.yaml"]);
    let (code, _, stderr) = check();
    assert_eq!(code, 1, "nothing is kept yet");
    assert!(stderr.contains("o.yaml:1:") && stderr.contains("no client key"), "{stderr}");
    assert!(!folder.path().join(".omniroute").exists(), "it only looks");
    write(near);
    let (code, _, stderr) =
        output(folder.path(), &["keys", "create", "laptop", "--config", "o.yaml"]);
    assert_eq!(code, 0, "{stderr}");

    write(open);
    let (code, stdout, stderr) = check();
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("1 client keys"), "{stdout}");
    let program = Program::start(folder.path(), false);
    let (code, stdout, stderr) = check();
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains("fine together with what the gateway that runs here keeps"),
        "{stdout}"
    );
    write(&broken);
    let (while_it_runs, _, stderr) = check();
    assert!(stderr.contains("o.yaml:2:"), "{stderr}");
    std::fs::write(folder.path().join("other.yaml"), &broken).unwrap();
    let (another, _, stderr) = output(folder.path(), &["check", "--config", "other.yaml"]);
    assert!(stderr.contains("other.yaml:2:") && stderr.contains("1 problem\n"), "{stderr}");
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
    let (after_it, _, stderr) = check();
    assert!(stderr.contains("o.yaml:2:") && !stderr.contains("no client key"), "{stderr}");
    assert_eq!((while_it_runs, another, after_it), (1, 1, 1));
    write(open);
    let elsewhere = ["check", "--config", "o.yaml", "--data-dir", "elsewhere"];
    let (code, _, stderr) = output(folder.path(), &elsewhere);
    assert_eq!(code, 1);
    assert!(stderr.contains("no client key"), "{stderr}");
    // A key that only the gateway gets, as a credential of systemd's.
    let at_home = folder.path().join(".omniroute/master.key");
    let apart = folder.path().join("master.key");
    std::fs::rename(at_home, &apart).unwrap();
    let (code, _, stderr) = check();
    assert_eq!(code, 1);
    assert!(stderr.contains("without what the dashboard keeps"), "{stderr}");
    let file = [("OMNIROUTE_MASTER_KEY_FILE", apart.to_str().unwrap())];
    let program = Program::start_in(&file, folder.path());
    let (code, _, stderr) = check();
    assert_eq!(code, 0, "the gateway is asked: {stderr}");
    drop(program);
}

#[test]
fn the_journal_hears_the_level_of_each_line_and_a_file_does_not() {
    let folder = folder_with("");
    let lines = |is_journal: bool| {
        let path = folder.path().join("log");
        let log = File::create(&path).unwrap();
        let about = log.metadata().unwrap();
        let inode = about.ino() + u64::from(!is_journal);
        let mut command = omniroute(folder.path(), &["keys", "list", "--config", "o.yaml"]);
        command.env("JOURNAL_STREAM", format!("{}:{inode}", about.dev())).stderr(log);
        assert!(command.status().unwrap().success());
        std::fs::read_to_string(path).unwrap()
    };

    let (journal, file) = (lines(true), lines(false));

    assert!(journal.contains("INFO") && journal.lines().all(|line| line.starts_with("<6>2")));
    assert!(file.contains("INFO") && !file.contains('<'), "{file}");
}

#[test]
fn explain_says_the_order_in_words_and_as_json() {
    let folder = folder_with(
        "accounts:\n  - { id: one, provider: deepseek, key: some-key-1 }\ncombos:\n  c: { targets: [ds/deepseek-chat, glm/glm-4.7] }\n",
    );
    let arguments = ["explain", "--config", "o.yaml", "--model", "c"];

    let (code, words, stderr) = output(folder.path(), &arguments);
    let (_, json, _) = output(folder.path(), &[&arguments[..], &["--format", "json"]].concat());
    let (unknown, _, _) =
        output(folder.path(), &["explain", "--config", "o.yaml", "--model", "nothing"]);

    assert_eq!(code, 0, "{stderr}");
    assert!(words.contains("1. deepseek-chat at deepseek, account one"), "{words}");
    assert!(words.contains("glm") && words.contains("no enabled account"), "{words}");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["candidates"][0]["account"], "one");
    assert_eq!(unknown, 1);
}

#[test]
fn wrong_arguments_exit_with_1_and_a_taken_port_with_2() {
    let folder = folder_with("{}");
    let (code, _, _) = output(folder.path(), &["--no-such-thing"]);
    assert_eq!(code, 1);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, stderr) = output(folder.path(), &["run", "--config", "o.yaml", "--port", &port]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("another program listens there"), "{stderr}");
}

#[test]
fn addresses_that_overlap_and_options_in_the_wrong_place_are_refused() {
    let folder = folder_with("{}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let yaml =
        format!("server: {{ listen: [127.0.0.1:{port}], metrics_listen: 127.0.0.1:{port} }}\n");
    std::fs::write(folder.path().join("twice.yaml"), yaml).unwrap();
    let (code, _, stderr) = output(folder.path(), &["run", "--config", "twice.yaml"]);
    assert!(code == 1 || code == 2, "{code}: {stderr}");
    assert!(stderr.contains(&port.to_string()), "{stderr}");

    let (code, _, stderr) = output(folder.path(), &["--config", "none.yaml", "check"]);
    assert_eq!(code, 1, "never ignored: {stderr}");
}

#[test]
fn well_known_secrets_are_refused() {
    let folder = folder_with("{}");
    let mut command = omniroute(folder.path(), &["check", "--config", "o.yaml"]);
    let output = command.env("INITIAL_PASSWORD", "123456").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("INITIAL_PASSWORD"), "{stderr}");
}

/// A running gateway, its address read from its own log.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    log: BufReader<std::process::ChildStderr>,
    before: String,
}

impl Program {
    pub(crate) fn start(folder: &Path, chatty: bool) -> Self {
        let levels = "trace,pingora_core::protocols::http::v1=trace,h2::codec=trace";
        let chatty = [("RUST_LOG", levels)].into_iter().filter(|_| chatty);
        Self::start_in(&chatty.collect::<Vec<_>>(), folder)
    }

    /// Starts the program with these variables and no others but `HOME`.
    pub(crate) fn start_in(environment: &[(&str, &str)], folder: &Path) -> Self {
        let mut command = omniroute(
            folder,
            &["run", "--config", "o.yaml", "--port", "0", "--log-format", "json"],
        );
        command.envs(environment.iter().copied());
        Self::of(command)
    }

    /// Starts a gateway by a command of the test's own, and waits until it serves.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut before = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended early: {before}");
            before.push_str(&line);
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            if line["message"] == "omniroute serves" {
                break line["listen"].as_str().unwrap().parse().unwrap();
            }
        };
        Self { child, address, log, before }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Ends it as a power cut would: with SIGKILL, and nothing tidied.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Reads the log until a line holds this text.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        while !seen.contains(text) {
            assert!(self.log.read_line(&mut seen).unwrap() > 0, "no `{text}` in {seen}");
        }
        seen
    }

    /// Returns the number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end; returns the exit code and the whole log.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut log = std::mem::take(&mut self.before);
        self.log.read_to_string(&mut log).unwrap();
        (code, log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_is_one_log_line_without_prompt_or_key_at_any_level() {
    let sim = simulator().await;
    let more = "client_keys: [{ name: ci, key: canary-client-key }]\ncombos: { pair: { targets: [chat/500, gemini-sim/echo] } }\n";
    let yaml = all_formats_with(&sim, more).replace("sk-sim-ok", "canary-account-key");
    let folder = folder_with(&yaml);
    let mut program = Program::start(folder.path(), true);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("anthropic", "pair", true, "canary-prompt");

    let path = format!("{path}?key=canary-client-key");
    let answer = client.post(&path, &[("cookie", "canary-cookie")], &body).await;
    let mut log = program.read_until("\"target\":\"access\"");
    program.signal("-TERM");
    drop(client);
    log.push_str(&program.end().1);

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!log.contains("canary"), "{}", log.lines().find(|l| l.contains("canary")).unwrap());
    let line: Value = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|line: &Value| line["target"] == "access")
        .unwrap();
    assert_eq!(line["model"], "pair");
    assert_eq!(line["client_key"], "ci");
    assert_eq!(line["provider"], "gemini-sim");
    assert_eq!(line["attempts"], 2);
    assert_eq!(line["tried"], "chat-1:server_error(500)");
    assert_eq!(line["status"], 200);
    assert!(line["output_tokens"].as_u64().unwrap() > 0, "{line}");
    assert!(line["first_byte_ms"].as_f64().unwrap() > 0.0, "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_reloads_and_a_saved_file_too() {
    let sim = simulator().await;
    let folder = folder_with(&all_formats_with(&sim, ""));
    let mut program = Program::start(folder.path(), false);
    let path = folder.path().join("o.yaml");

    std::fs::write(&path, all_formats_with(&sim, "aliases: { one: chat/echo }\n")).unwrap();
    program.read_until("configuration reloaded");
    program.signal("-HUP");
    program.read_until("\"revision\":3");
    std::fs::write(&path, "routing: { max_attempts: 0 }\n").unwrap();
    program.read_until("the old one stays");

    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (url, body) = ask("chat", "one", false, "hello");
    assert_eq!(client.post(&url, &[], &body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_finishes_what_runs_and_begins_nothing_new() {
    let sim = simulator().await;
    let folder = folder_with(&all_formats_with(&sim, ""));
    let mut program = Program::start(folder.path(), false);
    let gate = Gate::new();
    let first =
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
    let last = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let step = Step::reply(200).header("content-type", "text/event-stream");
    sim.script([step.piece(first).gate(&gate).piece(last)]);
    let mut running = Client::connect(program.address, Protocol::Http1).await;
    let mut late = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "chat/echo", true, "hello");
    let stream =
        running.begin(http::Method::POST, &path, &[], whole(body.to_string().into())).await;

    program.signal("-TERM");
    program.read_until("finishing what is running");
    let refused = late.post(&path, &[], &body).await;
    gate.open();
    let rest = http_body_util::BodyExt::collect(stream.into_body()).await.unwrap().to_bytes();
    let (code, _) = program.end();

    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(String::from_utf8_lossy(&rest).ends_with("data: [DONE]\n\n"), "the stream is whole");
    assert_eq!(code, Some(0));
}

#[test]
fn demo_prints_lines_that_work_as_pasted() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("curl is not installed: the demo's lines were not pasted");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = omniroute(folder.path(), &["demo", "--port", "0"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut words = String::new();
    while !words.contains("Ctrl-C") {
        assert!(stdout.read_line(&mut words).unwrap() > 0, "it ended early: {words}");
    }
    let lines: Vec<&str> = words.lines().filter(|line| line.starts_with("curl ")).collect();

    let answers: Vec<String> = lines
        .iter()
        .map(|line| {
            let Output { stdout, .. } = Command::new("sh").args(["-c", line]).output().unwrap();
            String::from_utf8(stdout).unwrap()
        })
        .collect();
    drop(child.kill());
    drop(child.wait());

    assert_eq!(answers.len(), 3, "{words}");
    assert!(
        answers[0].contains("data: [DONE]") && !answers[0].contains("\"error\""),
        "{}",
        answers[0]
    );
    assert!(answers[1].contains("event: message_stop"), "{}", answers[1]);
    assert!(answers[2].contains("\"finishReason\":\"STOP\""), "{}", answers[2]);
}
