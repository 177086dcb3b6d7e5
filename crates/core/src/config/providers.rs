//! Providers as written: entries of the catalogue and of `providers` in the operator's file.

use http::{HeaderName, HeaderValue};
use omniroute_wire::WireFormat;

use super::address;
use super::models::{self, ModelText};
use super::node::{Content, Node};
use super::report::{Place, Report, Spot};
use super::rules;
use super::scalars;
use super::section::{Field, Section, each};
use super::tunnel::tunnel;
use crate::snapshot::{BaseUrl, Streaming, Way};
use crate::verdict::Rule;

/// Login flows that the contract knows and that are not available yet.
const LATER_FLOWS: [&str; 4] = ["oauth_code", "device_code", "aws_sso", "import"];
/// Keys of a provider in the operator's file; the catalogue has `id` besides.
const KEYS: [&str; 13] = [
    "prefix",
    "wire",
    "base_url",
    "paths",
    "auth",
    "headers",
    "forward_headers",
    "profile",
    "tunnel",
    "models",
    "streaming",
    "on_status",
    "allow_private",
];

/// One provider as written: only what is there, so that it can override the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct ProviderText {
    /// Its id, with the place of the whole provider.
    pub(crate) id: Spot<String>,
    pub(crate) prefix: Field<String>,
    pub(crate) wire: Field<WireFormat>,
    pub(crate) base_url: Field<BaseUrl>,
    pub(crate) paths: PathsText,
    pub(crate) auth: Field<AuthText>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) forward_headers: Option<Vec<HeaderName>>,
    pub(crate) profile: Option<Spot<String>>,
    pub(crate) tunnel: Option<Way>,
    pub(crate) models: Vec<ModelText>,
    pub(crate) streaming: Option<Streaming>,
    pub(crate) on_status: Vec<(u16, Vec<Rule>)>,
    /// Lifts a limit of addresses that come through the API; those of a file have none.
    pub(crate) allow_private: Option<bool>,
}

/// `paths` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathsText {
    pub(crate) chat: Option<Box<str>>,
    pub(crate) count_tokens: Option<Box<str>>,
}

/// `auth` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuthText {
    /// No credential.
    None,
    /// A fixed key.
    StaticKey {
        /// The header, if it is not the format's own.
        header: Option<HeaderName>,
        /// The word before the key: not written, written as nothing, or written.
        scheme: Option<Option<Box<str>>>,
    },
    /// A login flow that is not available yet.
    Later(Box<str>),
}

/// Reads one provider of the operator's file; its key is its id.
pub(crate) fn read(id: Spot<String>, node: &Node, report: &Report) -> Option<ProviderText> {
    let section = Section::open(node, &KEYS, report)?;
    Some(fields(id, &section))
}

/// Reads one file of the catalogue; it names its id itself.
pub(crate) fn read_catalogue(node: &Node, report: &Report) -> Option<ProviderText> {
    let mut keys = vec!["id"];
    keys.extend(KEYS);
    let section = Section::open(node, &keys, report)?;
    let id = section.require_spot("id", scalars::name)?;
    Some(fields(id, &section))
}

fn fields(id: Spot<String>, section: &Section<'_>) -> ProviderText {
    ProviderText {
        id,
        prefix: section.field("prefix", scalars::name),
        wire: section.field("wire", wire),
        base_url: section.field("base_url", address::base_url),
        paths: section.read("paths", paths).unwrap_or_default(),
        auth: section.field("auth", auth),
        headers: section.read("headers", address::headers).unwrap_or_default(),
        forward_headers: section
            .read("forward_headers", |node, report| each(node, report, address::forwarded_name)),
        profile: section.spot("profile", scalars::text),
        tunnel: section.read("tunnel", tunnel),
        models: section.read("models", models::read).unwrap_or_default(),
        streaming: section.read("streaming", streaming),
        on_status: section.read("on_status", rules::on_status).unwrap_or_default(),
        allow_private: section.read("allow_private", scalars::flag),
    }
}

