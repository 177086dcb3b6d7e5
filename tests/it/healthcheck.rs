//! `omniroute healthcheck` at a gateway that is well, is not, and is not there.

use std::io::Write;
use std::net::TcpListener;

use crate::program::{Program, folder_with, output};

const ACCOUNT: &str = "accounts: [{ id: one, provider: deepseek, key: some-key-1 }]\n";

#[test]
fn a_gateway_with_an_account_is_well() {
    let folder = folder_with(ACCOUNT);
    let program = Program::start(folder.path(), false);
    let port = program.address.port().to_string();
    let base = ["healthcheck", "--config", "o.yaml"];

    let (code, stdout, stderr) =
        output(folder.path(), &[&base[..], &["--port", &port, "--host", "0.0.0.0"]].concat());
    // Without a port it is found by what it left in the data directory.
    let (found, _, _) = output(folder.path(), &[&base[..], &["--port", "0"]].concat());

    assert_eq!((code, found), (0, 0), "{stderr}");
    assert!(stdout.contains("\"status\":\"ok\""), "{stdout}");
}

#[test]
fn one_without_an_account_lives_but_is_not_ready() {
    let folder = folder_with("{}");
    let program = Program::start(folder.path(), false);
    let port = program.address.port().to_string();
    let base = ["healthcheck", "--config", "o.yaml", "--port", &port];

    let (ready, _, stderr) = output(folder.path(), &base);
    let (live, _, _) = output(folder.path(), &[&base[..], &["--live"]].concat());

    assert_eq!((ready, live), (1, 0), "{stderr}");
    assert!(stderr.contains("503") && stderr.contains("no account configured"), "{stderr}");
}

#[test]
fn where_nobody_listens_or_nobody_answers_it_is_not_well() {
    let folder = folder_with("{}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let base = ["healthcheck", "--config", "o.yaml", "--port"];

    let (code, _, stderr) = output(folder.path(), &[&base[..], &[&port]].concat());
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("no answer came in time"), "{stderr}");

    let speaker = std::thread::spawn(move || {
        // The first is who was not answered above.
        for stream in silent.incoming().take(2) {
            // What OpenSSL says to a client that speaks HTTP: a fatal alert.
            let _gone = stream.unwrap().write_all(b"\x15\x03\x01\x00\x02\x02\x46");
        }
    });
    let (code, _, stderr) = output(folder.path(), &[&base[..], &[&port]].concat());
    assert!(code == 1 && stderr.contains("TLS") && stderr.contains("--config"), "{stderr}");
    speaker.join().unwrap();
    let (code, _, stderr) = output(folder.path(), &[&base[..], &[&port]].concat());
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains(&port), "{stderr}");

    let (code, _, stderr) = output(folder.path(), &[&base[..], &["0"]].concat());
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("--port"), "{stderr}");
}
