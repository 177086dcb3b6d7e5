//! `omniroute translate`: the playground on the shell. Reads a request, a reply or a stream on standard
//! input and writes what the gateway would make of it; what was lost is said on standard error.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use omniroute_core::snapshot::{Overrides, Snapshot};
use omniroute_wire::translator::{as_api_error, translate_reply};
use omniroute_wire::{ApiError, Codec, ModelFacts, Translator, WireError, WireFormat};

use super::{ConfigArgs, EXIT_GIVEN, EXIT_SYSTEM, complain, environment};
use crate::playground;

/// Bytes read at once from a stream.
const PIECE_BYTES: usize = 16 * 1024;

/// What `omniroute translate` is told.
#[derive(Debug, Args)]
pub(super) struct TranslateArgs {
    /// The format of what is read: for a request the client's, for replies the provider's.
    #[arg(long, value_parser = playground::format)]
    from: WireFormat,
    /// The format of what is written.
    #[arg(long, value_parser = playground::format)]
    to: WireFormat,
    #[command(flatten)]
    what: What,
    /// The model to send a request to. `provider/model` takes what the catalogue knows of it. The
    /// request's own if not given.
    #[arg(long)]
    model: Option<String>,
    /// Refuse a request of which anything would be dropped.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct What {
    /// Translate a request (the default).
    #[arg(long)]
    request: bool,
    /// Translate a whole reply, or an error.
    #[arg(long)]
    reply: bool,
    /// Translate an event stream, piece by piece as it comes.
    #[arg(long)]
    stream: bool,
}

/// Why nothing was translated.
enum Fault {
    /// What was given is at fault.
    Given(String),
    /// The system refused.
    System(std::io::Error),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::System(error)
    }
}

impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        Self::Given(error.to_string())
    }
}

/// Translates standard input to standard output.
pub(super) fn translate(args: TranslateArgs) -> ExitCode {
    let (from, to) = (args.from.codec(), args.to.codec());
    let done = if args.what.stream {
        stream(from, to, &args)
    } else if args.what.reply {
        reply(from, to, &args)
    } else {
        request(from, to, args)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault::Given(text)) => {
            complain(&format!("omniroute: {text}"));
            ExitCode::from(EXIT_GIVEN)
        }
        Err(Fault::System(error)) => {
            complain(&format!("omniroute: {error}"));
            ExitCode::from(EXIT_SYSTEM)
        }
    }
}

fn request(from: &dyn Codec, to: &dyn Codec, args: TranslateArgs) -> Result<(), Fault> {
    let body = Bytes::from(read()?);
    let (facts, model) = known(args.model, args.config.config)?;
    let translated = playground::request((from, to), &body, model.as_deref(), &facts)?;
    for note in translated.notes.entries() {
        complain(&format!("{} {}: {}", playground::mark(note), note.field, note.detail));
    }
    if args.strict {
        translated.notes.refuse_losses()?;
    }
    Ok(write(&translated.body)?)
}

/// Returns what the catalogue knows of the target model, and the provider's name for it.
fn known(
    model: Option<String>,
    config: Option<PathBuf>,
) -> Result<(ModelFacts, Option<String>), Fault> {
    let split = model.as_deref().and_then(|model| model.split_once('/'));
    let Some((provider, name)) = split else { return Ok((ModelFacts::default(), model)) };
    let source = environment::source(config, Overrides::default());
    let snapshot: Snapshot =
        source.snapshot().map_err(|problems| Fault::Given(problems.to_string()))?;
    Ok(match snapshot.by_prefix.get(provider) {
        Some(known) => (known.facts(name).into_owned(), Some(name.to_owned())),
        None => (ModelFacts::default(), model),
    })
}

fn reply(from: &dyn Codec, to: &dyn Codec, args: &TranslateArgs) -> Result<(), Fault> {
    let body = Bytes::from(read()?);
    let whole = translate_reply(from, to, &body, &playground::context(args.model.as_deref()));
    if let Some(error) = &whole.error {
        complain(&format!("omniroute: the reply is an error: {}", error.message));
    }
    Ok(write(&whole.body)?)
}

fn stream(from: &dyn Codec, to: &'static dyn Codec, args: &TranslateArgs) -> Result<(), Fault> {
    let mut translator = Translator::new(from, to, playground::context(args.model.as_deref()));
    let (mut input, mut pieces) = (std::io::stdin().lock(), Vec::new());
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let length = input.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        translator.push(&Bytes::copy_from_slice(&buffer[..length]), &mut pieces);
        for piece in pieces.drain(..) {
            write(&piece)?;
        }
    }
    translator.finish(&mut pieces);
    for piece in pieces.drain(..) {
        write(&piece)?;
    }
    if let Some(error) = translator.error() {
        let ApiError { message, .. } = as_api_error(error);
        complain(&format!("omniroute: the stream ended in an error: {message}"));
    }
    Ok(())
}

fn read() -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    std::io::stdin().lock().read_to_end(&mut body)?;
    Ok(body)
}

/// Writes at once, so that a stream can be watched. Whoever closed standard output does not want it.
fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
