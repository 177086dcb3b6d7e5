//! Who may call: nothing that is open to the network may be open to everyone.

use super::Inputs;
use super::listen::Listen;
use crate::config::client_keys::Scope;
use crate::config::document::Document;
use crate::config::filters::FilterText;
use crate::config::node::{Content, ScalarKind};
use crate::config::report::{Place, Report};

/// The filter that asks for keys.
pub(super) const API_KEY: &str = "api_key";

/// Values that were published as defaults, by variable: whoever reads the manual knows them.
const PUBLISHED: [(&str, &str, &str); 3] = [
    ("INITIAL_PASSWORD", "123456", "write `INITIAL_PASSWORD=` and a password of your own"),
    (
        "JWT_SECRET",
        "omniroute-default-secret-change-me",
        "remove it (one is made and kept) or write `JWT_SECRET=$(openssl rand -hex 32)`",
    ),
    (
        "API_KEY_SECRET",
        "endpoint-proxy-api-key-secret",
        "remove it (one is made and kept) or write `API_KEY_SECRET=$(openssl rand -hex 32)`",
    ),
];

/// What to write to get a client key.
const ADD_KEY: &str = "add `client_keys: [{ name: me, key: \"${OMNIROUTE_KEY}\" }]`";

/// Whether calls need a key, as far as the environment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyRule {
    /// The environment says nothing.
    Unsaid,
    /// `REQUIRE_API_KEY=true`.
    Required,
    /// `REQUIRE_API_KEY=false`.
    Optional,
}

/// Refuses to switch the login off where others can reach the administration.
pub(super) fn check_login(
    document: &Document,
    listen: &Listen,
    inputs: &Inputs<'_>,
    report: &Report,
) {
    let Some(required) = document.admin.require_login.as_ref().filter(|flag| !flag.value) else {
        return;
    };
    // Also those of the calls: where the administration is listened on changes only with a restart.
    let addresses = listen.places.iter().map(|(address, _)| address).chain(inputs.bound);
    let addresses = addresses.chain(&listen.server.admin_listen);
    if let Some(open) = addresses.into_iter().find(|address| !address.ip().is_loopback()) {
        let what = format!("the login cannot be switched off: `{open}` is open to the network");
        report.add_with(&required.place, what, "listen on 127.0.0.1, or remove this line");
    }
}

/// Checks the environment, the listeners, the keys and the filter that asks for them.
pub(super) fn check(
    document: &Document,
    listen: &Listen,
    inputs: &Inputs<'_>,
    report: &Report,
) -> KeyRule {
    let environment = Place::outside("environment");
    for (name, published, hint) in PUBLISHED {
        if (inputs.env)(name).is_some_and(|value| value == published) {
            let what = format!("{name} has the value that is printed in the manual");
            report.add_with(&environment, what, hint);
        }
    }
    let rule = key_rule(inputs, &environment, report);
    let filter = api_key_filter(document);
    // A faulty key is reported where it stands; it need not be missed here too.
    let has_key = document.client_keys.iter().any(|key| key.scopes.contains(&Scope::Inference));

    let open = listen.places.iter().find(|(address, _)| !address.ip().is_loopback());
    // A reload moves no listener: what is open now stays open until the restart.
    let running = Place::outside("the running listener");
    let still_open = || {
        let bound = inputs.bound.iter().find(|address| !address.ip().is_loopback());
        bound.map(|address| (*address, running.clone()))
    };
    if let Some((address, place)) = &open.cloned().or_else(still_open) {
        if rule == KeyRule::Optional {
            let what = format!("REQUIRE_API_KEY=false, but `{address}` is open to the network");
            report.add_with(&environment, what, "write `REQUIRE_API_KEY=true` or unset it");
        }
        if !has_key {
            let what =
                format!("`{address}` is open to the network, but no client key is configured");
            report.add_with(place, what, format!("{ADD_KEY}, or listen on 127.0.0.1"));
        }
        check_open_filter(document, filter, place, report);
    }
    check_required(document, rule, (filter, has_key), report);
    rule
}

/// An open address needs the filter, and the filter must ask.
fn check_open_filter(document: &Document, filter: FilterState<'_>, place: &Place, report: &Report) {
    match filter {
        FilterState::Missing => {
            let place = document.filters.as_ref().map_or(place, |list| &list.place);
            let what = "an address is open to the network, but no filter asks for keys";
            report.add_with(place, what, "add `- api_key` to `filters`, or listen on 127.0.0.1");
        }
        FilterState::Listed { filter, required: Some(false) } => {
            let what = "an address is open to the network, but keys are not required";
            report.add_with(
                &filter.place,
                what,
                "write `- api_key: { required: true }`, or listen on 127.0.0.1",
            );
        }
        FilterState::Listed { .. } | FilterState::Default => {}
    }
}

/// Where keys are required, there must be a filter and a key; else nobody could call.
fn check_required(
    document: &Document,
    rule: KeyRule,
    (filter, has_key): (FilterState<'_>, bool),
    report: &Report,
) {
    let environment = Place::outside("environment");
    if let FilterState::Listed { filter, required: Some(true) } = filter
        && !has_key
    {
        let what = "keys are required, but no client key is configured";
        report.add_with(&filter.place, what, ADD_KEY);
    } else if rule == KeyRule::Required && !has_key {
        let what = "REQUIRE_API_KEY=true, but no client key is configured";
        report.add_with(&environment, what, ADD_KEY);
    }
    if rule == KeyRule::Required && matches!(filter, FilterState::Missing) {
        let place = document.filters.as_ref().map_or(&environment, |list| &list.place);
        let what = "REQUIRE_API_KEY=true, but no filter asks for keys";
        report.add_with(place, what, "add `- api_key` to `filters`");
    }
}

fn key_rule(inputs: &Inputs<'_>, environment: &Place, report: &Report) -> KeyRule {
    let Some(value) = (inputs.env)("REQUIRE_API_KEY").filter(|value| !value.is_empty()) else {
        return KeyRule::Unsaid;
    };
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => KeyRule::Required,
        "false" | "0" | "no" => KeyRule::Optional,
        _ => {
            let what = "REQUIRE_API_KEY is not `true` or `false`";
            report.add_with(environment, what, "write `REQUIRE_API_KEY=true`");
            KeyRule::Unsaid
        }
    }
}

/// What is known of the filter that asks for keys.
#[derive(Clone, Copy)]
enum FilterState<'d> {
    /// No list is written, so the default list has it.
    Default,
    /// A list is written, without it.
    Missing,
    /// A list is written, with it.
    Listed { filter: &'d FilterText, required: Option<bool> },
}

fn api_key_filter(document: &Document) -> FilterState<'_> {
    let Some(list) = &document.filters else {
        let set = document.filter_settings.iter().find(|filter| filter.name == API_KEY);
        return set.map_or(FilterState::Default, |filter| FilterState::Listed {
            filter,
            required: required(filter),
        });
    };
    match list.value.iter().find(|filter| filter.name == API_KEY) {
        Some(filter) => FilterState::Listed { filter, required: required(filter) },
        None => FilterState::Missing,
    }
}

/// Returns what a filter's settings say of `required`, if they say it well.
pub(super) fn required(filter: &FilterText) -> Option<bool> {
    match &filter.settings.as_ref()?.entry("required")?.content {
        Content::Scalar(scalar) => match scalar.kind {
            ScalarKind::Flag(flag) => Some(flag),
            _ => None,
        },
        _ => None,
    }
}
