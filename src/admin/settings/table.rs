//! The settings that have a place on the settings screen: their tab, what is in force, who owns them.

use omniroute_core::snapshot::Snapshot;
use omniroute_core::written::{Kind, Written};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::words;
use crate::admin::Parts;
use crate::admin::objects::revision;
use crate::live::Basis;

/// A tab of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    /// Login, addresses, keys, providers nobody may use.
    Security,
    /// Strategies and bounds.
    Routing,
    /// Limits of accounts; profiles and breakers are beside them.
    Resilience,
    /// Reasoning, instructions, caches.
    Ai,
    /// The request log, the tunnel.
    Advanced,
}

impl Tab {
    /// All tabs, in the order of the screen.
    pub(super) const ALL: [Self; 5] =
        [Self::Security, Self::Routing, Self::Resilience, Self::Ai, Self::Advanced];

    /// Its name in paths.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Routing => "routing",
            Self::Resilience => "resilience",
            Self::Ai => "ai",
            Self::Advanced => "advanced",
        }
    }
}

/// How a setting changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a whole.
    Whole,
    /// Field by field.
    Fields,
    /// Not here.
    Elsewhere(&'static str),
}

/// A setting, by its path in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) tab: Tab,
    pub(super) form: Form,
}

const fn setting(name: &'static str, tab: Tab, form: Form) -> Setting {
    Setting { name, tab, form }
}

const NOT_KEYS: Form =
    Form::Elsewhere("whether keys are required is set in the file or by REQUIRE_API_KEY");
const NOT_TUNNEL: Form = Form::Elsewhere("PUT /api/settings/proxy changes tunnels");

/// Limits of accounts that name none; the resilience API changes it too.
pub(in crate::admin) const ACCOUNT_LIMITS: &str = "resilience.account_limits";

/// Who may call from where.
pub(super) const IP_ACCESS: &str = "filters.ip_access";

/// All of them.
pub(super) const SETTINGS: [Setting; 16] = [
    setting("admin.require_login", Tab::Security, Form::Whole),
    setting(IP_ACCESS, Tab::Security, Form::Fields),
    setting("filters.api_key", Tab::Security, NOT_KEYS),
    setting("filters.model_access", Tab::Security, Form::Fields),
    setting("routing.account_strategy", Tab::Routing, Form::Whole),
    setting("routing.sticky_calls", Tab::Routing, Form::Whole),
    setting("routing.combo_strategy", Tab::Routing, Form::Whole),
    setting("routing.max_attempts", Tab::Routing, Form::Whole),
    setting("routing.deadline", Tab::Routing, Form::Whole),
    setting("routing.retry_on_reset", Tab::Routing, Form::Whole),
    setting(ACCOUNT_LIMITS, Tab::Resilience, Form::Fields),
    setting("filters.thinking_budget", Tab::Ai, Form::Fields),
    setting("filters.system_prompt", Tab::Ai, Form::Fields),
    setting("filters.response_cache", Tab::Ai, Form::Fields),
    setting("filters.request_log", Tab::Advanced, Form::Fields),
    setting("tunnel", Tab::Advanced, NOT_TUNNEL),
];

/// Finds a setting.
pub(super) fn named(name: &str) -> Option<Setting> {
    SETTINGS.into_iter().find(|setting| setting.name == name)
}

/// A setting as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    /// What is in force.
    pub(super) value: Value,
    /// `file`, `dashboard` or `default`.
    origin: &'static str,
    /// Where the file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    /// When the dashboard changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    /// Whether it can be changed here.
    editable: bool,
    /// Where else, or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    /// Of a filter: whether it is in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
}

impl Shown {
    pub(super) fn of(setting: Setting, parts: &Parts, basis: &Basis) -> Self {
        let snapshot = parts.live.load();
        let revision = revision(basis, Kind::Setting, setting.name);
        let position = basis.written.position_in_file(setting.name);
        let origin = match (revision, &position) {
            (Some(_), _) => "dashboard",
            (None, Some(_)) => "file",
            (None, None) => "default",
        };
        let note = match setting.form {
            Form::Elsewhere(note) => Some(note),
            _ if position.is_some() => Some("it stands in the file; change it there"),
            _ => None,
        };
        let filter = setting.name.strip_prefix("filters.");
        Self {
            value: in_force(setting.name, &snapshot, &basis.written),
            origin,
            position,
            revision,
            editable: note.is_none(),
            note,
            active: filter.map(|name| snapshot.filters.names().contains(&name)),
        }
    }
}

/// Returns what is in force.
fn in_force(name: &str, snapshot: &Snapshot, written: &Written) -> Value {
    let routing = &snapshot.routing;
    let view = |name: &str| written.view(Kind::Setting, name).map(|view| view.value);
    match name {
        "admin.require_login" => json!(snapshot.require_login),
        "routing.account_strategy" => json!(routing.account_strategy.name),
        "routing.sticky_calls" => json!(routing.sticky_calls),
        "routing.combo_strategy" => {
            view(name).unwrap_or_else(|| json!(words::default_combo_strategy()))
        }
        "routing.max_attempts" => json!(routing.max_attempts),
        "routing.deadline" => json!(words::duration(routing.deadline)),
        "routing.retry_on_reset" => json!(routing.retry_on_reset),
        ACCOUNT_LIMITS => {
            let mut limits = json!({ "rpm": 0, "tpm": 0, "min_gap": "0s", "concurrent": 0 });
            limits["max_wait"] = json!(words::duration(routing.max_wait));
            if let (Value::Object(limits), Some(Value::Object(set))) = (&mut limits, view(name)) {
                limits.extend(set);
            }
            limits
        }
        _ => match name.strip_prefix("filters.") {
            Some(filter) => of_filter(filter, written),
            None => view(name).unwrap_or(Value::Null),
        },
    }
}

/// Returns the settings of a filter, from the list or from the map that `filters` is.
pub(super) fn of_filter(name: &str, written: &Written) -> Value {
    let nothing = || Value::Object(Map::new());
    if let Some(view) = written.view(Kind::Setting, &format!("filters.{name}")) {
        return view.value;
    }
    let list = written.view(Kind::Setting, "filters").map(|view| view.value);
    let items = list.as_ref().and_then(Value::as_array).into_iter().flatten();
    let set = items.filter_map(|item| item.get(name)).next();
    set.filter(|set| !set.is_null()).cloned().unwrap_or_else(nothing)
}
