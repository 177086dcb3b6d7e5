//! How a request is looked at: what becomes of each member, by its name.

/// An object, as far as its members matter.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The members that are looked at.
    pub(super) members: &'static [(&'static str, Rule)],
    /// Further members that must be `null`.
    pub(super) absent: &'static [&'static str],
    /// What becomes of all others.
    pub(super) rest: Rest,
    /// Whether a member must be there that says by a word what the object is.
    pub(super) needs_word: bool,
}

/// What becomes of members that a shape does not name.
#[derive(Debug)]
pub(super) enum Rest {
    /// They say nothing that matters.
    Any,
    /// Nobody knows what they mean: the request is not plain.
    Odd,
    /// They say nothing that matters; those with a `_` may be another spelling of one that does, and make
    /// the request not plain.
    Camel,
}

/// What becomes of a value. All but `Any` and `Head` make the request not plain if the value is another
/// than they know.
#[derive(Debug)]
pub(super) enum Rule {
    /// It says nothing that matters.
    Any,
    /// Nobody knows what it means: the request is not plain.
    Odd,
    /// Its place is kept. A second one is for serde to refuse.
    Head(Head),
    /// It must be `null`.
    Absent,
    /// A string that is one of these.
    Word(&'static [&'static str]),
    /// Whether there is a budget to think with.
    Thinks { on: &'static str, off: &'static [&'static str] },
    /// A whole number that is kept, or `null`.
    Amount(Amount),
    /// Text, or a list of objects, or `null`.
    Content(&'static Shape),
    /// A list of objects, or `null`.
    List(&'static Shape),
    /// An object, or `null`.
    Object(&'static Shape),
    /// Text, or an object, or `null`.
    TextOrObject(&'static Shape),
}

/// Members whose place is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    Model,
    Stream,
    StreamOptions,
}

/// Numbers that are kept. A request that says one of them twice is not plain.
#[derive(Clone, Copy, Debug)]
pub(super) enum Amount {
    /// Most tokens of an answer.
    Output,
    /// Answers wanted.
    Answers,
    /// Tokens to think with; -1 leaves them to the model.
    Thinking,
}

impl Shape {
    /// Returns what becomes of a member.
    pub(super) fn rule(&self, name: &[u8]) -> &'static Rule {
        for (known, rule) in self.members {
            if known.as_bytes() == name {
                return rule;
            }
        }
        let is_absent = || self.absent.iter().any(|known| known.as_bytes() == name);
        match self.rest {
            _ if is_absent() => &Rule::Absent,
            Rest::Any => &Rule::Any,
            Rest::Camel if !name.contains(&b'_') => &Rule::Any,
            Rest::Camel | Rest::Odd => &Rule::Absent,
        }
    }
}
