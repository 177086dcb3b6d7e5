//! Rules of addresses (`filters.ip_access`) and bans for a time under the existing product's names.
//!
//! Here both lists are in force at once: `deny` goes before `allow`, and an empty `allow` lets everybody in.
//! So the lists say the mode, and what the existing product would keep without applying it is refused.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use omniroute_core::clock::millis;
use omniroute_core::state::Ban;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{changed, edit_of, is_active, value_of};
use crate::admin::actor::{Actor, Author};
use crate::admin::change::Edit;
use crate::admin::lockouts::{self, Locked};
use crate::admin::problem::Problem;
use crate::admin::{Parts, audited, given};
use crate::live::Basis;

const NAME: &str = "filters.ip_access";

/// How long a ban is that does not say it, as the existing product has it.
const DEFAULT_BAN_MS: u64 = 3_600_000;

/// Longest ban: a year. Whoever is to stay out for good is in the list.
const MAX_BAN_MS: u64 = 365 * 24 * 3_600_000;

/// Longest reason of a ban, in characters.
const MAX_REASON_CHARS: usize = 200;

/// Who may call from where.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IpFilter {
    /// Whether anybody is refused for their address.
    enabled: bool,
    /// `whitelist` if it names anybody, else `blacklist`.
    mode: Mode,
    blacklist: Vec<String>,
    whitelist: Vec<String>,
    /// Addresses that are locked for a time, by a ban or by what they sent.
    temp_bans: Vec<TempBan>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = IpFilterMode)]
enum Mode {
    Blacklist,
    Whitelist,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct TempBan {
    ip: String,
    /// Milliseconds since 1970.
    until: u64,
    reason: String,
    remaining_ms: u64,
}

/// What is changed: whole lists, or one address by a verb.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = IpFilterChanges)]
pub(super) struct Wanted {
    enabled: Option<bool>,
    mode: Option<Mode>,
    blacklist: Option<Vec<String>>,
    whitelist: Option<Vec<String>>,
    add_blacklist: Option<String>,
    remove_blacklist: Option<String>,
    add_whitelist: Option<String>,
    remove_whitelist: Option<String>,
    temp_ban: Option<WantedBan>,
    remove_ban: Option<String>,
    /// Only shown.
    #[schema(value_type = Option<Vec<Object>>)]
    temp_bans: Option<Value>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TempBanWanted)]
struct WantedBan {
    ip: String,
    /// An hour unless it is given.
    duration_ms: Option<u64>,
    reason: Option<String>,
}

/// The lists as the filter has them.
#[derive(Debug, PartialEq, Eq)]
struct Rules {
    deny: Vec<String>,
    allow: Vec<String>,
}

/// Shows who may call from where.
#[utoipa::path(get, path = "/api/settings/ip-filter", responses((status = 200, body = IpFilter)))]
pub(super) async fn show(State(parts): State<Parts>) -> Json<IpFilter> {
    Json(now(&parts))
}

fn now(parts: &Parts) -> IpFilter {
    let rules = Rules::now(parts, &parts.live.basis());
    let wall = parts.clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let shown = |locked: Locked| TempBan {
        ip: locked.address,
        until: millis(wall).saturating_add(locked.left_ms),
        reason: locked.reason,
        remaining_ms: locked.left_ms,
    };
    let temp_bans: Vec<TempBan> = Locked::all(parts).into_iter().map(shown).collect();
    let has_rules = !rules.deny.is_empty() || !rules.allow.is_empty();
    IpFilter {
        enabled: (has_rules && is_active(parts, "ip_access")) || !temp_bans.is_empty(),
        mode: rules.mode(),
        blacklist: rules.deny,
        whitelist: rules.allow,
        temp_bans,
    }
}

/// Changes who may call from where.
#[utoipa::path(
    put,
    path = "/api/settings/ip-filter",
    request_body = Wanted,
    responses((status = 200, body = IpFilter))
)]
pub(super) async fn change(
    State(parts): State<Parts>,
    actor: Actor,
    by: Author,
    body: Bytes,
) -> Result<Json<IpFilter>, Problem> {
    actor.is_known()?;
    let wanted: Wanted = given::json(&body)?;
    if wanted.temp_bans.is_some() {
        let what = "it is only shown: `tempBan` bans an address, `removeBan` lifts a ban";
        return Err(Problem::field("tempBans", what));
    }
    let ban = wanted.temp_ban.as_ref().map(|ban| ban.checked(&parts, &by)).transpose()?;
    let lifted = wanted.remove_ban.as_deref().map(lockouts::address).transpose()?;
    changed(&parts, &by, |basis| wanted.edit(&parts, basis, &by)).await?;
    if let Some(address) = lifted {
        lockouts::lift(&parts, address)?;
        audited(&parts, &by, "address.unban", &address.to_string()).await?;
    }
    if let Some((address, ban)) = ban {
        if !parts.state.lockouts.ban(address, ban) {
            return Err(Problem::conflict("too many addresses are banned; use `blacklist`"));
        }
        tracing::info!(%address, "an address was banned through the administration");
        audited(&parts, &by, "address.ban", &address.to_string()).await?;
    }
    Ok(Json(now(&parts)))
}

