//! TLS on the listener, the administration on one of its own, and certificates that change meanwhile.

use std::path::{Path, PathBuf};

use omniroute_core::config::Tls;
use omniroute_testkit::{
    Authority, Client, Issued, Protocol, RawConnection, Running, TestGateway, Trust, simulator,
};
use serde_json::Value;

use crate::program::{Program, folder_with, output};
use crate::setup::{all_formats_with, ask, text_of};

const NAME: &str = "gateway.test";
const ADMIN_KEY: &str = "admin-key-0123456789";
const ADMIN: [(&str, &str); 1] = [("authorization", "Bearer admin-key-0123456789")];

/// Writes a certificate and its key, and returns where.
fn write(folder: &Path, issued: &Issued) -> Tls {
    let files = Tls { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.cert, issued.cert_pem()).unwrap();
    std::fs::write(&files.key, issued.key_pem()).unwrap();
    files
}

fn yaml(sim: &Running, files: &Tls, more: &str) -> String {
    let (cert, key) = (files.cert.display(), files.key.display());
    let server = format!("server: {{ tls: {{ cert: '{cert}', key: '{key}' }}{more} }}\n");
    let keys =
        format!("client_keys: [{{ name: a, key: {ADMIN_KEY}, scopes: [inference, admin] }}]\n");
    all_formats_with(sim, &format!("{server}{keys}"))
}

