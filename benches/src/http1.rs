//! Reads HTTP/1.1 answers, and requests: as little as a load generator and a provider need, and nothing
//! that would let a wrong answer pass.
//!
//! Written by hand because the generator shares two cores with what it measures. An answer that ends
//! with its connection is refused, because whether it is complete cannot be known.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Longest head line and longest chunk size line, in bytes.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `content-length`.
    Length(u64),
    /// `transfer-encoding: chunked`.
    Chunked,
}

/// What matters of an answer's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// Whether the other side closes the connection behind this answer.
    pub(crate) closes: bool,
}

/// What matters of a request's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) framing: Framing,
}

/// Reads a head, up to and with its empty line. `line` is scratch space that keeps its memory.
///
/// # Errors
///
/// `UnexpectedEof` if the connection ends; `InvalidData` for what is no head, or has no body length.
pub(crate) async fn read_head<R>(reader: &mut R, line: &mut Vec<u8>) -> io::Result<Head>
where
    R: AsyncBufRead + Unpin,
{
    read_line(reader, line).await?;
    let status = status(line).ok_or_else(|| invalid("no status line", line))?;
    let (framing, closes) = read_fields(reader, line).await?;
    let framing = framing.ok_or_else(|| invalid("an answer without a length", b""))?;
    Ok(Head { status, framing, closes })
}

/// Reads the head of a request, up to and with its empty line. One without a length has no body.
///
/// # Errors
///
/// As [`read_head`].
pub(crate) async fn read_request<R>(reader: &mut R, line: &mut Vec<u8>) -> io::Result<Asked>
where
    R: AsyncBufRead + Unpin,
{
    read_line(reader, line).await?;
    let path =
        line.split(|byte| *byte == b' ').nth(1).and_then(|path| std::str::from_utf8(path).ok());
    let path = path.ok_or_else(|| invalid("no request line", line))?.to_owned();
    let (framing, _) = read_fields(reader, line).await?;
    Ok(Asked { path, framing: framing.unwrap_or(Framing::Length(0)) })
}

/// Reads header fields up to and with the empty line: how the body ends, and whether the connection does.
async fn read_fields<R>(reader: &mut R, line: &mut Vec<u8>) -> io::Result<(Option<Framing>, bool)>
where
    R: AsyncBufRead + Unpin,
{
    let (mut framing, mut closes) = (None, false);
    loop {
        read_line(reader, line).await?;
        if line.is_empty() {
            return Ok((framing, closes));
        }
        let (name, value) = field(line).ok_or_else(|| invalid("no header field", line))?;
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = number(value, 10).ok_or_else(|| invalid("no length", line))?;
            framing = Some(Framing::Length(length));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(invalid("an unknown transfer encoding", line));
            }
            framing = Some(Framing::Chunked);
        } else if name.eq_ignore_ascii_case(b"connection") {
            closes = value.eq_ignore_ascii_case(b"close");
        }
    }
}

/// Reads a body to its end and hands its bytes to `sink`.
///
/// # Errors
///
/// `UnexpectedEof` if the connection ends first; `InvalidData` for wrong chunks.
pub(crate) async fn read_body<R>(
    reader: &mut R,
    framing: Framing,
    line: &mut Vec<u8>,
    mut sink: impl FnMut(&[u8]),
) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    match framing {
        Framing::Length(length) => pass(reader, length, &mut sink).await,
        Framing::Chunked => loop {
            read_line(reader, line).await?;
            let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size =
                number(digits.trim_ascii(), 16).ok_or_else(|| invalid("no chunk size", line))?;
            if size == 0 {
                return skip_trailers(reader, line).await;
            }
            pass(reader, size, &mut sink).await?;
            read_line(reader, line).await?;
            if !line.is_empty() {
                return Err(invalid("a chunk longer than its size", line));
            }
        },
    }
}

/// Hands over exactly `left` bytes.
async fn pass<R>(reader: &mut R, mut left: u64, sink: &mut impl FnMut(&[u8])) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    while left > 0 {
        let buffered = reader.fill_buf().await?;
        if buffered.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = buffered.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        sink(&buffered[..count]);
        reader.consume(count);
        left -= count as u64;
    }
    Ok(())
}

