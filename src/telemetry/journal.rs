//! Levels as the journal wants them: `<3>` before a line (sd-daemon(3)), so that `journalctl -p warning` finds
//! what somebody should read.

use std::fs::File;
use std::io::{self, Stderr, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The variable in which systemd says which stream leads to the journal, as `device:inode`.
const VARIABLE: &str = "JOURNAL_STREAM";

/// Writes log lines to standard error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    is_journal: bool,
}

impl Lines {
    /// Looks where standard error leads: the journal gets levels, a terminal or a file does not.
    pub(super) fn new() -> Self {
        let named = std::env::var_os(VARIABLE);
        let is_journal = named.is_some_and(|named| {
            stderr_identity().is_ok_and(|identity| named.to_str() == Some(identity.as_str()))
        });
        Self { is_journal }
    }
}

/// Returns what standard error is, as the variable says it.
fn stderr_identity() -> io::Result<String> {
    let file = File::from(io::stderr().as_fd().try_clone_to_owned()?).metadata()?;
    Ok(format!("{}:{}", file.dev(), file.ino()))
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { prefix: "", to: io::stderr() }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        let prefix = if self.is_journal { prefix(*metadata.level()) } else { "" };
        Line { prefix, to: io::stderr() }
    }
}

/// The levels of syslog(3).
const fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

/// One line of the log.
#[derive(Debug)]
pub(super) struct Line<W> {
    /// What goes before what is written next.
    prefix: &'static str,
    to: W,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.prefix.is_empty() {
            return self.to.write(line);
        }
        // In one piece: other threads write too.
        let whole = [self.prefix.as_bytes(), line].concat();
        self.to.write_all(&whole)?;
        self.prefix = "";
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_level_once_and_only_for_the_journal() {
        let written = |prefix| {
            let mut line = Line { prefix, to: Vec::new() };
            line.write_all(b"first ").unwrap();
            line.write_all(b"second\n").unwrap();
            String::from_utf8(line.to).unwrap()
        };
        assert_eq!(written(prefix(Level::WARN)), "<4>first second\n");
        assert_eq!(written(""), "first second\n");
    }
}
