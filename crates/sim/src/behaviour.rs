//! From a model's name or a credential to what the simulator does: `[anything/]NAME[?k=v&k=v]`.

use std::time::Duration;

use crate::route::percent_decoded;

/// The statuses that can be asked for by number.
const STATUSES: [u16; 14] = [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529];
/// What credentials start with that ask for a fault.
const CREDENTIAL_PREFIX: &str = "sk-sim-";
/// The longest answer of `tokens`.
const MOST_TOKENS: usize = 100_000;
/// The longest answer of `big`, in KiB.
const MOST_KIB: usize = 65_536;
/// The most parallel calls.
const MOST_CALLS: usize = 64;

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Behaviour {
    pub(crate) kind: Kind,
    pub(crate) params: Params,
}

/// The names with a meaning; any other name is `Echo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Echo,
    Status(u16),
    Quota,
    Context,
    Reset,
    ResetAfter(usize),
    EofAfter(usize),
    StallAfter(usize),
    /// The vendor's error in a 200 stream, after so many tokens; `None`: as the first event.
    InBandError(Option<usize>),
    Garbage,
    Html,
    Empty,
    Big,
    Tokens,
}

/// What the part after `?` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    /// `retry_after`: seconds until the account may be used again.
    pub(crate) retry_after: Option<u64>,
    /// `body_hint=1`: say the wait in the body instead of the header.
    pub(crate) has_body_hint: bool,
    /// `calls`: how many tool calls; 0 for none although tools are offered.
    pub(crate) calls: Option<usize>,
    /// `tool`: the one tool to call; no call if it is not offered.
    pub(crate) tool: Option<String>,
    /// `args`: the arguments of every call instead of made ones, percent-encoded.
    pub(crate) arguments: Option<String>,
    /// `text`: the answer instead of the echo, percent-encoded.
    pub(crate) text: Option<String>,
    /// `think=1`: reasoning before the answer.
    pub(crate) thinks: bool,
    /// `talk=1`: text before the tool calls.
    pub(crate) talks: bool,
    /// `pauses`: how many replies of one turn end in a pause after a search; only where the vendor pauses.
    pub(crate) pauses: usize,
    /// `first_byte`: the wait before the head.
    pub(crate) first_byte: Option<Duration>,
    /// `first_token`: the wait between the head and the first token.
    pub(crate) first_token: Option<Duration>,
    /// `pace`: the wait between tokens.
    pub(crate) pace: Option<Duration>,
    /// `status`: which error an in-band error is.
    pub(crate) status: Option<u16>,
    /// `kb`: the length of `big`, in KiB.
    pub(crate) kib: Option<usize>,
    /// `n`: the length of `tokens`.
    pub(crate) tokens: Option<usize>,
    /// `coalesce=1`: all of `tokens` in one write.
    pub(crate) coalesces: bool,
    /// `input`, `cached`, `reasoning`: numbers to report as usage.
    pub(crate) input: Option<u64>,
    pub(crate) cached: Option<u64>,
    pub(crate) reasoning: Option<u64>,
}

impl Behaviour {
    /// Reads a model's name.
    pub(crate) fn of_model(model: &str) -> Self {
        let (path, query) = model.split_once('?').unwrap_or((model, ""));
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut params = Params::read(query);
        params.thinks |= name == "think";
        Self { kind: Kind::named(name).unwrap_or(Kind::Echo), params }
    }

    /// Reads the fault a credential asks for, or `None` if it asks for none.
    ///
    /// Words behind the name tell accounts apart: `sk-sim-429-b` is `429`.
    pub(crate) fn of_credential(credential: &str) -> Option<Self> {
        let asked = credential.strip_prefix(CREDENTIAL_PREFIX)?;
        let (mut name, query) = asked.split_once('?').unwrap_or((asked, ""));
        loop {
            if let Some(kind) = Kind::named(name) {
                let params = Params::read(query);
                let is_fault = kind != Kind::Echo || params != Params::default();
                return is_fault.then_some(Self { kind, params });
            }
            name = name.rsplit_once('-')?.0;
        }
    }
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        if let Some(status) = name.parse().ok().filter(|status| STATUSES.contains(status)) {
            return Some(Self::Status(status));
        }
        let after = |prefix: &str| name.strip_prefix(prefix)?.parse::<usize>().ok();
        match name {
            "echo" | "think" | "slow" | "ok" => Some(Self::Echo),
            "quota" => Some(Self::Quota),
            "context" => Some(Self::Context),
            "reset" => Some(Self::Reset),
            "in-band-error" => Some(Self::InBandError(None)),
            "garbage" => Some(Self::Garbage),
            "html" => Some(Self::Html),
            "empty" => Some(Self::Empty),
            "big" => Some(Self::Big),
            "tokens" => Some(Self::Tokens),
            _ => None,
        }
        .or_else(|| after("reset-after-").map(Self::ResetAfter))
        .or_else(|| after("eof-after-").map(Self::EofAfter))
        .or_else(|| after("stall-after-").map(Self::StallAfter))
        .or_else(|| after("in-band-error-after-").map(|tokens| Self::InBandError(Some(tokens))))
    }
}

