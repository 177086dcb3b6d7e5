//! What of a head has had more than one reading in the world, and is therefore refused.
//!
//! Pingora's parser takes a bare LF for the end of a line, a length that stands there twice, and a length
//! beside chunks. A proxy in front of us may read such a head another way, and then it is not agreed where
//! the request ends (RFC 9112, section 11.2).

use std::net::Ipv6Addr;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Version};
use memchr::{memchr, memchr2};
use omniroute_core::config::Bounds;
use omniroute_core::error::Error;
use pingora::http::RequestHeader;

/// Checks a head against the limits and for what has two readings. `raw` are its bytes; none with HTTP/2,
/// where the framing is not in the head.
///
/// # Errors
///
/// [`Error::HeadTooLarge`], [`Error::BadRequest`].
pub fn check(header: &RequestHeader, raw: &[u8], limits: &Bounds) -> Result<(), Error> {
    size(header, limits)?;
    if has_bare_end(raw) {
        return Err(bad("a line of the head ends in CR or LF alone; it has to end in both"));
    }
    target(raw)?;
    framing(&header.headers, raw)?;
    host(header)
}

fn size(header: &RequestHeader, limits: &Bounds) -> Result<(), Error> {
    let too_large = |what, status| Err(Error::HeadTooLarge { what, status });
    let (target, most) = (header.raw_path().len(), limits.target_bytes);
    if target > most {
        let what =
            format!("the request target has {target} bytes; the limit is {most} (limits.target)");
        return too_large(what, 414);
    }
    let (fields, most) = (header.headers.len(), limits.head_fields);
    if fields > most {
        let what = format!("{fields} header fields; the limit is {most} (limits.head_fields)");
        return too_large(what, 431);
    }
    let fields = header.headers.iter();
    let bytes: usize = fields.map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let most = limits.head_bytes;
    if bytes > most {
        let what = format!("{bytes} bytes of headers; the limit is {most} (limits.head)");
        return too_large(what, 431);
    }
    Ok(())
}

fn has_bare_end(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(at) = memchr2(b'\r', b'\n', rest) {
        match rest[at..].strip_prefix(b"\r\n") {
            Some(after) => rest = after,
            None => return true,
        }
    }
    false
}

/// Checks the target of an HTTP/1 request line: a path, a URL, or `*`.
fn target(raw: &[u8]) -> Result<(), Error> {
    let line = raw.trim_ascii_start().split(|byte| *byte == b'\r').next().unwrap_or_default();
    let Some(target) = line.split(|byte| *byte == b' ').nth(1) else { return Ok(()) };
    let has_scheme = |scheme: &[u8]| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let is_known = target.starts_with(b"/")
        || target == b"*"
        || has_scheme(b"http://")
        || has_scheme(b"https://");
    if is_known && memchr(b'#', target).is_none() {
        return Ok(());
    }
    Err(bad("the request target has to begin with `/` and must not hold `#`"))
}

fn framing(headers: &HeaderMap, raw: &[u8]) -> Result<(), Error> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if let Some(length) = lengths.next() {
        let is_number = !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit);
        if !is_number || lengths.next().is_some() {
            return Err(bad("content-length must stand there once, as digits"));
        }
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(()) };
    if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
        return Err(bad("transfer-encoding must be `chunked` and nothing else"));
    }
    // Pingora has taken the length away by now.
    if names(raw).any(|name| name.eq_ignore_ascii_case(b"content-length")) {
        return Err(bad("a request has a content-length or a transfer-encoding, not both"));
    }
    Ok(())
}

/// Returns the names of a head's fields.
fn names(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = raw.split(|byte| *byte == b'\n').skip(1);
    lines.filter_map(|line| line.split(|byte| *byte == b':').next())
}

fn host(header: &RequestHeader) -> Result<(), Error> {
    let host = header.headers.get(HOST).map(|host| host.as_bytes());
    let is_fine = match host {
        None => header.version != Version::HTTP_11,
        Some(host) => is_host(host),
    };
    if is_fine { Ok(()) } else { Err(bad("the `host` header is missing or no host name")) }
}

/// Tells whether this is a name or an address, with or without a port.
fn is_host(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_port = |port: &str| {
        port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        })
    };
    !name.is_empty() && name.bytes().all(is_name) && (port.is_empty() || is_port(port))
}

fn bad(what: &str) -> Error {
    Error::BadRequest { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_cr_and_lf() {
        for (raw, is_bare) in [
            (&b""[..], false),
            (b"GET / HTTP/1.1\r\nA: b\r\n\r\n", false),
            (b"GET / HTTP/1.1\nA: b\r\n\r\n", true),
            (b"GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", true),
            (b"GET / HTTP/1.1\r\nA: b\r\r\n", true),
            (b"GET / HTTP/1.1\r\nA: b\r", true),
        ] {
            assert_eq!(has_bare_end(raw), is_bare, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_target_is_a_path_a_url_or_everything() {
        let is_fine = |line: &str| target(format!("{line}\r\nHost: x\r\n\r\n").as_bytes()).is_ok();
        for good in ["GET /a?b=c HTTP/1.1", "GET HTTP://gw/a HTTP/1.1", "OPTIONS * HTTP/1.1"] {
            assert!(is_fine(good), "{good}");
        }
        for bad in
            ["GET a HTTP/1.1", "GET %20/a HTTP/1.1", "GET /a#b HTTP/1.1", "GET ftp://x/ HTTP/1.1"]
        {
            assert!(!is_fine(bad), "{bad}");
        }
        assert!(target(b"\r\nGET /a HTTP/1.1\r\n\r\n").is_ok(), "an empty line before it");
        assert!(target(b"").is_ok(), "HTTP/2 says it elsewhere");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in ["gw", "gw.example:443", "10.0.0.1", "[::1]", "[2001:db8::1]:80", "a_b", "GW"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "", ":80", "a b", "a/b", "me@gw", "gw,other", "gw:", "gw:http", "gw:80:80", "gw:65536",
            "[::1", "[gw]", "[::1]x", "gw\\x", "ä", "gw:+80", "gw?", "gw#", "%41",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