async fn skip_trailers<R>(reader: &mut R, line: &mut Vec<u8>) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    loop {
        read_line(reader, line).await?;
        if line.is_empty() {
            return Ok(());
        }
    }
}

/// Reads a line without its end.
async fn read_line<R>(reader: &mut R, line: &mut Vec<u8>) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    line.clear();
    reader.read_until(b'\n', line).await?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.len() > MAX_LINE_BYTES {
        return Err(invalid("a line that is too long", &line[..80]));
    }
    Ok(())
}

fn status(line: &[u8]) -> Option<u16> {
    let digits = line.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    u16::try_from(number(digits, 10)?).ok()
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let is_plain = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_plain)?;
    u64::from_str_radix(text, radix).ok()
}

fn invalid(what: &str, line: &[u8]) -> io::Error {
    let line = String::from_utf8_lossy(line);
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: `{line}`"))
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    fn read(answer: &str, buffer: usize) -> io::Result<(Head, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut reader = BufReader::with_capacity(buffer, answer.as_bytes());
            let (mut line, mut body) = (Vec::new(), Vec::new());
            let head = read_head(&mut reader, &mut line).await?;
            let sink = |piece: &[u8]| body.extend_from_slice(piece);
            read_body(&mut reader, head.framing, &mut line, sink).await?;
            assert!(reader.fill_buf().await?.is_empty(), "nothing is left of the answer");
            Ok((head, String::from_utf8(body).unwrap()))
        })
    }

    #[test]
    fn bodies_end_where_they_say_whatever_the_buffer_holds() {
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        let chunked = "HTTP/1.1 429 Too Many\r\ntransfer-encoding: chunked\r\n\r\n\
            3\r\nhel\r\nA;x=y\r\nlo, world!\r\n0\r\nx-end: 1\r\n\r\n";

        for buffer in [1, 2, 7, 4096] {
            let (head, body) = read(sized, buffer).unwrap();
            assert_eq!(head, Head { status: 200, framing: Framing::Length(5), closes: true });
            assert_eq!(body, "hello");

            let (head, body) = read(chunked, buffer).unwrap();
            assert_eq!(head, Head { status: 429, framing: Framing::Chunked, closes: false });
            assert_eq!(body, "hello, world!");
        }
    }

    #[test]
    fn a_request_tells_its_path_and_how_its_body_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (fields, framing) in [
            ("content-length: 7\r\n", Framing::Length(7)),
            ("transfer-encoding: chunked\r\n", Framing::Chunked),
            ("", Framing::Length(0)),
        ] {
            let request = format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
            let mut reader = BufReader::new(request.as_bytes());
            let asked = runtime.block_on(read_request(&mut reader, &mut Vec::new())).unwrap();
            assert_eq!(asked, Asked { path: "/v1/messages".to_owned(), framing });
        }
        let nonsense = runtime.block_on(read_request(&mut "x\r\n\r\n".as_bytes(), &mut Vec::new()));
        assert_eq!(nonsense.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn cut_and_wrong_answers_are_errors() {
        let head = "HTTP/1.1 200 OK\r\n";
        for (rest, kind) in [
            ("", io::ErrorKind::UnexpectedEof),
            ("content-length: 5\r\n\r\nhell", io::ErrorKind::UnexpectedEof),
            ("transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", io::ErrorKind::UnexpectedEof),
            ("transfer-encoding: chunked\r\n\r\n5\r\nhello!\r\n", io::ErrorKind::InvalidData),
            ("transfer-encoding: chunked\r\n\r\nx\r\n", io::ErrorKind::InvalidData),
            ("transfer-encoding: gzip\r\n\r\n", io::ErrorKind::InvalidData),
            ("content-length: -5\r\n\r\n", io::ErrorKind::InvalidData),
            ("server: x\r\n\r\n", io::ErrorKind::InvalidData),
            ("nonsense\r\n\r\n", io::ErrorKind::InvalidData),
        ] {
            let error = read(&format!("{head}{rest}"), 64).unwrap_err();
            assert_eq!(error.kind(), kind, "{rest:?}: {error}");
        }
        assert_eq!(read("HTTP/1.0 200 OK\r\n", 64).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
