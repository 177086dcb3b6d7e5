//! The program under a service manager: what it says, and sockets that it is given.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use omniroute_testkit::{Client, Protocol, simulator};

use crate::program::{Program, folder_with, omniroute};
use crate::setup::{all_formats_with, ask};

/// A service manager that listens.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        // What never comes is a failure, not a wait.
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(socket)
    }

    /// Waits for a word that holds this line, and returns all its lines.
    fn hears(&self, line: &str) -> Vec<String> {
        let mut bytes = [0; 4096];
        loop {
            let length =
                self.0.recv(&mut bytes).unwrap_or_else(|error| panic!("{error}: no {line}"));
            let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
            let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
            if lines.iter().any(|found| found == line) {
                return lines;
            }
        }
    }
}

fn value<'a>(lines: &'a [String], name: &str) -> &'a str {
    let found = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {lines:?}"))
}

#[test]
fn the_manager_hears_of_the_start_of_reloads_of_life_and_of_the_end() {
    let folder = folder_with("server: { drain: 7s }\n");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "100000")];

    let mut program = Program::start_in(&environment, folder.path());
    let ready = manager.hears("READY=1");
    assert!(value(&ready, "STATUS").contains(&program.address.to_string()), "{ready:?}");
    for _ in 0..3 {
        manager.hears("WATCHDOG=1");
    }
    program.signal("-HUP");
    let reloading = manager.hears("RELOADING=1");
    assert!(value(&reloading, "MONOTONIC_USEC").parse::<u64>().unwrap() > 0);
    manager.hears("READY=1");

    std::fs::write(folder.path().join("o.yaml"), "routing: { max_attempts: 0 }\n").unwrap();
    program.read_until("the old one stays");
    manager.hears("RELOADING=1");
    let refused = manager.hears("READY=1");
    assert!(value(&refused, "STATUS").contains("refused"), "{refused:?}");

    program.signal("-TERM");
    let stopping = manager.hears("STOPPING=1");
    let extended: u64 = value(&stopping, "EXTEND_TIMEOUT_USEC").parse().unwrap();
    assert!((7_000_000..60_000_000).contains(&extended), "{stopping:?}");
    assert_eq!(program.end().0, Some(0));
}

/// Starts the program with a listening socket as the service manager passes it: descriptor 3.
fn activated(folder: &Path, listener: &TcpListener) -> Program {
    let script = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_omniroute"), "run", "--config", "o.yaml"])
        .args(["--log-format", "json"])
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .stdin(OwnedFd::from(listener.try_clone().unwrap()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Program::of(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_socket_of_the_manager_a_restart_refuses_no_connection() {
    let sim = simulator().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = format!("server: {{ listen: '{address}' }}\n");
    let folder = folder_with(&all_formats_with(&sim, &server));
    let (path, body) = ask("chat", "chat/echo", false, "hello");

    // Connections are taken before there is anybody to answer them.
    for _ in 0..3 {
        let mut early = Client::connect(address, Protocol::Http1).await;
        let answer = early.post(&path, &[], &body);
        let serving = async {
            let program = activated(folder.path(), &listener);
            assert_eq!(program.address, address);
            program
        };
        let (answer, program) = tokio::join!(answer, serving);
        assert_eq!(answer.status, 200, "{}", answer.text());
        program.signal("-TERM");
        assert_eq!(program.end().0, Some(0));
    }
}

#[test]
fn an_upgrade_within_one_unit_names_the_new_process_and_one_beside_it_stops() {
    let folder = folder_with("{}");
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let start = |invocation: &str| {
        let arguments = ["run", "--upgrade", "--config", "o.yaml", "--port", "0"];
        let mut command = omniroute(folder.path(), &arguments);
        command.args(["--log-format", "json"]).env("NOTIFY_SOCKET", &path);
        command.env("INVOCATION_ID", invocation);
        Program::of(command)
    };
    let first = start("one-unit");
    manager.hears("READY=1");

    let second = start("one-unit");
    manager.hears(&format!("MAINPID={}", second.pid()));
    manager.hears("READY=1");
    assert_eq!(first.end().0, Some(0));

    let third = start("another-unit");
    assert_eq!(third.address, second.address);
    let stopping = manager.hears("STOPPING=1");
    assert!(value(&stopping, "STATUS").contains("taken over"), "{stopping:?}");
    assert_eq!(second.end().0, Some(0));
    third.signal("-TERM");
    assert_eq!(third.end().0, Some(0));
}
