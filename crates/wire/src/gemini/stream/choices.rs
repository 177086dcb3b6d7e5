//! What is kept of each answer of one reply: seldom of more than one, so a list serves.

/// Returns the state that `is_it` knows, added to the list by `new` where it is not there yet.
pub(super) fn found_or_added<T>(
    list: &mut Vec<T>,
    is_it: impl Fn(&T) -> bool,
    new: impl FnOnce() -> T,
) -> &mut T {
    let place = list.iter().position(is_it).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    &mut list[place]
}
