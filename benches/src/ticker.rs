//! A provider whose events tell when they were written: the simulator writes answers that are functions of
//! the request, and the time is none.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::failure::Failure;
use crate::http1;
use crate::listening::listening;
use crate::metronome::Metronome;
use crate::stamp;

/// How many events an answer has, besides those around them, and the time between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) events: usize,
    pub(crate) every: Duration,
}

/// What a format puts around and between the stamps.
struct Form {
    before: &'static str,
    /// Around one stamp.
    event: [&'static str; 2],
    after: &'static str,
}

const CHAT: Form = Form {
    before: "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"stamps\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    event: [
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"stamps\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"",
        "\"},\"finish_reason\":null}]}\n\n",
    ],
    after: "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"stamps\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
};

const MESSAGES: Form = Form {
    before: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"stamps\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    event: [
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"",
        "\"}}\n\n",
    ],
    after: "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
};

/// Serves until the process is ended.
///
/// # Errors
///
/// If the address cannot be listened on.
pub(crate) fn serve(listen: SocketAddr, pace: Pace) -> Result<(), Failure> {
    listening(listen, async |listener: TcpListener| accept(&listener, pace).await)
}

/// Answers every request on every connection.
///
/// # Errors
///
/// If no connection can be accepted any more.
pub(crate) async fn accept(listener: &TcpListener, pace: Pace) -> Result<(), Failure> {
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.map_err(Failure::system("cannot accept"))?;
                open.push(answer_all(stream, pace));
            }
            // How a connection ended is its client's business, who notices.
            Some(_ended) = open.next() => {}
        }
    }
}

async fn answer_all(stream: TcpStream, pace: Pace) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut stream, mut line) = (BufReader::new(stream), Vec::new());
    loop {
        let asked = http1::read_request(&mut stream, &mut line).await?;
        http1::read_body(&mut stream, asked.framing, &mut line, |_| {}).await?;
        let form = if asked.path.contains("/messages") { MESSAGES } else { CHAT };
        answer(&mut stream, &form, pace).await?;
    }
}

/// Writes one answer; every event is a chunk and a write of its own, stamped just before.
async fn answer(stream: &mut BufReader<TcpStream>, form: &Form, pace: Pace) -> io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(format!("{head}{}", chunk(form.before)).as_bytes()).await?;
    let mut metronome = Metronome::start(pace.every).map_err(io::Error::other)?;
    let mut left = pace.events;
    while left > 0 {
        let due = metronome.due().await.map_err(io::Error::other)?.len().min(left);
        left -= due;
        for _ in 0..due {
            let [before, behind] = form.event;
            let event = format!("{before}{}{behind}", stamp::write(stamp::now()));
            stream.write_all(chunk(&event).as_bytes()).await?;
        }
    }
    stream.write_all(format!("{}0\r\n\r\n", chunk(form.after)).as_bytes()).await
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
