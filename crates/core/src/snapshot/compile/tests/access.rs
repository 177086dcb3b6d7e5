//! Who may call: unsafe combinations are refused with the line to write instead.

use super::*;

const KEY: &str = "client_keys: [{ name: me, key: long-enough }]\n";

#[track_caller]
fn check(setup: Setup, expected: &[&str]) {
    let problems = match setup.compile() {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    };
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.contains(expected), "{problem}\nshould hold: {expected}");
    }
}

#[test]
fn an_open_address_needs_a_key_and_the_filter_that_asks_for_it() {
    let open = "server: { listen: '0.0.0.0:1' }\n";
    let no_key = "test.yaml:1:19: server.listen: `0.0.0.0:1` is open to the network, \
                  but no client key is configured; add `client_keys:";
    check(file(open), &[no_key]);
    check(file(&format!("{open}{KEY}")), &[]);
    check(
        file(&format!("{open}client_keys: [{{ name: a, key: long-enough, scopes: [admin] }}]")),
        &[no_key],
    );
    check(file(&format!("{open}{KEY}filters: [cors]")), &["no filter asks for keys"]);
    check(
        file(&format!("{open}{KEY}filters: [api_key: {{ required: false }}]")),
        &["keys are not required; write `- api_key: { required: true }`"],
    );
    check(file(&format!("{open}{KEY}filters: [api_key]")), &[]);
}

#[test]
fn an_address_opened_from_outside_is_named_by_its_source() {
    check(no_file().host("0.0.0.0"), &["command line: `0.0.0.0:20128` is open"]);
    check(no_file().env("HOSTNAME", "::"), &["environment: `[::]:20128` is open"]);
    check(file(KEY).host("0.0.0.0"), &[]);
    check(no_file().host("127.0.0.2"), &[]);
}

#[test]
fn published_defaults_are_refused_by_name_and_never_repeated() {
    check(
        no_file()
            .env("INITIAL_PASSWORD", "123456")
            .env("JWT_SECRET", "omniroute-default-secret-change-me")
            .env("API_KEY_SECRET", "endpoint-proxy-api-key-secret"),
        &["API_KEY_SECRET has the value", "INITIAL_PASSWORD has the value", "JWT_SECRET has"],
    );
    check(no_file().env("INITIAL_PASSWORD", "another").env("JWT_SECRET", "my-own"), &[]);
}

#[test]
fn require_api_key_is_honoured_where_it_is_safe() {
    check(no_file().env("REQUIRE_API_KEY", "false"), &[]);
    check(
        file(KEY).host("0.0.0.0").env("REQUIRE_API_KEY", "false"),
        &["environment: REQUIRE_API_KEY=false, but `0.0.0.0:20128` is open to the network; \
           write `REQUIRE_API_KEY=true`"],
    );
    check(no_file().env("REQUIRE_API_KEY", "true"), &["REQUIRE_API_KEY=true, but no client key"]);
    check(no_file().env("REQUIRE_API_KEY", "perhaps"), &["is not `true` or `false`"]);
    check(
        file(&format!("{KEY}filters: [cors]")).env("REQUIRE_API_KEY", "true"),
        &["test.yaml:2:10: filters: REQUIRE_API_KEY=true, but no filter asks for keys"],
    );
}

#[test]
fn keys_that_are_required_but_not_there_are_asked_for() {
    check(
        file("filters:\n  - api_key: { required: true }\n"),
        &["test.yaml:2:5: filters[0].api_key: keys are required, but no client key is configured"],
    );
}

#[test]
fn the_filter_is_told_what_the_environment_says() {
    let settings = |setup: Setup| format!("{:?}", setup.snapshot().filters);

    let bare = settings(file(KEY));
    assert_eq!(bare.matches("settings: Null").count(), 12, "{bare}");
    let required = "Object {\"required\": Bool(true)}";
    let optional = "Object {\"required\": Bool(false)}";
    assert!(settings(file(KEY).env("REQUIRE_API_KEY", "true")).contains(required));
    assert!(settings(file(KEY).env("REQUIRE_API_KEY", "false")).contains(optional));
    let strict = format!("{KEY}filters: [api_key: {{ required: true }}]");
    assert!(
        settings(file(&strict).env("REQUIRE_API_KEY", "false")).contains(required),
        "the environment cannot lift what the file requires"
    );
    let bodies = "Object {\"bodies\": Bool(true)}";
    assert!(settings(file(KEY).env("ENABLE_REQUEST_LOGS", "true")).contains(bodies));
    assert!(!settings(file(KEY).env("ENABLE_REQUEST_LOGS", "false")).contains("bodies"));
    let none = format!("{KEY}filters: {{ request_log: {{ bodies: false }} }}");
    assert!(
        !settings(file(&none).env("ENABLE_REQUEST_LOGS", "true")).contains(bodies),
        "the environment keeps no bodies where the file says that there are none"
    );
}

#[test]
fn a_map_of_filters_sets_those_of_the_default_list() {
    let by_default = file(KEY).snapshot();
    let set = file(&format!("{KEY}filters: {{ cors: {{ origins: ['x'] }}, model_access: null }}"));
    let set = set.snapshot().filters;
    assert_eq!(set.names(), by_default.filters.names());
    let shown = format!("{set:?}");
    assert!(shown.contains("origins") && shown.matches("settings: Null").count() == 11, "{shown}");

    check(file(&format!("{KEY}filters: {{ ip_acess: {{}} }}")), &["no filter is named `ip_acess`"]);
    let lax = format!(
        "server: {{ listen: '0.0.0.0:1' }}\n{KEY}filters: {{ api_key: {{ required: false }} }}"
    );
    check(file(&lax), &["keys are not required"]);
}