impl Rules {
    fn now(parts: &Parts, basis: &Basis) -> Self {
        let settings = value_of(NAME, parts, basis);
        let list = |name: &str| {
            let items = settings.get(name).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        };
        Self { deny: list("deny"), allow: list("allow") }
    }

    const fn mode(&self) -> Mode {
        if self.allow.is_empty() { Mode::Blacklist } else { Mode::Whitelist }
    }
}

impl Wanted {
    fn edit(&self, parts: &Parts, basis: &Basis, by: &Author) -> Result<Option<Edit>, Problem> {
        let before = Rules::now(parts, basis);
        let after = self.over(&before)?;
        if after == before {
            return Ok(None);
        }
        let list = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let value = json!({ "deny": list(after.deny), "allow": list(after.allow) });
        edit_of(NAME, value, basis, by)
    }

    /// Returns the lists that are to be in force.
    ///
    /// # Errors
    ///
    /// What the lists would not do although the request says so.
    fn over(&self, before: &Rules) -> Result<Rules, Problem> {
        let after = Rules {
            deny: edited(
                &self.blacklist,
                &before.deny,
                (&self.add_blacklist, &self.remove_blacklist),
            ),
            allow: edited(
                &self.whitelist,
                &before.allow,
                (&self.add_whitelist, &self.remove_whitelist),
            ),
        };
        let is_about_lists = after != *before || self.mode.is_some() || self.enabled.is_some();
        match (self.mode.unwrap_or_else(|| before.mode()), after.allow.is_empty()) {
            (Mode::Blacklist, false) if is_about_lists => {
                let what = "whoever is not in the whitelist would be refused: send `mode`: `whitelist` with it, \
                            or an empty `whitelist`";
                return Err(Problem::field("whitelist", what));
            }
            (Mode::Whitelist, true) if is_about_lists => {
                let what = "an empty whitelist lets everybody in: name addresses, or send `mode`: `blacklist`";
                return Err(Problem::field("whitelist", what));
            }
            _ => {}
        }
        if self.enabled == Some(false) && !(after.deny.is_empty() && after.allow.is_empty()) {
            let what = "lists are in force here or they are not kept: send an empty `blacklist` and an empty \
                        `whitelist` to let everybody in";
            return Err(Problem::field("enabled", what));
        }
        Ok(after)
    }
}

/// Returns a list after a change of it as a whole and by its verbs.
fn edited(
    whole: &Option<Vec<String>>,
    before: &[String],
    (added, removed): (&Option<String>, &Option<String>),
) -> Vec<String> {
    let mut list = whole.clone().unwrap_or_else(|| before.to_vec());
    list.retain(|net| Some(net) != removed.as_ref());
    if let Some(added) = added.as_ref().filter(|added| !list.contains(added)) {
        list.push(added.clone());
    }
    list
}

impl WantedBan {
    /// Returns whom to ban, and how.
    ///
    /// # Errors
    ///
    /// What is wrong with it, that it would shut out who asks for it, or that nobody would apply it.
    fn checked(&self, parts: &Parts, by: &Author) -> Result<(std::net::IpAddr, Ban), Problem> {
        let address = lockouts::address(&self.ip)?.to_canonical();
        let own = by.from.as_deref().and_then(|from| from.parse::<std::net::IpAddr>().ok());
        if own.is_some_and(|own| own.to_canonical() == address) {
            return Err(Problem::field("tempBan.ip", "it is your own address"));
        }
        if !is_active(parts, "ip_access") {
            let what =
                "the file's list of filters lacks `ip_access`, which applies bans; add it there";
            return Err(Problem::conflict(what));
        }
        let length = self.duration_ms.unwrap_or(DEFAULT_BAN_MS);
        if !(1..=MAX_BAN_MS).contains(&length) {
            let what = format!("it has to be from 1 to {MAX_BAN_MS} milliseconds (a year)");
            return Err(Problem::field("tempBan.durationMs", what));
        }
        let reason = self.reason.as_deref().unwrap_or("banned by an administrator");
        if reason.chars().count() > MAX_REASON_CHARS {
            let what = format!("it is longer than {MAX_REASON_CHARS} characters");
            return Err(Problem::field("tempBan.reason", what));
        }
        let until = parts.clock.now() + Duration::from_millis(length);
        Ok((address, Ban { until, reason: reason.into() }))
    }
}
