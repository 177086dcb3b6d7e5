//! HTTP/2 frame by frame, also as no library would send it (RFC 9113, section 4; RFC 7541 for header blocks).

use std::net::SocketAddr;
use std::time::Duration;

use openssl::ssl;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use crate::client::Trust;

/// What a client sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Length of a frame's head.
const HEAD: usize = 9;

/// How long a gateway may take none of what it is sent before that counts as its answer.
const STUCK: Duration = Duration::from_secs(1);

/// What the last ping of a flood says.
const LAST: &[u8; 8] = b"the last";

/// Types of frames.
pub mod kind {
    #![expect(missing_docs, reason = "the names are RFC 9113's")]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    #![expect(missing_docs, reason = "the names are RFC 9113's")]
    pub const NONE: u8 = 0;
    pub const ACK: u8 = 1;
    pub const END_STREAM: u8 = 1;
    pub const END_HEADERS: u8 = 4;
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// The stream it belongs to; 0 is the connection.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Makes a frame.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// Returns its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], self.kind, self.flags];
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Takes the first frame off what came, once it is there.
    fn take(seen: &mut Vec<u8>) -> Option<Self> {
        let head = seen.get(..HEAD)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let payload = seen.get(HEAD..HEAD + length)?.to_vec();
        seen.drain(..HEAD + length);
        Some(Self { kind, flags, stream, payload })
    }
}

/// Writes fields as a header block that nothing is remembered of.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

/// Writes a string of a header block as it is.
pub fn text(block: &mut Vec<u8>, text: &str) {
    const MOST_AT_ONCE: usize = 127;
    if text.len() < MOST_AT_ONCE {
        block.extend(u8::try_from(text.len()));
    } else {
        block.push(127);
        let mut rest = text.len() - MOST_AT_ONCE;
        while rest >= 128 {
            block.extend(u8::try_from(rest % 128 + 128));
            rest /= 128;
        }
        block.extend(u8::try_from(rest));
    }
    block.extend(text.as_bytes());
}

/// How a flood ended.
#[derive(Debug)]
pub enum Ended {
    /// The gateway closed the connection.
    Closed,
    /// It still answers.
    Open,
    /// It takes no more, because nobody reads what it says.
    Stuck,
}

/// A connection over TLS on which HTTP/2 has begun.
pub struct FrameConnection {
    reading: ReadHalf<SslStream<TcpStream>>,
    writing: WriteHalf<SslStream<TcpStream>>,
}

impl FrameConnection {
    /// Connects and begins.
    ///
    /// # Errors
    ///
    /// What the handshake says.
    pub async fn connect(address: SocketAddr, trust: &Trust<'_>) -> Result<Self, ssl::Error> {
        let (reading, mut writing) = split(trust.greet(address).await?);
        let settings = Frame::new(kind::SETTINGS, flag::NONE, 0, []);
        drop(writing.write_all(&[PREFACE, &settings.bytes()].concat()).await);
        Ok(Self { reading, writing })
    }

    /// Sends all of this and then a ping, and reads what comes until that is answered or the connection is closed.
    pub async fn flood(mut self, pieces: impl Iterator<Item = Vec<u8>>) -> (Ended, Vec<Frame>) {
        let mut frames = Vec::new();
        let ping = Frame::new(kind::PING, flag::NONE, 0, *LAST);
        let (mut writing, reading) = (self.writing, &mut self.reading);
        let writes = async {
            for piece in pieces.chain([ping.bytes()]) {
                if writing.write_all(&piece).await.is_err() {
                    return;
                }
            }
            drop(writing.flush().await);
        };
        let reads = async {
            let mut seen = Vec::new();
            while let Some(frame) = next(reading, &mut seen).await {
                let is_last = frame.kind == kind::PING && frame.payload == LAST;
                frames.push(frame);
                if is_last {
                    return Ended::Open;
                }
            }
            Ended::Closed
        };
        let ended = tokio::join!(writes, reads).1;
        (ended, frames)
    }

    /// Sends all of this, as far as the gateway takes it, and reads nothing.
    pub async fn flood_unread(mut self, pieces: impl Iterator<Item = Vec<u8>>) -> Ended {
        for piece in pieces {
            match timeout(STUCK, self.writing.write_all(&piece)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ended::Closed,
                Err(_) => return Ended::Stuck,
            }
        }
        Ended::Open
    }
}

/// Reads a frame; `None` once the connection is closed.
async fn next(reading: &mut (impl AsyncRead + Unpin), seen: &mut Vec<u8>) -> Option<Frame> {
    loop {
        if let Some(frame) = Frame::take(seen) {
            return Some(frame);
        }
        if reading.read_buf(seen).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}
