//! What listeners are made of, and how much clients can take up.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::config::{Bounds, Tls};

#[test]
fn a_certificate_has_two_files_and_other_files_need_no_restart() {
    let with = |tls: &str| file(&format!("server: {{ {tls} }}")).snapshot().server;
    let plain = with("");
    let first = with("tls: { cert: a.pem, key: b.pem }");
    let second = with("tls: { cert: c.pem, key: b.pem }");

    assert_eq!(first.tls, Some(Tls { cert: PathBuf::from("a.pem"), key: PathBuf::from("b.pem") }));
    assert_eq!(first.restart_required(&plain), ["server.tls"]);
    assert!(second.restart_required(&first).is_empty());
    for (tls, expected) in [
        ("{ cert: a.pem }", "`key` is missing"),
        ("{ key: a.pem }", "`cert` is missing"),
        ("{ cert: a.pem, key: b.pem, ca: c.pem }", "unknown key `ca`"),
    ] {
        let problems = file(&format!("server: {{ tls: {tls} }}")).problems();
        assert!(problems[0].contains(expected), "{problems:?}");
    }
}

#[test]
fn the_administration_may_be_elsewhere_but_not_twice_at_one_address() {
    let with = |more: &str| file(&format!("server: {{ listen: '127.0.0.1:1', {more} }}"));
    let administration = |more: &str| with(more).snapshot().server.administration();

    assert_eq!(administration(""), Some("127.0.0.1:1".parse().unwrap()));
    assert_eq!(administration("admin_listen: '127.0.0.1:2'"), Some("127.0.0.1:2".parse().unwrap()));
    for (more, expected) in [
        ("admin_listen: '127.0.0.1:1'", "both `listen` and `admin_listen`"),
        ("metrics_listen: '127.0.0.1:1'", "both `listen` and `metrics_listen`"),
        (
            "admin_listen: '127.0.0.1:2', metrics_listen: '127.0.0.1:2'",
            "both `admin_listen` and `metrics_listen`",
        ),
    ] {
        let problems = with(more).problems();
        assert!(problems.len() == 1 && problems[0].contains(expected), "{problems:?}");
    }
    let open = "server: { listen: '127.0.0.1:1', admin_listen: '0.0.0.0:2' }\n";
    assert!(file(open).compile().is_ok(), "no calls are served there, so no key is needed");
    let problems = file(&format!("{open}admin: {{ require_login: false }}")).problems();
    assert!(problems[0].contains("the login cannot be switched off"), "{problems:?}");
}

#[test]
fn limits_have_defaults_and_bounds_of_their_own() {
    assert_eq!(no_file().snapshot().limits, Bounds::default());
    let some = file("limits: { head: 1KiB, head_time: 3s, connections: 9 }").snapshot().limits;
    let expected = Bounds {
        head_bytes: 1024,
        head_time: Duration::from_secs(3),
        connections: 9,
        ..Bounds::default()
    };
    assert_eq!(some, expected);
    for (limit, expected) in [
        ("head: 1023B", "`1023B` is not from 1KiB to 1MiB"),
        ("target: 2MiB", "`2MiB` is not from 1KiB to 1MiB"),
        ("head_fields: 257", "`257` is not a whole number from 8 to 256"),
        ("head_time: 0s", "`0s` leaves no time at all"),
        ("connections: 0", "`0` is not a whole number from 1 to 1000000"),
        ("requests: -1", "`-1` is not a whole number"),
        ("buffered_bodies: 65535", "`65535` is too little; allow at least 64KiB"),
        ("conections: 5", "did you mean `connections`?"),
    ] {
        let problems = file(&format!("limits: {{ {limit} }}")).problems();
        assert!(problems.len() == 1 && problems[0].contains(expected), "{problems:?}");
    }
}
