//! Keeps other web pages from using a browser that is logged in.
//!
//! Browsers say where a request comes from; what says nothing is no browser. Cookies are `SameSite`
//! besides.

use std::net::IpAddr;

use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, header};

use super::problem::Problem;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Refuses what another page had a browser send.
///
/// # Errors
///
/// That the request comes from another origin.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_from_here = match text(SEC_FETCH_SITE) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => text(header::ORIGIN.as_str()).is_none_or(|origin| {
            let origin: Option<Uri> = origin.parse().ok();
            let authority = origin.and_then(|origin| origin.into_parts().authority);
            let host = text(header::HOST.as_str()).and_then(|host| host.parse::<Authority>().ok());
            host.is_some() && authority == host
        }),
    };
    if is_from_here {
        return Ok(());
    }
    let what =
        "this comes from another web page; the administration takes changes from its own only";
    Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", what))
}

/// Refuses names that lead here by somebody else's DNS, where nothing but being here is asked for.
///
/// # Errors
///
/// That the host is not `localhost` or an address.
pub(super) fn check_host(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    let is_plain = host.is_some_and(|host| {
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    });
    if is_plain {
        return Ok(());
    }
    let what = "while the login is switched off the administration answers to `localhost` and to addresses only";
    Err(Problem::new(StatusCode::FORBIDDEN, "unknown_host", what))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        given.iter().map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_the_own_pages_and_no_browsers_change_anything() {
        for (given, may) in [
            (&[("host", "gw:20128")][..], true),
            (&[("host", "gw:20128"), ("origin", "http://gw:20128")], true),
            (&[("host", "gw:20128"), ("origin", "http://gw")], false),
            (&[("host", "gw:20128"), ("origin", "https://evil.example")], false),
            (&[("host", "gw:20128"), ("origin", "null")], false),
            (&[("origin", "http://gw")], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://x")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "http://a")], false),
        ] {
            assert_eq!(check(&headers(given)).is_ok(), may, "{given:?}");
        }
    }

    #[test]
    fn without_a_login_names_of_others_lead_nowhere() {
        for (host, may) in [
            ("localhost:20128", true),
            ("127.0.0.1", true),
            ("[::1]:20128", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            assert_eq!(check_host(&headers(&[("host", host)])).is_ok(), may, "{host}");
        }
    }
}
