//! A small HTTP/1.1 client that hides nothing: chunks, and how the body ended.

use std::io::ErrorKind;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Running;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    /// FIN before the end of the body.
    Eof,
    Reset,
}

/// A reply read to its end.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) end: End,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.chunks.concat()).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text())
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The JSON of all `data:` lines but `[DONE]`.
    pub(super) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }
}

/// One connection.
pub(super) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(super) async fn connect(sim: &Running) -> Self {
        Self { stream: TcpStream::connect(sim.addr()).await.unwrap(), buffer: Vec::new() }
    }

    pub(super) async fn send(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head =
            format!("POST {path} HTTP/1.1\r\nhost: sim\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads status and headers, or how the connection ended before them.
    pub(super) async fn head(&mut self) -> Result<Got, End> {
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break self.buffer.drain(..end + 4).collect::<Vec<u8>>();
            }
            self.more().await?;
        };
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Got { status, headers, chunks: Vec::new(), end: End::Eof })
    }

    /// Reads one chunk of a chunked body; `None` is its proper end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, End> {
        let size_end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                break end;
            }
            self.more().await?;
        };
        let size = std::str::from_utf8(&self.buffer[..size_end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        while self.buffer.len() < size_end + 2 + size + 2 {
            self.more().await?;
        }
        let chunk: Vec<u8> = self.buffer.drain(..size_end + 2 + size + 2).collect();
        Ok((size > 0).then(|| chunk[size_end + 2..size_end + 2 + size].to_vec()))
    }

    /// Reads the rest of a reply.
    pub(super) async fn rest(&mut self, mut got: Got) -> Got {
        got.end = End::Complete;
        if let Some(length) = got.header("content-length").and_then(|length| length.parse().ok()) {
            while self.buffer.len() < length {
                if let Err(end) = self.more().await {
                    got.end = end;
                    return got;
                }
            }
            got.chunks.push(self.buffer.drain(..length).collect());
            return got;
        }
        loop {
            match self.chunk().await {
                Ok(Some(chunk)) => got.chunks.push(chunk),
                Ok(None) => return got,
                Err(end) => {
                    got.end = end;
                    return got;
                }
            }
        }
    }

    /// Reads a reply with its body.
    pub(super) async fn reply(&mut self) -> Result<Got, End> {
        let got = self.head().await?;
        Ok(self.rest(got).await)
    }

    async fn more(&mut self) -> Result<(), End> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(End::Eof),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(End::Reset),
            Err(error) => panic!("{error}"),
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Sends one request on a connection of its own and reads the reply.
pub(super) async fn fetch(sim: &Running, path: &str, body: &Value) -> Result<Got, End> {
    fetch_as(sim, path, &[], body).await
}

/// Like [`fetch`], with headers.
pub(super) async fn fetch_as(
    sim: &Running,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Got, End> {
    let mut client = Client::connect(sim).await;
    client.send(path, headers, body.to_string().as_bytes()).await;
    client.reply().await
}

/// The four formats.
pub(super) const FORMATS: [&str; 4] = ["chat", "messages", "generate", "responses"];

/// Makes path and body that ask a model something in a format.
pub(super) fn asking(format: &str, model: &str, is_stream: bool) -> (String, Value) {
    let turn = json!([{"role": "user", "content": "one two three"}]);
    match format {
        "chat" => (
            "/v1/chat/completions".to_owned(),
            json!({"model": model, "stream": is_stream, "messages": turn}),
        ),
        "messages" => (
            "/v1/messages".to_owned(),
            json!({"model": model, "stream": is_stream, "max_tokens": 100, "messages": turn}),
        ),
        "responses" => (
            "/v1/responses".to_owned(),
            json!({"model": model, "stream": is_stream, "input": turn}),
        ),
        _ => {
            let model = model.replace('?', "%3F").replace('/', "%2F");
            let action =
                if is_stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let body =
                json!({"contents": [{"role": "user", "parts": [{"text": "one two three"}]}]});
            (format!("/v1beta/models/{model}:{action}"), body)
        }
    }
}
