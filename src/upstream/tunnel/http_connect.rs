//! HTTP `CONNECT` (RFC 9110, section 9.3.6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omniroute_core::snapshot::Login;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::failure::Failure;
use super::open::Target;

/// Most bytes of a proxy's answer.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Asks for a connection to the target.
pub(super) async fn ask<S>(
    mut stream: S,
    login: Option<&Login>,
    target: Target<'_>,
) -> Result<S, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let written = stream.write_all(request(login, target).as_bytes()).await;
    written.map_err(|_| Failure::CLOSED)?;
    let status = status(&mut stream).await?;
    match judged(status, login.is_some()) {
        None => Ok(stream),
        Some(failure) => Err(failure.with_status(status)),
    }
}

fn request(login: Option<&Login>, Target { host, port }: Target<'_>) -> String {
    let authority =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let authorization = login.map_or_else(String::new, |Login { user, password }| {
        let pair = STANDARD.encode(format!("{}:{}", user.expose(), password.expose()));
        format!("Proxy-Authorization: Basic {pair}\r\n")
    });
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n")
}

/// Reads the answer's head and returns its status.
async fn status(stream: &mut (impl AsyncRead + Unpin)) -> Result<u16, Failure> {
    let mut head = Vec::with_capacity(256);
    // One byte at a time: what comes after the head is the target's.
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() == MAX_HEAD_BYTES {
            return Err(Failure::NO_HTTP_PROXY);
        }
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) if head.is_empty() || head.starts_with(b"HTTP/") => return Err(Failure::CLOSED),
            Err(_) => return Err(Failure::NO_HTTP_PROXY),
        }
        if head.len() == b"HTTP/".len() && head != b"HTTP/" {
            return Err(Failure::NO_HTTP_PROXY);
        }
    }
    read_status(&head).ok_or(Failure::NO_HTTP_PROXY)
}

fn read_status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let status = rest.split(' ').nth(1)?;
    status.parse().ok().filter(|status| (100..=599).contains(status))
}

fn judged(status: u16, has_login: bool) -> Option<Failure> {
    match status {
        200..=299 => None,
        407 if has_login => Some(Failure::LOGIN_REFUSED),
        407 => Some(Failure::WANTS_LOGIN),
        403 => Some(Failure::FORBIDDEN),
        500..=599 => Some(Failure::UNREACHED),
        _ => Some(Failure::NOT_DONE),
    }
}

#[cfg(test)]
mod tests {
    use omniroute_core::secret::Secret;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// Asks a proxy that answers with these bytes; returns what follows the head.
    async fn asked(answer: &str, has_login: bool) -> Result<String, Failure> {
        let login = Login { user: Secret::new("me"), password: Secret::new("pass") };
        let (ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(answer.as_bytes()).await.unwrap();
        theirs.shutdown().await.unwrap();
        let target = Target { host: "api.example", port: 443 };
        let mut stream = ask(ours, has_login.then_some(&login), target).await?;
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        Ok(rest)
    }

    #[test]
    fn the_request_names_the_target_and_who_asks() {
        let login = Login { user: Secret::new("me"), password: Secret::new("p:ä") };
        assert_eq!(
            request(Some(&login), Target { host: "api.example", port: 443 }),
            "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\
             Proxy-Authorization: Basic bWU6cDrDpA==\r\n\r\n"
        );
        assert_eq!(
            request(None, Target { host: "fd00::1", port: 80 }),
            "CONNECT [fd00::1]:80 HTTP/1.1\r\nHost: [fd00::1]:80\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn what_follows_the_head_is_the_targets() {
        for head in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
            "HTTP/1.1 204\nA: b\n\n",
        ] {
            let rest = asked(&format!("{head}\r\n\r\ntarget"), false).await;
            assert_eq!(rest.as_deref(), Ok("\r\n\r\ntarget"), "{head}");
        }
    }

    #[tokio::test]
    async fn every_refusal_says_which_part_failed() {
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MAX_HEAD_BYTES));
        for (answer, has_login, failure) in [
            ("HTTP/1.1 407 No\r\n\r\n", false, Failure::WANTS_LOGIN.with_status(407)),
            ("HTTP/1.1 407 No\r\n\r\n", true, Failure::LOGIN_REFUSED.with_status(407)),
            ("HTTP/1.1 403 No\r\n\r\n", true, Failure::FORBIDDEN.with_status(403)),
            ("HTTP/1.1 502 No\r\n\r\n", true, Failure::UNREACHED.with_status(502)),
            ("HTTP/1.1 405 No\r\n\r\n", true, Failure::NOT_DONE.with_status(405)),
            ("HTTP/1.1 404 No\r\n\r\n", true, Failure::NOT_DONE.with_status(404)),
            ("HTTP/1.1 302 No\r\n\r\n", true, Failure::NOT_DONE.with_status(302)),
            ("HTTP/1.1 200 OK\r\n", true, Failure::CLOSED),
            ("", true, Failure::CLOSED),
            ("HTTP/1.1 abc OK\r\n\r\n", true, Failure::NO_HTTP_PROXY),
            ("HTTP/1.1 20 OK\r\n\r\n", true, Failure::NO_HTTP_PROXY),
            ("HTTP/2 200\r\n\r\n", true, Failure::NO_HTTP_PROXY),
            ("SSH-2.0-OpenSSH", true, Failure::NO_HTTP_PROXY),
            ("\u{5}\u{0}", true, Failure::NO_HTTP_PROXY),
            (&long, true, Failure::NO_HTTP_PROXY),
        ] {
            assert_eq!(asked(answer, has_login).await, Err(failure), "{answer:.30}");
        }
    }
}
