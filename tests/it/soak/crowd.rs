//! Clients that have a stream open: some read it, some read a little now and then, some not at all.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::budgets::KEY;
use crate::setup::{FORMATS, ask, is_complete, prefix};
use crate::stopping::Begun;

/// How many streams are opened at once.
const ABREAST: usize = 32;

/// How many words a stream that is read has.
const WORDS: u32 = 20;

/// Room for what a client does not read, in bytes; the least the system gives.
const NARROW: u32 = 4096;

/// Between two reads of a slow client.
const NOW_AND_THEN: Duration = Duration::from_millis(500);

/// What a client does with its stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Reads it.
    Steady,
    /// Reads a few bytes now and then of more than it can take.
    Slow,
    /// Reads the beginning, and no more.
    Never,
}

/// Clients with open streams.
pub(super) struct Crowd {
    address: SocketAddr,
    life: Duration,
    count: usize,
    /// Those who read say whether their stream was whole.
    reading: JoinSet<bool>,
    over: watch::Sender<bool>,
}

impl Crowd {
    /// Streams that are read last this long.
    pub(super) fn new(address: SocketAddr, life: Duration) -> Self {
        let over = watch::Sender::new(false);
        Self { address, life, count: 0, reading: JoinSet::new(), over }
    }

    /// Opens so many streams of each client format at each provider in turn; returns once all have begun.
    pub(super) async fn open(&mut self, reader: Reader, streams: u64) {
        let mut opening = JoinSet::new();
        for _ in 0..streams {
            let (format, provider) = (self.count % 4, self.count / 4 % 4);
            self.count += 1;
            let (format, provider) = (FORMATS[format], prefix(FORMATS[provider]));
            // What has an id is recorded for those who ask the same again.
            let (id, is_named) = (format!("crowd-{}", self.count), self.count.is_multiple_of(2));
            let (address, pace) = (self.address, self.life.as_millis() / u128::from(WORDS));
            if reader == Reader::Steady {
                let model = format!("{provider}/echo?pace={pace}ms");
                let words = "word ".repeat(WORDS as usize);
                opening.spawn(async move {
                    Opened::Steady(Begun::over(address, (format, &model, &words), &id).await)
                });
            } else {
                opening.spawn(async move {
                    let id = is_named.then_some(&*id);
                    Opened::Unread(unread(address, (format, provider), id).await)
                });
            }
            if opening.len() == ABREAST {
                self.opened(opening.join_next().await.unwrap().unwrap(), reader);
            }
        }
        while let Some(opened) = opening.join_next().await {
            self.opened(opened.unwrap(), reader);
        }
    }

    fn opened(&mut self, opened: Opened, reader: Reader) {
        match opened {
            Opened::Steady(begun) => self.reading.spawn(async move {
                let ended = begun.rest().await;
                is_complete(ended.format, &ended.text)
            }),
            Opened::Unread(stream) => {
                self.reading.spawn(linger(stream, reader, self.over.subscribe()))
            }
        };
    }

    /// Reads the streams that are read to their end and leaves the others; returns how many were cut.
    pub(super) async fn end(mut self) -> usize {
        self.over.send_replace(true);
        let mut cut = 0;
        while let Some(whole) = self.reading.join_next().await {
            cut += usize::from(!whole.unwrap());
        }
        cut
    }
}

enum Opened {
    Steady(Begun),
    Unread(TcpStream),
}

/// Begins a stream that is far longer than all buffers on the way, and reads its head.
pub(crate) async fn unread(
    address: SocketAddr,
    (format, provider): (&str, &str),
    id: Option<&str>,
) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(NARROW).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let (path, body) = ask(format, &format!("{provider}/tokens?n=100000"), true, "hello");
    let body = body.to_string();
    let length = body.len();
    let (name, key) = KEY;
    let id = id.map_or_else(String::new, |id| format!("x-request-id: {id}\r\n"));
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\n{name}: {key}\r\n{id}content-length: {length}\r\n\r\n"
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut beginning = [0; 15];
    stream.read_exact(&mut beginning).await.unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200 OK");
    stream
}

/// Keeps a stream open until all is over; tells whether it stayed open.
async fn linger(mut stream: TcpStream, reader: Reader, mut over: watch::Receiver<bool>) -> bool {
    let (mut ticks, mut few) = (tokio::time::interval(NOW_AND_THEN), [0; 16]);
    loop {
        tokio::select! {
            _ = over.changed() => return true,
            _ = ticks.tick() => {
                if reader == Reader::Slow && stream.read(&mut few).await.unwrap_or(0) == 0 {
                    return false;
                }
            }
        }
    }
}
