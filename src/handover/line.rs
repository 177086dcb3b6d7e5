//! The line between two processes, one of which takes the other's place: one JSON object per line, the
//! first answer together with the listening sockets.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, ErrorKind, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use omniroute_core::budget::{Given, Told};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

/// The version of these words. A process that speaks another one is not taken over from.
pub const PROTOCOL: u32 = 1;

/// Most sockets that are passed on.
const MOST_SOCKETS: usize = 64;

/// What is said, in this order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum Word {
    /// The new process: it wants to take over.
    Hello {
        /// The version of its words.
        protocol: u32,
        /// Its number.
        pid: u32,
        /// Which run of which unit it belongs to, if a service manager started it.
        invocation: Option<String>,
    },
    /// The old one: here are the sockets, and the database is yours.
    Sockets,
    /// The new one: what is spent from now on is mine to allow.
    Cut,
    /// The old one: this is spent and held back.
    Ledger {
        /// By client key.
        purses: BTreeMap<String, Given>,
    },
    /// The new one: I serve.
    Serving,
    /// The old one: I take no more connections.
    Closed,
    /// The old one, again and again: this is how it stands now.
    Told {
        /// By client key; those that changed.
        purses: BTreeMap<String, Told>,
    },
}

/// What came of waiting for a word.
#[derive(Debug)]
pub enum Heard {
    /// A word.
    Word(Word),
    /// Nothing in time.
    Nothing,
    /// The other process has gone.
    Gone,
}

/// The line.
pub struct Line {
    reader: BufReader<UnixStream>,
    /// The beginning of a line.
    partial: Vec<u8>,
}

impl Line {
    /// Makes a line of a connection.
    pub fn over(stream: UnixStream) -> Self {
        Self { reader: BufReader::new(stream), partial: Vec::new() }
    }

    /// Says a word.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn say(&mut self, word: &Word) -> io::Result<()> {
        self.reader.get_mut().write_all(&written(word)?)
    }

    /// Says [`Word::Sockets`] and passes them.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn pass(&mut self, sockets: &[TcpListener]) -> io::Result<()> {
        let descriptors: Vec<_> = sockets.iter().take(MOST_SOCKETS).map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        beside.push(SendAncillaryMessage::ScmRights(&descriptors));
        let line = written(&Word::Sockets)?;
        let parts = [IoSlice::new(&line)];
        let sent = sendmsg(self.reader.get_ref(), &parts, &mut beside, SendFlags::empty())?;
        // The descriptors went with the first byte.
        self.reader.get_mut().write_all(&line[sent..])
    }

    /// Waits for [`Word::Sockets`]; `None` if the other process wants no successor, or has gone.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn take(&mut self) -> io::Result<Option<Vec<TcpListener>>> {
        let mut bytes = [0; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let came = recvmsg(self.reader.get_ref(), &mut parts, &mut beside, flags)?.bytes;
        let mut sockets = Vec::new();
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                sockets.extend(descriptors.map(TcpListener::from));
            }
        }
        self.partial.extend_from_slice(&bytes[..came]);
        if came == 0 {
            return Ok(None);
        }
        match self.hear(None)? {
            Heard::Word(Word::Sockets) => Ok(Some(sockets)),
            Heard::Gone | Heard::Nothing => Ok(None),
            Heard::Word(other) => Err(unexpected(&other)),
        }
    }

    /// Waits for a word, for this time at most if one is given.
    ///
    /// # Errors
    ///
    /// The system's, or that what came is no word.
    pub fn hear(&mut self, at_most: Option<Duration>) -> io::Result<Heard> {
        self.reader.get_ref().set_read_timeout(at_most)?;
        // A word may have come together with the sockets.
        if !self.partial.contains(&b'\n') {
            match self.reader.read_until(b'\n', &mut self.partial) {
                Ok(_) => {}
                Err(error) if is_time(&error) => return Ok(Heard::Nothing),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Heard::Gone),
                Err(error) => return Err(error),
            }
        }
        let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') else {
            return Ok(Heard::Gone);
        };
        let line: Vec<u8> = self.partial.drain(..=end).collect();
        Ok(Heard::Word(serde_json::from_slice(&line)?))
    }

    /// Waits for this word.
    ///
    /// # Errors
    ///
    /// The system's, or that another word came, or none.
    pub fn expect(&mut self, word: &Word, at_most: Option<Duration>) -> io::Result<()> {
        match self.hear(at_most)? {
            Heard::Word(heard) if heard == *word => Ok(()),
            Heard::Word(other) => Err(unexpected(&other)),
            Heard::Nothing => Err(ErrorKind::TimedOut.into()),
            Heard::Gone => Err(gone()),
        }
    }
}

/// Says that a word came that does not belong there.
pub fn unexpected(word: &Word) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("it said {word:?}"))
}

/// Says that the other process has gone.
pub fn gone() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "it has gone")
}

fn written(word: &Word) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    Ok(line)
}

fn is_time(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_words_pass_over_the_line_in_order() {
        let (old, new) = UnixStream::pair().unwrap();
        let (mut old, mut new) = (Line::over(old), Line::over(new));
        let sockets: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let told = Told { held: 1, spent: 2 };
        let purses = BTreeMap::from([("ci".to_owned(), told)]);

        new.say(&Word::Cut).unwrap();
        old.expect(&Word::Cut, None).unwrap();
        old.pass(&sockets).unwrap();
        old.say(&Word::Told { purses: purses.clone() }).unwrap();
        old.say(&Word::Closed).unwrap();

        let taken = new.take().unwrap().unwrap();
        let addresses = |sockets: &[TcpListener]| -> Vec<_> {
            sockets.iter().map(|socket| socket.local_addr().unwrap()).collect()
        };
        assert_eq!(addresses(&taken), addresses(&sockets));
        assert!(
            matches!(new.hear(None).unwrap(), Heard::Word(Word::Told { purses: heard }) if heard == purses)
        );
        new.expect(&Word::Closed, None).unwrap();
        assert!(matches!(new.hear(Some(Duration::from_millis(1))).unwrap(), Heard::Nothing));
        drop(old);
        assert!(matches!(new.hear(None).unwrap(), Heard::Gone));
        assert!(new.take().unwrap().is_none());
    }

    #[test]
    fn half_a_word_waits_for_its_other_half() {
        let (mut other, this) = UnixStream::pair().unwrap();
        let mut line = Line::over(this);
        other.write_all(b"{\"word\":").unwrap();
        assert!(matches!(line.hear(Some(Duration::from_millis(1))).unwrap(), Heard::Nothing));
        other.write_all(b"\"closed\"}\n").unwrap();
        line.expect(&Word::Closed, None).unwrap();
        other.write_all(b"nonsense\n").unwrap();
        assert!(line.hear(None).is_err());
    }
}
