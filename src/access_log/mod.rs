//! One line per request: who asked for what, who served, what happened on the way, how long it took.
//! Never a prompt, never a key.
//!
//! A line is made where the request ends and written by a thread of its own, many at a time: a write
//! for each line would cost more than everything else the gateway does for a request.

mod line;
mod writer;

use omniroute_core::clock::Clock;
use omniroute_core::context::{AttemptRecord, Outcome, RequestContext};

use self::line::Line;
use self::writer::Writer;
use crate::telemetry::LogFormat;

/// The access log on standard error.
pub struct AccessLog {
    output: Option<(LogFormat, Writer)>,
    clock: Clock,
}

impl AccessLog {
    /// Begins to write in this format, unless `RUST_LOG` switches the target `access` off.
    ///
    /// # Errors
    ///
    /// The system's, if no thread can be started.
    pub fn start(format: LogFormat, clock: Clock) -> std::io::Result<Self> {
        // Asked once: levels do not change while the program runs, and asking costs as much as half a line.
        if !tracing::enabled!(target: "access", tracing::Level::INFO) {
            return Ok(Self::off(clock));
        }
        Ok(Self { output: Some((format, Writer::start()?)), clock })
    }

    /// Makes a log that writes nothing.
    pub const fn off(clock: Clock) -> Self {
        Self { output: None, clock }
    }

    /// Writes a request's line.
    pub fn write(&self, cx: &RequestContext, outcome: &Outcome, records: &[AttemptRecord]) {
        let Some((format, writer)) = &self.output else { return };
        let line = Line::new(self.clock.wall(), cx, outcome, records);
        writer.append(|buffer| match format {
            LogFormat::Json => line.write_json(buffer),
            LogFormat::Text => line.write_text(buffer),
        });
    }

    /// Returns how many lines were dropped since the start because nobody reads them.
    pub fn dropped(&self) -> u64 {
        self.output.as_ref().map_or(0, |(_, writer)| writer.dropped())
    }

    /// Writes everything that is still waiting. For the end of the program.
    pub fn flush(&self) {
        if let Some((_, writer)) = &self.output {
            writer.flush();
        }
    }
}