impl Params {
    /// Reads `k=v&k=v`; unknown names and values that do not parse are ignored.
    fn read(query: &str) -> Self {
        let mut params = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            params.set(name, value);
        }
        params
    }

    fn set(&mut self, name: &str, value: &str) {
        let is_on = matches!(value, "1" | "true");
        let number = value.parse::<u64>().ok();
        let count = value.parse::<usize>().ok();
        match name {
            "retry_after" => self.retry_after = duration(value).map(|wait| wait.as_secs()),
            "body_hint" => self.has_body_hint = is_on,
            "calls" => self.calls = count.map(|calls| calls.min(MOST_CALLS)),
            "tool" => self.tool = Some(percent_decoded(value)),
            "args" => self.arguments = Some(percent_decoded(value)),
            "text" => self.text = Some(percent_decoded(value)),
            "think" => self.thinks = is_on,
            "talk" => self.talks = is_on,
            "pauses" => self.pauses = count.unwrap_or(0),
            "first_byte" => self.first_byte = duration(value),
            "first_token" => self.first_token = duration(value),
            "pace" => self.pace = duration(value),
            "status" => self.status = value.parse().ok().filter(|code| STATUSES.contains(code)),
            "kb" => self.kib = count.map(|kib| kib.min(MOST_KIB)),
            "n" => self.tokens = count.map(|tokens| tokens.min(MOST_TOKENS)),
            "coalesce" => self.coalesces = is_on,
            "input" => self.input = number,
            "cached" => self.cached = number,
            "reasoning" => self.reasoning = number,
            _ => {}
        }
    }
}

/// Reads `50ms`, `2s`, `1m` or plain seconds.
fn duration(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.parse().ok().map(Duration::from_millis);
    }
    if let Some(minutes) = text.strip_suffix('m') {
        return Some(Duration::from_secs(minutes.parse::<u64>().ok()?.checked_mul(60)?));
    }
    text.strip_suffix('s').unwrap_or(text).parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_same_with_and_without_a_prefix() {
        for (model, kind) in [
            ("sim/429?retry_after=2", Kind::Status(429)),
            ("429", Kind::Status(429)),
            ("a/b/reset-after-3", Kind::ResetAfter(3)),
            ("in-band-error-after-0", Kind::InBandError(Some(0))),
            ("sim/gpt-429", Kind::Echo),
            ("reset-after-", Kind::Echo),
            ("sim/999", Kind::Echo),
        ] {
            assert_eq!(Behaviour::of_model(model).kind, kind, "{model}");
        }
    }

    #[test]
    fn parameters_carry_units_and_unknown_ones_are_ignored() {
        let slow = Behaviour::of_model("sim/slow?first_byte=2s&pace=50ms&hat=red&n=x&calls").params;

        assert_eq!(slow.first_byte, Some(Duration::from_secs(2)));
        assert_eq!(slow.pace, Some(Duration::from_millis(50)));
        assert_eq!(slow.tokens, None);
        assert_eq!(slow.calls, None);
    }

    #[test]
    fn a_tool_its_arguments_and_a_text_are_percent_decoded() {
        let params = Behaviour::of_model("echo?tool=Read&args=%7B%22a%22%3A1%7D&text=a%26b").params;

        assert_eq!(params.tool.as_deref(), Some("Read"));
        assert_eq!(params.arguments.as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(params.text.as_deref(), Some("a&b"));
    }

    #[test]
    fn credentials_ask_for_faults_and_may_carry_a_name() {
        let fault = |credential| Behaviour::of_credential(credential).map(|fault| fault.kind);

        assert_eq!(fault("sk-sim-429"), Some(Kind::Status(429)));
        assert_eq!(fault("sk-sim-429-team-b"), Some(Kind::Status(429)));
        assert_eq!(fault("sk-sim-reset-after-2-b"), Some(Kind::ResetAfter(2)));
        assert_eq!(fault("sk-sim-ok"), None);
        assert_eq!(fault("sk-sim-team"), None);
        assert_eq!(fault("sk-live-429"), None);
    }
}
