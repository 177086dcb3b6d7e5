//! `omniroute translate`: the playground on the shell. Reads a request, a reply or a stream on standard
//! input and writes what the gateway would make of it; what was lost is said on standard error.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use omniroute_core::snapshot::{Overrides, Snapshot};
use omniroute_wire::codec::PathModel;
use omniroute_wire::notes::{Mark, Notes};
use omniroute_wire::translator::{as_api_error, translate_reply};
use omniroute_wire::{
    ApiError, Change, Codec, ModelFacts, Peek, ReplyContext, Target, Translator, WireError,
    WireFormat, envelope,
};

use super::{ConfigArgs, EXIT_GIVEN, EXIT_SYSTEM, complain, environment};

/// Bytes read at once from a stream.
const PIECE_BYTES: usize = 16 * 1024;

/// What `omniroute translate` is told.
#[derive(Debug, Args)]
pub(super) struct TranslateArgs {
    /// The format of what is read: for a request the client's, for replies the provider's.
    #[arg(long, value_parser = format)]
    from: WireFormat,
    /// The format of what is written.
    #[arg(long, value_parser = format)]
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

/// Reads a format's name in the YAML or its short name in the documentation.
fn format(name: &str) -> Result<WireFormat, String> {
    let short = match name {
        "chat" => Some(WireFormat::OpenAiChat),
        "responses" => Some(WireFormat::OpenAiResponses),
        "messages" => Some(WireFormat::Anthropic),
        "generate" => Some(WireFormat::Gemini),
        _ => WireFormat::ALL.into_iter().find(|format| format.name() == name),
    };
    short.ok_or_else(|| {
        let names = WireFormat::ALL.map(WireFormat::name).join(", ");
        format!("`{name}` is no format; write one of {names}")
    })
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
    let peek = peek(from, &body, args.model.as_deref())?;
    let (facts, model) = known(&args.model, args.config.config, &peek)?;
    if from.format() == to.format() {
        return Ok(write(&from.splice(&body, &peek, &Change::model(&model)))?);
    }
    let mut request = from.read_request(&body, &peek)?;
    envelope::open_all(&mut request, &[]);
    let mut notes = std::mem::take(&mut request.notes);
    let written = to.write_request(&request, &Target::new(&model, &facts), &mut notes)?;
    say_notes(&notes);
    if args.strict {
        notes.refuse_losses()?;
    }
    Ok(write(&written.body)?)
}

/// Reads what the URL would say from the command line: Gemini's requests do not name their model.
fn peek(from: &dyn Codec, body: &[u8], model: Option<&str>) -> Result<Peek, Fault> {
    let path = (from.format() == WireFormat::Gemini).then(|| PathModel {
        model: model.unwrap_or("gemini").to_owned(),
        stream: false,
        json_array: false,
    });
    Ok(from.peek(body, path.as_ref())?)
}

/// Returns what the catalogue knows of the target model, and the provider's name for it.
fn known(
    model: &Option<String>,
    config: Option<PathBuf>,
    peek: &Peek,
) -> Result<(ModelFacts, String), Fault> {
    let Some(model) = model else { return Ok((ModelFacts::default(), peek.model.clone())) };
    let Some((provider, name)) = model.split_once('/') else {
        return Ok((ModelFacts::default(), model.clone()));
    };
    let source = environment::source(config, Overrides::default());
    let snapshot: Snapshot =
        source.snapshot().map_err(|problems| Fault::Given(problems.to_string()))?;
    Ok(match snapshot.by_prefix.get(provider) {
        Some(known) => (known.facts(name).into_owned(), name.to_owned()),
        None => (ModelFacts::default(), model.clone()),
    })
}

fn reply(from: &dyn Codec, to: &dyn Codec, args: &TranslateArgs) -> Result<(), Fault> {
    let body = Bytes::from(read()?);
    let whole = translate_reply(from, to, &body, &context(args));
    if let Some(error) = &whole.error {
        complain(&format!("omniroute: the reply is an error: {}", error.message));
    }
    Ok(write(&whole.body)?)
}

fn stream(from: &dyn Codec, to: &'static dyn Codec, args: &TranslateArgs) -> Result<(), Fault> {
    let mut translator = Translator::new(from, to, context(args));
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

fn context(args: &TranslateArgs) -> ReplyContext {
    ReplyContext {
        model: args.model.clone().unwrap_or_default(),
        id: "translated".to_owned(),
        include_usage: true,
        ..ReplyContext::default()
    }
}

fn say_notes(notes: &Notes) {
    for note in notes.entries() {
        let mark = match note.mark {
            Mark::Approximated => "approximated",
            Mark::Dropped => "dropped",
        };
        complain(&format!("{mark} {}: {}", note.field, note.detail));
    }
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
