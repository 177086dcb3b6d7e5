//! Whether an address may be called, as it is written.

use crate::config::report::{Place, Report};
use crate::reach::Reach;
use crate::snapshot::BaseUrl;

/// Settles which addresses a `base_url` may lead to, and reports one that may not be called.
pub(super) fn reachable(
    base_url: BaseUrl,
    allows_private: bool,
    place: &Place,
    report: &Report,
) -> Option<BaseUrl> {
    if allows_private {
        return Some(BaseUrl { reach: Reach::Anywhere, ..base_url });
    }
    if !base_url.reach.allows_host(&base_url.host) {
        let what = "the address is not public; write `allow_private: true` at the provider, or put it in the file";
        report.add(place, what);
        return None;
    }
    Some(base_url)
}
