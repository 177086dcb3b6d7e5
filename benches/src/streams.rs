//! Streams of a load: many that have begun and wait, and some whose events tell when they were written.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::connection::{PATIENCE, connect, next_serial};
use crate::failure::Failure;
use crate::http1::{self, Head};
use crate::metronome::Metronome;
use crate::orders::{Aim, Streams};
use crate::request::Request;
use crate::stamp::{self, Stamps};

/// Events a waiting stream must have brought before it counts as begun.
const BEGUN: usize = 2;

/// An answer whose head has been read.
#[derive(Debug)]
pub(crate) struct Open {
    stream: BufReader<TcpStream>,
    head: Head,
    line: Vec<u8>,
}

/// Opens so many streams, one after the other, and reads the beginning of each.
///
/// # Errors
///
/// If one is refused or does not begin.
pub(crate) async fn hold(aim: &Aim, count: usize) -> Result<Vec<Open>, Failure> {
    let mut request = Request::of(aim)?;
    let mut held = Vec::with_capacity(count);
    for number in 1..=count {
        let begun = async {
            let mut open = open(aim, &mut request).await?;
            begin(&mut open).await.map_err(Failure::system("a stream broke off"))?;
            Ok(open)
        };
        let stuck = |_| Failure::Process(format!("stream {number} does not begin"));
        held.push(tokio::time::timeout(PATIENCE, begun).await.map_err(stuck)??);
    }
    Ok(held)
}

/// Reads so many streams to their ends at once, and returns how long after it was written each event came,
/// in order. They are opened one after the other, so that their events do not come all at once.
///
/// # Errors
///
/// If one is refused, breaks off, or has not exactly so many stamped events.
pub(crate) async fn listen(aim: &Aim, wanted: Streams) -> Result<Vec<Duration>, Failure> {
    let Streams { count, apart, events } = wanted;
    let mut metronome = Metronome::start(apart)?;
    let (mut opening, mut reading) = (count, FuturesUnordered::new());
    let mut delays = Vec::new();
    let all = async {
        while opening > 0 || !reading.is_empty() {
            tokio::select! {
                biased;
                due = metronome.due(), if opening > 0 => {
                    let now = due?.len().min(opening);
                    opening -= now;
                    reading.extend((0..now).map(|_| one(aim, events)));
                }
                Some(read) = reading.next() => delays.extend(read?),
            }
        }
        Ok::<(), Failure>(())
    };
    let stuck = |_| Failure::Process(format!("a stream does not end within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, all).await.map_err(stuck)??;
    delays.sort_unstable();
    Ok(delays)
}

/// Reads one stream to its end.
async fn one(aim: &Aim, events: usize) -> Result<Vec<Duration>, Failure> {
    let Open { mut stream, head, mut line } = open(aim, &mut Request::of(aim)?).await?;
    let (mut stamps, mut delays) = (Stamps::default(), Vec::with_capacity(events));
    let sink = |piece: &[u8]| {
        let now = stamp::now();
        stamps.feed(piece, |written| delays.push(now.saturating_sub(written)));
    };
    let read = http1::read_body(&mut stream, head.framing, &mut line, sink).await;
    read.map_err(Failure::system("a stream broke off"))?;
    if delays.len() != events {
        let what = format!("{} events instead of {events}", delays.len());
        return Err(Failure::Answer { from: aim.address.to_string(), what });
    }
    Ok(delays)
}

async fn open(aim: &Aim, request: &mut Request) -> Result<Open, Failure> {
    let opened = async {
        let mut stream = connect(aim.address).await?;
        let mut line = Vec::new();
        stream.write_all(request.numbered(next_serial())).await?;
        let head = http1::read_head(&mut stream, &mut line).await?;
        Ok(Open { stream, head, line })
    };
    let open = opened.await.map_err(Failure::system("cannot open a stream"))?;
    if open.head.status != 200 {
        let what = format!("status {} instead of a stream", open.head.status);
        return Err(Failure::Answer { from: aim.address.to_string(), what });
    }
    Ok(open)
}

/// Reads until the first events have ended: each with an empty line.
async fn begin(open: &mut Open) -> std::io::Result<()> {
    let mut seen = Vec::new();
    while memchr::memmem::find_iter(&seen, b"\n\n").count() < BEGUN {
        let piece = open.stream.fill_buf().await?;
        if piece.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        seen.extend_from_slice(piece);
        let length = piece.len();
        open.stream.consume(length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use omniroute_sim::Sim;

    use super::*;
    use crate::connection::Expected;
    use crate::request::Delivery;
    use crate::ticker;

    fn aim(address: std::net::SocketAddr, model: &str) -> Aim {
        Aim {
            address,
            model: model.to_owned(),
            body_bytes: 2_048,
            delivery: Delivery::Stream,
            headers: Vec::new(),
            expected: Expected::Events(0),
        }
    }

    #[tokio::test]
    async fn streams_are_held_open_once_they_have_begun() {
        let sim = Sim::new().bind(([127, 0, 0, 1], 0).into()).await.unwrap();

        let held = hold(&aim(sim.addr(), "stall-after-3"), 5).await.unwrap();

        assert_eq!(held.len(), 5);
        assert_eq!(sim.open_streams(), 5);
        drop(held);
        sim.wait_until(|counts| counts.open_streams == 0).await;
        let refused = hold(&aim(sim.addr(), "429"), 1).await.unwrap_err().to_string();
        assert!(refused.contains("status 429"), "{refused}");
    }

    #[tokio::test]
    async fn every_event_of_every_stream_tells_its_delay() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let aim = aim(listener.local_addr().unwrap(), "stamps");
        let pace = ticker::Pace { events: 7, every: Duration::from_millis(1) };
        let apart = Duration::from_micros(100);

        tokio::select! {
            ended = ticker::accept(&listener, pace) => panic!("{ended:?}"),
            () = async {
                let delays = listen(&aim, Streams { count: 3, apart, events: 7 }).await.unwrap();
                assert_eq!(delays.len(), 21);
                assert!(delays[20] < PATIENCE, "{delays:?}");
                let wrong = listen(&aim, Streams { count: 1, apart, events: 8 }).await.unwrap_err().to_string();
                assert!(wrong.contains("7 events instead of 8"), "{wrong}");
            } => {}
        }
    }
}
