//! Accounts as written.

use super::address;
use super::limits::{self, LimitsText};
use super::node::Node;
use super::report::{Place, Report, Spot};
use super::scalars;
use super::secret_text::{SecretText, secret};
use super::section::{Field, Section};
use super::tunnel::tunnel;
use crate::snapshot::{BaseUrl, Way};

/// Priority of an account that names none.
const DEFAULT_PRIORITY: u32 = 1;

/// One account as written.
#[derive(Debug)]
pub(crate) struct AccountText {
    /// Where the account begins.
    pub(crate) place: Place,
    pub(crate) id: Option<Spot<String>>,
    pub(crate) provider: Option<Spot<String>>,
    pub(crate) key: Field<SecretText>,
    pub(crate) priority: u32,
    pub(crate) is_enabled: bool,
    pub(crate) base_url: Option<Spot<BaseUrl>>,
    pub(crate) limits: LimitsText,
    pub(crate) tunnel: Option<Way>,
}

/// Reads one account.
pub(crate) fn read(node: &Node, report: &Report) -> Option<AccountText> {
    let known = ["id", "provider", "key", "priority", "enabled", "limits", "tunnel", "base_url"];
    let section = Section::open(node, &known, report)?;
    let priority =
        |node: &Node, report: &Report| scalars::whole(node, report, 0..=u64::from(u32::MAX));
    Some(AccountText {
        place: node.place.clone(),
        id: section.require_spot("id", scalars::name),
        provider: section.require_spot("provider", scalars::text),
        key: section.field("key", secret),
        priority: section
            .read("priority", priority)
            .and_then(|priority| u32::try_from(priority).ok())
            .unwrap_or(DEFAULT_PRIORITY),
        is_enabled: section.read("enabled", scalars::flag).unwrap_or(true),
        base_url: section.spot("base_url", address::base_url),
        limits: section.read("limits", limits::account).unwrap_or_default(),
        tunnel: section.read("tunnel", tunnel),
    })
}
