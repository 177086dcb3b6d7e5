//! The members of a JSON object of OpenAI's formats, each as it was written, so that a fault can name
//! its member.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::Extra;
use crate::codec::WireError;
use crate::divided::Divide;
use crate::locate;
use crate::raw_members::RawMembers;
use crate::splice;

/// The members of a JSON object in their order. Members are taken out; what is left is extra.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Members<'a>(#[serde(borrow)] RawMembers<'a>);

impl<'a> Members<'a> {
    /// Takes a member out. Absent and `null` are `None`; of several the last one counts.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] with the member's name if it has another type.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, WireError> {
        self.0.take(name).map(|raw| parse(raw, || name.to_owned())).transpose()
    }

    /// Takes a number out; of several the largest counts, whichever a provider heeds.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] with the member's name if one of them is no whole number.
    pub(crate) fn take_largest(&mut self, name: &str) -> Result<Option<u64>, WireError> {
        let numbers = self.0.take_each(name).into_iter().map(|raw| parse(raw, || name.to_owned()));
        numbers.collect::<Result<Vec<u64>, _>>().map(|numbers| numbers.into_iter().max())
    }

    /// Returns what was not taken, without nulls.
    pub(crate) fn rest(self) -> Extra {
        let rest = self.0.rest();
        rest.filter_map(|(name, value)| {
            Some((name.into_owned(), serde_json::from_str(value.get()).ok()?))
        })
        .collect()
    }
}

impl<'a> From<RawMembers<'a>> for Members<'a> {
    fn from(members: RawMembers<'a>) -> Self {
        Self(members)
    }
}

/// Reads the members of a request and the elements of the list `name`. The list is `None` and stays among
/// the members if it is absent or no list.
///
/// # Errors
///
/// [`WireError::Malformed`] if the body is no JSON object, or with the place of the first element that has
/// not the expected shape.
pub(crate) fn with_list<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    name: &'static str,
) -> Result<(Members<'a>, Option<Vec<T>>), WireError> {
    if let Some(whole) = Divide::<PhantomData<T>>::at(name).read(body) {
        return Ok((whole.members.into(), whole.list));
    }
    let mut members: Members<'a> = splice::parse(body)?;
    if members.0.get(name).is_none_or(|list| !list.get().starts_with('[')) {
        return Ok((members, None));
    }
    let list: Vec<&RawValue> = members.take(name)?.unwrap_or_default();
    let read = |(place, raw)| locate::part(raw, &format!("{name}[{place}]"));
    let list = list.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    Ok((members, Some(list)))
}

/// The elements of a request's list as they were written. Few are needed so: the first costs another look
/// at the body.
#[derive(Debug)]
pub(crate) struct AsWritten<'a> {
    body: &'a [u8],
    elements: Option<Vec<&'a RawValue>>,
}

impl<'a> AsWritten<'a> {
    /// Takes the body, without a look at it.
    pub(crate) const fn new(body: &'a [u8]) -> Self {
        Self { body, elements: None }
    }

    /// Returns an element.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if there is no such element.
    pub(crate) fn element(&mut self, place: Place) -> Result<&'a RawValue, WireError> {
        if self.elements.is_none() {
            let (_, elements) = with_list(self.body, place.list)?;
            self.elements = elements;
        }
        let element = self.elements.as_ref().and_then(|all| all.get(place.position).copied());
        element.ok_or_else(|| WireError::malformed(place.list, "is not a list"))
    }

    /// Returns a member of an element.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if there is none.
    pub(crate) fn member(&mut self, place: Place, name: &str) -> Result<&'a RawValue, WireError> {
        let mut members: Members<'a> = parse(self.element(place)?, || place.to_string())?;
        let member = members.take(name)?;
        member.ok_or_else(|| WireError::malformed(format!("{place}.{name}"), "is missing"))
    }

    /// Returns the parts of a member of an element.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if it is not a list.
    pub(crate) fn parts(
        &mut self,
        place: Place,
        name: &str,
    ) -> Result<Vec<&'a RawValue>, WireError> {
        let path = || format!("{place}.{name}");
        let member = self.member(place, name)?;
        if !member.get().starts_with('[') {
            return Err(WireError::malformed(path(), "must be a string or a list of parts"));
        }
        parse(member, path)
    }
}

/// The place of an element of a list; written out only for a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The list's name.
    pub(crate) list: &'static str,
    /// The element's number.
    pub(crate) position: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.list, self.position)
    }
}

/// Parses one value, naming its path if it has not the expected shape.
///
/// # Errors
///
/// [`WireError::Malformed`] at `path`.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    path: impl FnOnce() -> String,
) -> Result<T, WireError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        // serde's line and column count from the start of this value and would mislead.
        let text = error.to_string();
        let detail = text.split(" at line ").next().unwrap_or_default().to_owned();
        WireError::malformed(path(), detail)
    })
}
