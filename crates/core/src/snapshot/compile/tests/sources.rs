//! Where values come from: command line, environment, file, default; variables and files of secrets.

use std::net::SocketAddr;

use super::*;
use crate::ids::ProviderId;

fn listens_on(setup: &Setup) -> Vec<String> {
    setup.snapshot().server.listen.iter().map(SocketAddr::to_string).collect()
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_file_over_the_default() {
    let written = "server: { listen: '127.0.0.1:1000' }";

    assert_eq!(listens_on(&no_file()), ["127.0.0.1:20128"]);
    assert_eq!(listens_on(&file(written)), ["127.0.0.1:1000"]);
    assert_eq!(listens_on(&file(written).env("PORT", "2000")), ["127.0.0.1:2000"]);
    assert_eq!(listens_on(&file(written).env("PORT", "2000").port(3000)), ["127.0.0.1:3000"]);
    assert_eq!(listens_on(&file(written).env("PORT", "")), ["127.0.0.1:1000"]);
    assert_eq!(listens_on(&no_file().env("HOSTNAME", "127.0.0.9")), ["127.0.0.9:20128"]);
    assert_eq!(
        listens_on(&no_file().env("HOSTNAME", "127.0.0.9").host("localhost")),
        ["127.0.0.1:20128"]
    );
    assert_eq!(listens_on(&no_file().host("::1").port(5)), ["[::1]:5"]);
}

#[test]
fn a_port_from_outside_keeps_every_host_of_a_list() {
    let setup = file("server: { listen: ['127.0.0.1:1', '[::1]:1'] }").port(9);

    assert_eq!(listens_on(&setup), ["127.0.0.1:9", "[::1]:9"]);
    assert_eq!(listens_on(&setup.host("127.0.0.1")), ["127.0.0.1:9"], "the same address once");
}

#[test]
fn the_name_that_containers_give_a_machine_is_no_address_to_listen_on() {
    assert_eq!(listens_on(&no_file().env("HOSTNAME", "3f2a9c17be04")), ["127.0.0.1:20128"]);
}

#[test]
fn the_data_directory_follows_the_same_order_and_knows_the_home() {
    let data_dir = |setup: Setup| setup.snapshot().server.data_dir;
    let written = "server: { data_dir: ~/from-file }";

    assert_eq!(data_dir(no_file()), Path::new(".omniroute"));
    assert_eq!(data_dir(no_file().env("HOME", "/home/me")), Path::new("/home/me/.omniroute"));
    let with_file = || file(written).env("HOME", "/home/me");
    assert_eq!(data_dir(with_file()), Path::new("/home/me/from-file"));
    assert_eq!(data_dir(with_file().env("DATA_DIR", "/data")), Path::new("/data"));
    assert_eq!(data_dir(with_file().env("DATA_DIR", "/data").data_dir("/arg")), Path::new("/arg"));
    assert_eq!(
        file(written).problems(),
        ["test.yaml:1:21: server.data_dir: `~` stands for HOME, which is not set; \
          write the whole path of the data directory"]
    );
}

#[test]
fn bad_ports_and_hosts_from_outside_are_named_by_their_source() {
    assert_eq!(
        no_file().env("PORT", "http").host("example.org").problems(),
        [
            "command line: --host is not an IP address; write `127.0.0.1` for this machine only, \
             `0.0.0.0` for all networks",
            "environment: PORT is not a port; write `PORT=20128`, or unset it",
        ]
    );
}

#[test]
fn variables_take_the_type_of_an_unquoted_value() {
    let text = "
server:
  threads: ${THREADS}
routing:
  retry_on_reset: ${RESET:-false}
  max_attempts: ${ATTEMPTS}
";

    let snapshot = file(text).env("THREADS", "4").env("ATTEMPTS", "2").snapshot();

    assert_eq!(snapshot.server.threads, 4);
    assert_eq!(snapshot.routing.max_attempts, 2);
    assert!(!snapshot.routing.retry_on_reset);
}

#[test]
fn what_a_variable_holds_never_becomes_yaml() {
    let text = "accounts: [{ id: a, provider: openai, key: '${KEY}' }]";

    let snapshot = file(text).env("KEY", "x, id: evil } # ]").snapshot();

    let account = &snapshot.accounts_of(&ProviderId::new("openai"))[0];
    assert_eq!(account.key.as_ref().unwrap().expose(), "x, id: evil } # ]");
    assert_eq!(account.id.as_str(), "a");
}

#[test]
fn a_missing_variable_is_named_with_its_line() {
    assert_eq!(
        file("accounts:\n  - id: a\n    provider: openai\n    key: ${NOPE}\n").problems(),
        ["test.yaml:4:10: accounts[0].key: the environment variable `NOPE` is not set; \
          set it, or write `${NOPE:-default}`"]
    );
}

#[test]
fn keys_come_from_the_file_the_environment_or_a_file_of_their_own() {
    let text = "
accounts:
  - { id: literal, provider: openai, key: 1234567890 }
  - { id: variable, provider: openai, key: { env: KEY } }
  - { id: on-disk, provider: openai, key: { file: /run/key } }
";

    let snapshot = file(text).env("KEY", "sk-env").on_disk("/run/key", "sk-disk\n\n").snapshot();

    let accounts = snapshot.accounts_of(&ProviderId::new("openai"));
    let keys: Vec<&str> =
        accounts.iter().map(|account| account.key.as_ref().unwrap().expose()).collect();
    assert_eq!(keys, ["1234567890", "sk-env", "sk-disk"]);
}

#[test]
fn a_key_with_a_line_break_inside_is_refused() {
    let setup = file("accounts: [{ id: a, provider: openai, key: { file: /run/key } }]")
        .on_disk("/run/key", "one\ntwo\n");

    assert_eq!(
        setup.problems(),
        ["test.yaml:1:44: accounts[0].key: the key has characters that a header cannot carry"]
    );
}
