//! Calls through network tunnels: HTTP `CONNECT` and SOCKS5, with and without password.

use omniroute_testkit::{
    Answer, Asked, Client, Protocol, Running, TestGateway, TestTunnel, TlsFront, TunnelProtocol,
    simulator,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::program::{Program, folder_with, omniroute, output};
use crate::setup::{ask, error_message};

/// A provider whose name only a tunnel knows.
const FAR: &str = "provider.invalid:8000";

const BOTH: [TunnelProtocol; 2] = [TunnelProtocol::Http, TunnelProtocol::Socks5];

/// A provider at [`FAR`], called `far`, with these further keys, and what follows the providers.
fn far(keys: &str, more: &str) -> String {
    format!(
        "providers:
  far: {{ wire: openai_chat, base_url: 'http://{FAR}', auth: {{ kind: static_key, header: authorization, scheme: Bearer }} {keys} }}
{more}"
    )
}

/// A host name that no resolver is asked for: its first label is too long.
const NAMELESS: &str =
    "too-long-too-long-too-long-too-long-too-long-too-long-too-long-too-long.invalid";

/// One account at `far`.
const ACCOUNT: &str = "accounts: [{ id: a, provider: far, key: sk-sim-ok }]\n";

async fn tunnel(protocol: TunnelProtocol, users: &[(&str, &str)], sim: &Running) -> TestTunnel {
    TestTunnel::start(protocol, users, &[(FAR, sim.addr())]).await
}

async fn call(gateway: &TestGateway, headers: &[(&str, &str)], model: &str) -> Answer {
    let mut client = Client::connect(gateway.address(), Protocol::Http1).await;
    let (path, body) = ask("chat", model, false, "hello");
    client.post(&path, headers, &body).await
}

fn asked(login: Option<(&str, &str)>) -> Asked {
    let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
    Asked { target: FAR.to_owned(), login }
}

#[tokio::test]
async fn calls_go_through_and_names_are_resolved_at_the_far_end() {
    for protocol in BOTH {
        for (users, login, expected) in [
            (&[][..], "", None),
            (&[("me", "p@ss:word")][..], "me:p%40ss%3Aword", Some(("me", "p@ss:word"))),
        ] {
            let sim = simulator().await;
            let tunnel = tunnel(protocol, users, &sim).await;
            let keys = format!(", tunnel: '{}'", tunnel.url(login));
            let gateway = TestGateway::start(&far(&keys, ACCOUNT)).await;

            let first = call(&gateway, &[], "far/echo").await;
            let second = call(&gateway, &[], "far/echo").await;

            let case = format!("{protocol:?} {login}");
            assert_eq!(first.status, 200, "{case}: {}", first.text());
            assert_eq!(second.status, 200, "{case}: {}", second.text());
            assert_eq!(tunnel.asked(), [asked(expected)], "{case}: one connection serves both");
            let seen = sim.seen();
            assert_eq!(seen.len(), 2, "{case}");
            assert_eq!(seen[0].header("host"), Some(FAR), "{case}");
            assert_eq!(seen[0].header("proxy-authorization"), None, "{case}: the tunnel's alone");
            assert_eq!(seen[0].connection, seen[1].connection, "{case}");
            assert!(seen[0].path_and_query.starts_with('/'), "{case}: no absolute form");
        }
    }
}

#[tokio::test]
async fn connections_of_different_users_never_mix() {
    for protocol in BOTH {
        let sim = simulator().await;
        let tunnel = tunnel(protocol, &[("one", "1"), ("two", "2")], &sim).await;
        let keys = format!(
            "{ACCOUNT}client_keys:
  - {{ name: one, key: client-one, tunnel: '{}' }}
  - {{ name: two, key: client-two, tunnel: '{}' }}
",
            tunnel.url("one:1"),
            tunnel.url("two:2"),
        );
        let gateway = TestGateway::start(&far("", &keys)).await;

        for key in ["client-one", "client-two", "client-one", "client-two", "client-one"] {
            let answer = call(&gateway, &[("x-api-key", key)], "far/echo").await;
            assert_eq!(answer.status, 200, "{protocol:?} {key}: {}", answer.text());
        }

        let expected = [asked(Some(("one", "1"))), asked(Some(("two", "2")))];
        assert_eq!(tunnel.asked(), expected, "{protocol:?}: each has one connection");
        let on: Vec<u64> = sim.seen().iter().map(|seen| seen.connection).collect();
        assert_eq!([on[0], on[1], on[0], on[1], on[0]], on[..], "{protocol:?}");
        assert_ne!(on[0], on[1], "{protocol:?}");
    }
}

#[tokio::test]
async fn the_same_tunnel_to_another_target_is_another_connection() {
    let (one, two) = (simulator().await, simulator().await);
    let targets = [("far.invalid:80", one.addr()), ("far.invalid:81", two.addr())];
    let tunnel = TestTunnel::start(TunnelProtocol::Http, &[], &targets).await;
    let config = format!(
        "tunnel: '{}'
providers:
  one: {{ wire: openai_chat, base_url: 'http://far.invalid', auth: {{ kind: none }} }}
  two: {{ wire: openai_chat, base_url: 'http://far.invalid:81', auth: {{ kind: none }} }}
",
        tunnel.url("")
    );
    let gateway = TestGateway::start(&config).await;

    for model in ["one/echo", "two/echo", "one/echo", "two/echo"] {
        assert_eq!(call(&gateway, &[], model).await.status, 200, "{model}");
    }

    assert_eq!((one.seen().len(), two.seen().len(), tunnel.asked().len()), (2, 2, 2));
}

#[tokio::test]
async fn every_level_goes_before_those_below_it() {
    let sim = simulator().await;
    let users = ["key", "combo", "account", "provider", "global", "environment"];
    let logins: Vec<(&str, &str)> = users.iter().map(|user| (*user, "p")).collect();
    let tunnel = tunnel(TunnelProtocol::Socks5, &logins, &sim).await;
    let url = |user: &str| tunnel.url(&format!("{user}:p"));
    // From the lowest level to the highest: each run adds one.
    for levels in 1..=users.len() {
        let has = |level: &str| users[users.len() - levels..].contains(&level);
        let key = |level: &str| {
            if has(level) { format!(", tunnel: '{}'", url(level)) } else { String::new() }
        };
        let global =
            if has("global") { format!("tunnel: '{}'\n", url("global")) } else { String::new() };
        let more = format!(
            "accounts: [{{ id: a, provider: far, key: sk-sim-ok {} }}]
combos:
  through: {{ targets: [far/echo] {} }}
  not-through: {{ targets: [far/echo], tunnel: 'http://127.0.0.1:1' }}
client_keys: [{{ name: k, key: client-key {} }}]
{global}",
            key("account"),
            key("combo"),
            key("key"),
        );
        let environment = url("environment");
        let config = far(&key("provider"), &more);
        let gateway = TestGateway::start_in(&[("ALL_PROXY", &environment)], &config).await;

        let answer = call(&gateway, &[("x-api-key", "client-key")], "through").await;

        let highest = users[users.len() - levels];
        assert_eq!(answer.status, 200, "{highest}: {}", answer.text());
        assert_eq!(tunnel.asked().last(), Some(&asked(Some((highest, "p")))), "{highest}");
    }
    assert_eq!(tunnel.asked().len(), users.len());
}

#[tokio::test]
async fn a_tunnel_that_fails_is_replaced_by_the_next_account_and_rests_its_own() {
    let sim = simulator().await;
    for protocol in BOTH {
        let open = tunnel(protocol, &[("me", "right")], &sim).await;
        let elsewhere = TestTunnel::start(protocol, &[], &[]).await;
        let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let scheme = if protocol == TunnelProtocol::Http { "http" } else { "socks5" };
        for (bad, words) in [
            (open.url("me:wrong"), "the tunnel refused the user or the password"),
            (open.url(""), "the tunnel wants a user and a password"),
            (elsewhere.url(""), "the tunnel could not reach the target"),
            (format!("{scheme}://{dead}"), "the tunnel refused the connection"),
            (format!("{scheme}://{NAMELESS}:1"), "the tunnel's host name could not be resolved"),
        ] {
            let accounts = |second: &str| {
                format!(
                    "accounts:\n  - {{ id: first, provider: far, key: sk-sim-ok, tunnel: '{bad}' }}\n{second}"
                )
            };
            let good = open.url("me:right");
            let second = format!(
                "  - {{ id: second, provider: far, key: sk-sim-ok, priority: 2, tunnel: '{good}' }}\n"
            );
            let both = TestGateway::start(&far("", &accounts(&second))).await;
            let alone = TestGateway::start(&far("", &accounts(""))).await;

            let replaced = call(&both, &[], "far/echo").await;
            let next = call(&both, &[], "far/echo").await;
            let failed = call(&alone, &[], "far/echo").await;

            let case = format!("{protocol:?} {words}: {}", failed.text());
            assert_eq!(replaced.status, 200, "{case}");
            assert_eq!(replaced.header("x-omniroute-account"), Some("second"), "{case}");
            assert_eq!(replaced.header("x-omniroute-attempts"), Some("2"), "{case}");
            assert_eq!(
                next.header("x-omniroute-attempts"),
                Some("1"),
                "{case}: the first is behind"
            );
            assert_eq!(failed.status, 502, "{case}");
            let message = failed.json();
            let message = error_message(&message);
            assert_eq!(message, format!("provider `far` could not be reached: {words}"), "{case}");
            let metric = "omniroute_attempts_total{outcome=\"tunnel\",provider=\"far\"}";
            assert!(alone.metric(metric) >= 1.0, "{case}");
        }
    }
}

#[tokio::test]
async fn a_tunnel_that_says_nothing_or_something_else_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sim = simulator().await;
    for (url, words) in [
        (format!("http://{}", silent.local_addr().unwrap()), "the tunnel did not answer in time"),
        (format!("socks5://{}", silent.local_addr().unwrap()), "the tunnel did not answer in time"),
        (
            format!("socks5://{}", sim.addr()),
            "what answers at the tunnel's address is no SOCKS5 proxy",
        ),
        (format!("http://{}", sim.addr()), "the tunnel does not do what was asked of it"),
    ] {
        let more =
            format!("{ACCOUNT}tunnel: '{url}'\nserver: {{ timeouts: {{ connect: 150ms }} }}\n");
        let gateway = TestGateway::start(&far("", &more)).await;

        let answer = call(&gateway, &[], "far/echo").await;

        assert_eq!(answer.status, 502, "{url}");
        assert!(answer.text().contains(words), "{url}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_dead_tunnel_opens_no_breaker_of_the_provider() {
    let sim = simulator().await;
    let url = sim.url();
    let config = format!(
        "providers:
  far: {{ wire: openai_chat, base_url: '{url}', auth: {{ kind: static_key, header: x-key }} }}
accounts: [{{ id: a, provider: far, key: sk-sim-ok }}]
client_keys:
  - {{ name: shut, key: client-shut, tunnel: 'http://127.0.0.1:1' }}
  - {{ name: open, key: client-open }}
"
    );
    let gateway = TestGateway::start(&config).await;

    for _ in 0..20 {
        let failed = call(&gateway, &[("x-api-key", "client-shut")], "far/echo").await;
        assert_eq!(failed.status, 502, "{}", failed.text());
        assert!(failed.text().contains("the tunnel refused the connection"), "{}", failed.text());
    }
    let served = call(&gateway, &[("x-api-key", "client-open")], "far/echo").await;

    assert_eq!(served.status, 200, "another key's calls go on: {}", served.text());
    let rests =
        gateway.metric("omniroute_account_cool_down_seconds{account=\"a\",provider=\"far\"}");
    assert!(rests.abs() < f64::EPSILON, "a client's own tunnel rests no account");
}

#[tokio::test]
async fn no_proxy_is_for_the_environments_tunnel() {
    let sim = simulator().await;
    let near = sim.addr().to_string();
    let tunnel = TestTunnel::start(TunnelProtocol::Http, &[], &[(&near, sim.addr())]).await;
    let url = tunnel.url("");
    let config = |more: &str| {
        format!(
            "providers:
  near: {{ wire: openai_chat, base_url: 'http://{near}', auth: {{ kind: none }} }}
{more}"
        )
    };
    for (environment, more, through) in [
        (vec![("http_proxy", &*url)], "", 1),
        (vec![("HTTPS_PROXY", &*url)], "", 0),
        (vec![("ALL_PROXY", &*url), ("NO_PROXY", "example.com,127.0.0.0/8")], "", 0),
        (vec![("ALL_PROXY", &*url), ("NO_PROXY", &*near)], "", 0),
        (vec![("ALL_PROXY", &*url), ("NO_PROXY", "127.0.0.1:1")], "", 1),
        (vec![("ALL_PROXY", &*url)], "tunnel: direct\n", 0),
    ] {
        let before = tunnel.asked().len();
        let gateway = TestGateway::start_in(&environment, &config(more)).await;

        let answer = call(&gateway, &[], "near/echo").await;

        assert_eq!(answer.status, 200, "{environment:?}: {}", answer.text());
        assert_eq!(tunnel.asked().len() - before, through, "{environment:?} {more}");
    }
}

/// A running program that trusts this server's authority and calls `https://{host}` through a tunnel to it.
fn program_with_tls(tunnel: &TestTunnel, front: &TlsFront, host: &str) -> (Program, TempDir) {
    let config = format!(
        "tunnel: '{}'
providers:
  far: {{ wire: openai_chat, base_url: 'https://{host}', auth: {{ kind: none }} }}
",
        tunnel.url("")
    );
    let folder = folder_with(&config);
    let authorities = folder.path().join("authorities.pem");
    std::fs::write(&authorities, front.authority_pem()).unwrap();
    // OpenSSL's own variable.
    let environment = [("SSL_CERT_FILE", &*authorities.to_string_lossy())];
    (Program::start_in(&environment, folder.path()), folder)
}

async fn call_program(program: &Program) -> Answer {
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "far/echo", false, "hello");
    client.post(&path, &[], &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_and_http_2_are_spoken_with_the_target_through_the_tunnel() {
    for protocol in BOTH {
        let sim = simulator().await;
        let front = TlsFront::start("secure.invalid", sim.addr()).await;
        let targets = [("secure.invalid:443", front.address())];
        let tunnel = TestTunnel::start(protocol, &[], &targets).await;
        let (program, _folder) = program_with_tls(&tunnel, &front, "secure.invalid");

        let first = call_program(&program).await;
        let second = call_program(&program).await;

        assert_eq!(first.status, 200, "{protocol:?}: {}", first.text());
        assert_eq!(second.status, 200, "{protocol:?}: {}", second.text());
        assert_eq!(tunnel.asked().len(), 1, "{protocol:?}: one connection serves both");
        let seen = sim.seen();
        assert_eq!(seen.len(), 2, "{protocol:?}");
        assert_eq!(seen[1].version, http::Version::HTTP_2, "{protocol:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_for_another_name_is_refused_through_a_tunnel_too() {
    let sim = simulator().await;
    let front = TlsFront::start("secure.invalid", sim.addr()).await;
    let targets = [("other.invalid:443", front.address())];
    let tunnel = TestTunnel::start(TunnelProtocol::Http, &[], &targets).await;
    let (program, _folder) = program_with_tls(&tunnel, &front, "other.invalid");

    let answer = call_program(&program).await;

    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("its certificate is not trusted"), "{}", answer.text());
    assert!(sim.seen().is_empty(), "nothing was sent");
}

fn tested(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["tunnel", "test"], arguments].concat();
    tokio::task::block_in_place(|| output(folder.path(), &arguments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_on_the_command_line_names_each_step_and_what_failed_where() {
    let sim = simulator().await;
    for protocol in BOTH {
        let tunnel = tunnel(protocol, &[("me", "right")], &sim).await;
        let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let scheme = if protocol == TunnelProtocol::Http { "http" } else { "socks5" };
        let (resolve, connect) = ("resolve the tunnel's name", "connect to the tunnel");
        let (enter, reach) = ("authenticate", "reach the target");
        for (url, target, code, steps, failure) in [
            (tunnel.url("me:right"), FAR, 0, &[resolve, connect, reach][..], ""),
            (tunnel.url("me:wrong"), FAR, 1, &[resolve, connect, enter], "refused the user"),
            (tunnel.url(""), FAR, 1, &[resolve, connect, enter], "wants a user"),
            (tunnel.url("me:right"), "other.invalid:1", 1, &[resolve, connect, reach], "could not"),
            (format!("{scheme}://{dead}"), FAR, 1, &[resolve, connect], "refused the connection"),
            (format!("{scheme}://{NAMELESS}:1"), FAR, 1, &[resolve], "could not be resolved"),
        ] {
            let (seen, stdout, stderr) = tested(&[&url, "--target", target]);

            let case = format!("{url} {target}:\n{stdout}{stderr}");
            assert_eq!(seen, code, "{case}");
            let lines: Vec<&str> = stdout.lines().collect();
            assert_eq!(lines.len(), steps.len(), "{case}");
            for (line, step) in lines.iter().zip(steps) {
                assert!(line.starts_with(step) && line.contains(" ms  "), "{case}");
            }
            let (last, before) = lines.split_last().unwrap();
            assert!(before.iter().all(|line| line.ends_with("fine")), "{case}");
            assert_eq!(last.contains("failed: "), code == 1, "{case}");
            assert!(last.contains(failure), "{case}");
            assert!(!stdout.contains("wrong") && !stdout.contains("right"), "{case}");
        }
    }
    let requests = sim.seen();
    assert!(requests.is_empty(), "nothing is sent to the target");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_of_what_is_no_tunnel_says_how_one_is_written() {
    for arguments in [
        &["https://user:canary@h:1"][..],
        &["canary"],
        &["http://h:1", "--target", "https://canary"],
    ] {
        let (code, stdout, stderr) = tested(arguments);

        assert_eq!((code, stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(stderr.contains("written") || stderr.contains("write"), "{stderr}");
        assert!(!stderr.contains("canary"), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_names_the_user_or_password_of_a_tunnel() {
    let sim = simulator().await;
    let tunnel = tunnel(TunnelProtocol::Socks5, &[("canary-user", "canary-word")], &sim).await;
    let (good, bad) = (tunnel.url("canary-user:canary-word"), tunnel.url("canary-user:canary-bad"));
    let more = format!(
        "accounts:
  - {{ id: a, provider: far, key: sk-sim-ok, tunnel: '{bad}' }}
  - {{ id: b, provider: far, key: sk-sim-ok, priority: 2, tunnel: '{good}' }}
"
    );
    let folder = folder_with(&far("", &more));
    let mut program = Program::start(folder.path(), true);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    let (path, body) = ask("chat", "far/echo", false, "hello");

    let answer = client.post(&path, &[], &body).await;
    let mut log = program.read_until("\"target\":\"access\"");
    program.signal("-TERM");
    drop(client);
    log.push_str(&program.end().1);

    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(log.contains("a:tunnel"), "{log}");
    assert!(!log.contains("canary"), "{}", log.lines().find(|l| l.contains("canary")).unwrap());
}

#[test]
fn check_says_how_calls_leave() {
    let folder = folder_with("tunnel: 'http://user:canary@proxy.example:3128'\n");
    let said = output(folder.path(), &["check", "--config", "o.yaml"]).1;
    assert!(said.contains("\ntunnel: http://proxy.example:3128\n"), "{said}");
    assert!(!said.contains("canary"), "{said}");

    let folder = folder_with("{}");
    let mut check = omniroute(folder.path(), &["check", "--config", "o.yaml"]);
    let environment = check.env("HTTPS_PROXY", "http://user:canary@proxy.example:3128");
    let said = String::from_utf8(environment.output().unwrap().stdout).unwrap();
    let expected = "tunnel of https providers, from the environment: http://proxy.example:3128\n";
    assert!(said.contains(expected), "{said}");
    assert!(!said.contains("canary"), "{said}");
}