async fn echoed(client: &mut Client) -> String {
    let (path, body) = ask("chat", "chat/echo", false, "good morning");
    let answer = client.post(&path, &ADMIN, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    text_of("chat", &answer.json())
}

#[tokio::test]
async fn alpn_decides_between_http_1_and_http_2_and_old_tls_is_refused() {
    let (sim, folder, authority) =
        (simulator().await, tempfile::tempdir().unwrap(), Authority::new());
    let files = write(folder.path(), &authority.issue(NAME));
    let gateway = TestGateway::start(&yaml(&sim, &files, "")).await;
    let pem = authority.pem();
    let both = Trust::of(&pem, NAME);
    let alpn = |alpn: &'static [u8]| Trust { alpn, ..Trust::of(&pem, NAME) };
    let newest = |newest| Trust { newest, ..Trust::of(&pem, NAME) };

    for (trust, is_http2) in [
        (&both, true),
        (&alpn(b"\x08http/1.1"), false),
        (&alpn(b""), false),
        (&newest(omniroute_testkit::SslVersion::TLS1_2), true),
    ] {
        let mut client = Client::connect_tls(gateway.address(), trust).await.unwrap();
        assert_eq!(client.is_http2(), is_http2);
        assert!(echoed(&mut client).await.contains("good morning"));
        assert!(echoed(&mut client).await.contains("good morning"), "the connection is kept");
    }
    let old = newest(omniroute_testkit::SslVersion::TLS1_1);
    assert!(Client::connect_tls(gateway.address(), &old).await.is_err());
    let other = Trust::of(&pem, "other.test");
    assert!(Client::connect_tls(gateway.address(), &other).await.is_err(), "another's name");

    let mut plain = RawConnection::connect(gateway.address()).await;
    plain.send(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = plain.read_until(|_| false).await;
    assert!(!answer.contains("HTTP/1.1 200"), "nothing is served in the clear: {answer}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_over_while_connections_are_open() {
    let (sim, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let (old, new) = (Authority::new(), Authority::new());
    let files = write(folder.path(), &old.issue(NAME));
    let gateway = TestGateway::start(&yaml(&sim, &files, "")).await;
    let (old_pem, new_pem) = (old.pem(), new.pem());
    let (old, by_new) = (Trust::of(&old_pem, NAME), Trust::of(&new_pem, NAME));
    let http1 = Trust { alpn: b"\x08http/1.1", ..Trust::of(&old_pem, NAME) };
    let mut open = [
        Client::connect_tls(gateway.address(), &old).await.unwrap(),
        Client::connect_tls(gateway.address(), &http1).await.unwrap(),
    ];
    for client in &mut open {
        echoed(client).await;
    }
    let certificates = &gateway.shared().certificates;
    let before = certificates.fingerprint();

    write(folder.path(), &new.issue(NAME));
    assert_eq!(certificates.load(&files), Ok(true));

    assert_ne!(certificates.fingerprint(), before);
    for client in &mut open {
        assert!(echoed(client).await.contains("good morning"), "open connections go on");
    }
    assert!(Client::connect_tls(gateway.address(), &old).await.is_err());
    let mut client = Client::connect_tls(gateway.address(), &by_new).await.unwrap();
    echoed(&mut client).await;

    std::fs::write(&files.cert, "half a certif").unwrap();
    let fault = certificates.load(&files).unwrap_err().to_string();
    assert!(fault.contains("holds no certificate in PEM form"), "{fault}");
    let mut client = Client::connect_tls(gateway.address(), &by_new).await.unwrap();
    let ready = client.get("/readyz", &[]).await.json();
    assert_eq!(ready["status"], "degraded", "the old one serves: {ready}");
    assert_eq!(ready["certificate"], "refused, see the log", "{ready}");
    assert_eq!(ready["config_file"], "in force", "{ready}");
    let health = client.get("/api/health", &ADMIN).await.json();
    let troubles = health["troubles"].to_string();
    assert!(troubles.contains("the certificate was not replaced"), "{troubles}");

    write(folder.path(), &new.issue(NAME));
    assert_eq!(certificates.load(&files), Ok(true));
    assert_eq!(client.get("/readyz", &[]).await.json()["status"], "ok");
    assert_eq!(certificates.load(&files), Ok(false), "the same again is no news");
}

#[tokio::test]
async fn the_administration_may_have_a_listener_of_its_own() {
    let (sim, folder, authority) =
        (simulator().await, tempfile::tempdir().unwrap(), Authority::new());
    let files = write(folder.path(), &authority.issue(NAME));
    let gateway = TestGateway::start(&yaml(&sim, &files, ", admin_listen: '127.0.0.1:0'")).await;
    let pem = authority.pem();
    let trust = Trust::of(&pem, NAME);
    let mut calls = Client::connect_tls(gateway.address(), &trust).await.unwrap();
    let mut admin = Client::connect_tls(gateway.admin_address(), &trust).await.unwrap();

    echoed(&mut calls).await;
    for (path, on_calls, on_admin) in [
        ("/v1/models", 200, 404),
        ("/api/health", 404, 200),
        ("/api/auth/status", 404, 200),
        ("/metrics", 404, 200),
        ("/livez", 200, 200),
        ("/readyz", 200, 200),
    ] {
        assert_eq!(calls.get(path, &ADMIN).await.status, on_calls, "{path}");
        assert_eq!(admin.get(path, &ADMIN).await.status, on_admin, "{path}");
    }
    for path in ["/dashboard", "/"] {
        assert_eq!(calls.get(path, &ADMIN).await.status, 404, "{path}");
    }
    let (path, body) = ask("chat", "chat/echo", false, "hello");
    assert_eq!(admin.post(&path, &ADMIN, &body).await.status, 404);
}

/// A folder with a configuration that has TLS, and the files' paths.
fn tls_folder(issued: &Issued, more: &str) -> (tempfile::TempDir, Tls) {
    let keys = format!("client_keys: [{{ name: a, key: {ADMIN_KEY}, scopes: [admin] }}]\n");
    let server = format!("server: {{ tls: {{ cert: cert.pem, key: key.pem }}{more} }}\n");
    let folder = folder_with(&format!("{server}{keys}"));
    let files = write(folder.path(), issued);
    (folder, files)
}

fn run(folder: &Path) -> (i32, String) {
    let arguments = ["run", "--config", "o.yaml", "--port", "0", "--no-open"];
    let (code, _, stderr) = output(folder, &arguments);
    (code, stderr)
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_and_nothing_is_started() {
    let authority = Authority::new();
    let check = |spoil: &dyn Fn(&Tls), code: i32, words: &[&str]| {
        let (folder, files) = tls_folder(&authority.issue(NAME), "");
        spoil(&files);
        let (checked, _, found) = output(folder.path(), &["check", "--config", "o.yaml"]);
        let (ended, stderr) = run(folder.path());
        assert_eq!((ended, checked), (code, code), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "`{word}` is missing: {stderr}");
            assert!(found.contains(word), "`check` says it too: {found}");
        }
    };
    let remove = |file: &PathBuf| std::fs::remove_file(file).unwrap();
    check(&|files| remove(&files.cert), 1, &["server.tls.cert", "cert.pem does not exist"]);
    check(&|files| remove(&files.key), 1, &["server.tls.key", "key.pem does not exist"]);
    let other = authority.issue(NAME);
    check(
        &|files| std::fs::write(&files.key, other.key_pem()).unwrap(),
        1,
        &["key.pem does not belong to the first certificate in cert.pem"],
    );
    check(
        &|files| std::fs::write(&files.key, "no key").unwrap(),
        1,
        &["key.pem holds no private key in PEM form"],
    );
    check(
        &|files| std::fs::write(&files.key, other.locked_key_pem("sesame")).unwrap(),
        1,
        &["key.pem has a passphrase", "openssl pkey"],
    );
    // A folder is what the system refuses to everybody, also to root.
    check(
        &|files| {
            remove(&files.key);
            std::fs::create_dir(&files.key).unwrap();
        },
        2,
        &["server.tls.key: key.pem cannot be read"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_takes_over_new_files_and_the_command_line_follows() {
    let (old, new) = (Authority::new(), Authority::new());
    let (folder, files) = tls_folder(&old.issue(NAME), "");
    let mut program = Program::start(folder.path(), false);
    let keys = |name: &str| {
        let arguments = ["keys", "create", name, "--config", "o.yaml"];
        output(folder.path(), &arguments)
    };
    let (old_pem, new_pem) = (old.pem(), new.pem());
    let old_trust = Trust::of(&old_pem, NAME);
    let mut open = Client::connect_tls(program.address, &old_trust).await.unwrap();
    assert_eq!(open.get("/livez", &[]).await.status, 200);
    let (code, key, stderr) = keys("first");
    assert_eq!(code, 0, "{stderr}");
    assert!(key.starts_with("sk-omni-"), "{key}");
    let healthcheck = ["healthcheck", "--live", "--config", "o.yaml", "--port", "0"];
    let (code, _, stderr) = output(folder.path(), &healthcheck);
    assert_eq!(code, 0, "{stderr}");

    // As an authority's client does it: one file, then the other.
    let issued = new.issue(NAME);
    std::fs::write(&files.cert, issued.cert_pem()).unwrap();
    let log = program.read_until("the certificate was not replaced");
    assert!(log.contains("does not belong"), "{log}");
    std::fs::write(&files.key, issued.key_pem()).unwrap();
    program.read_until("a new certificate is in force");

    assert_eq!(open.get("/livez", &[]).await.status, 200, "what is open goes on");
    let trust = Trust::of(&new_pem, NAME);
    Client::connect_tls(program.address, &trust).await.unwrap();
    assert!(Client::connect_tls(program.address, &old_trust).await.is_err());
    // The log is a moment ahead of the file that the command line reads.
    let entrance = folder.path().join(".omniroute/console.json");
    let expected = fingerprint(&issued);
    while !std::fs::read_to_string(&entrance).unwrap().contains(&expected) {
        tokio::task::yield_now().await;
    }
    let (code, _, stderr) = keys("second");
    assert_eq!(code, 0, "{stderr}");

    let text = std::fs::read_to_string(&entrance).unwrap();
    let forged = text.replace(&expected, &"0".repeat(64));
    std::fs::write(&entrance, forged).unwrap();
    let (code, _, stderr) = keys("third");
    assert_eq!(code, 2, "a stranger gets no token");
    assert!(stderr.contains("not the one that is expected"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_takes_over_what_no_watch_sees() {
    let (old, new) = (Authority::new(), Authority::new());
    let (folder, files) = tls_folder(&old.issue(NAME), "");
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    for link in [&files.cert, &files.key] {
        let target = elsewhere.join(link.file_name().unwrap());
        std::fs::rename(link, &target).unwrap();
        std::os::unix::fs::symlink(&target, link).unwrap();
    }
    let mut program = Program::start(folder.path(), false);
    let pem = new.pem();
    let trust = Trust::of(&pem, NAME);

    write(&elsewhere, &new.issue(NAME));
    assert!(Client::connect_tls(program.address, &trust).await.is_err(), "nobody has said so");
    program.signal("-HUP");
    program.read_until("a new certificate is in force");

    Client::connect_tls(program.address, &trust).await.unwrap();
}

fn fingerprint(issued: &Issued) -> String {
    issued.sha256().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_finds_the_administration_where_it_is() {
    let server = "server: { admin_listen: '127.0.0.1:0' }\n";
    let folder = folder_with(server);
    let program = Program::start(folder.path(), false);

    let (code, _, stderr) =
        output(folder.path(), &["keys", "create", "first", "--config", "o.yaml"]);

    assert_eq!(code, 0, "{stderr}");
    let text = std::fs::read(folder.path().join(".omniroute/console.json")).unwrap();
    let entrance: Value = serde_json::from_slice(&text).unwrap();
    let admin = entrance["address"].as_str().unwrap().parse().unwrap();
    assert_ne!(program.address, admin);
    let mut client = Client::connect(program.address, Protocol::Http1).await;
    assert_eq!(client.get("/api/auth/status", &[]).await.status, 404);
    let mut client = Client::connect(admin, Protocol::Http1).await;
    assert_eq!(client.get("/api/auth/status", &[]).await.status, 200);
}