fn wire(node: &Node, report: &Report) -> Option<WireFormat> {
    let table = WireFormat::ALL.map(|format| (format.name(), format));
    scalars::word(node, report, &table)
}

fn paths(node: &Node, report: &Report) -> Option<PathsText> {
    let section = Section::open(node, &["chat", "count_tokens"], report)?;
    Some(PathsText {
        chat: section.read("chat", address::path),
        count_tokens: section.read("count_tokens", address::path),
    })
}

fn streaming(node: &Node, report: &Report) -> Option<Streaming> {
    let table =
        [("both", Streaming::Both), ("never", Streaming::Never), ("always", Streaming::Always)];
    scalars::word(node, report, &table)
}

fn auth(node: &Node, report: &Report) -> Option<AuthText> {
    let section = Section::open(node, &["kind", "header", "scheme"], report)?;
    let mut kinds = vec![("none", "none"), ("static_key", "static_key")];
    kinds.extend(LATER_FLOWS.map(|flow| (flow, flow)));
    let kind = section.require("kind", |node, report| scalars::word(node, report, &kinds))?;
    if kind == "static_key" {
        let header = section.read("header", address::header_name);
        if header.is_none() && section.get("header").is_some() {
            return None;
        }
        return Some(AuthText::StaticKey { header, scheme: scheme(node, report) });
    }
    for key in ["header", "scheme"] {
        if section.get(key).is_some() {
            report.add(section.place(key), format!("`{key}` belongs to `kind: static_key` only"));
        }
    }
    Some(if kind == "none" { AuthText::None } else { AuthText::Later(kind.into()) })
}

/// Reads the word before the key; null and an empty text mean that there is none.
fn scheme(auth: &Node, report: &Report) -> Option<Option<Box<str>>> {
    let node = auth.entry("scheme")?;
    match &node.content {
        Content::Null => Some(None),
        Content::Scalar(scalar) if scalar.text.is_empty() => Some(None),
        Content::Scalar(scalar) if scalar.text.chars().all(|c| c.is_ascii_graphic()) => {
            Some(Some(scalar.text.as_str().into()))
        }
        Content::Broken => None,
        Content::Scalar(_) | Content::List(_) | Content::Map(_) => {
            report.add(&node.place, "the scheme is one word such as `Bearer`");
            None
        }
    }
}

impl ProviderText {
    /// Lays what the operator wrote over what the catalogue says, field by field.
    ///
    /// Headers, models and status rules are joined by name; the operator's wins.
    pub(crate) fn overlay(&mut self, over: Self) {
        self.id.place = over.id.place;
        self.prefix.overlay(over.prefix);
        self.wire.overlay(over.wire);
        self.base_url.overlay(over.base_url);
        self.auth.overlay(over.auth);
        self.paths.chat = over.paths.chat.or(self.paths.chat.take());
        self.paths.count_tokens = over.paths.count_tokens.or(self.paths.count_tokens.take());
        self.allow_private = over.allow_private.or(self.allow_private);
        self.streaming = over.streaming.or(self.streaming);
        self.forward_headers = over.forward_headers.or(self.forward_headers.take());
        self.profile = over.profile.or(self.profile.take());
        self.tunnel = over.tunnel.or(self.tunnel.take());
        // Later entries replace earlier ones of the same name when the snapshot's tables are made.
        self.headers.retain(|(name, _)| over.headers.iter().all(|(other, _)| other != name));
        self.headers.extend(over.headers);
        self.models.extend(over.models);
        self.on_status.extend(over.on_status);
    }

    /// Returns what clients write before the slash, and where that is said.
    pub(crate) fn prefix(&self) -> (&str, &Place) {
        match &self.prefix {
            Field::Value(prefix) => (prefix.value.as_str(), &prefix.place),
            Field::Absent | Field::Faulty => (self.id.value.as_str(), &self.id.place),
        }
    }
}
