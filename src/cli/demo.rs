//! `omniroute demo`: the gateway in front of simulated providers, with nothing to install or to write.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use omniroute_core::snapshot::Overrides;
use omniroute_sim::{Running, Sim};
use rand::RngExt;

use super::{EXIT_SYSTEM, complain, ended, environment};
use crate::app::{App, Extras};
use crate::keeping::Keeps;
use crate::live::Text;
use crate::telemetry::LogFormat;

/// Time between two tokens of a simulated stream: slow enough to watch, fast enough not to bore.
const PACE: Duration = Duration::from_millis(40);

/// Runs the demo until it is interrupted.
pub(super) fn demo(port: u16, log: LogFormat) -> ExitCode {
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return refused(&error),
        };
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sim = match runtime.block_on(Sim::new().pace(PACE).bind(here)) {
        Ok(sim) => sim,
        Err(error) => return refused(&error),
    };
    let text = Text::BuiltIn("demo", config(&sim));
    let overrides = Overrides { port: Some(port), ..Overrides::default() };
    let mut source = environment::with_text(text, overrides);
    let key: [u8; 32] = rand::rng().random();
    source.keeps = Keeps::InMemory;
    source.envelope_key = Some(Arc::from(key));
    let extras = Extras { sim: Some(sim), words: Some(words) };
    ended(App::build(source, Some(log)).and_then(|app| app.run(extras)))
}

fn refused(error: &std::io::Error) -> ExitCode {
    complain(&format!("omniroute: the simulated providers cannot start: {error}"));
    ExitCode::from(EXIT_SYSTEM)
}

/// A provider of every format, a combo whose first member fails, an alias. All on this machine, whatever
/// proxy the environment names. Breakers hardly ever open: the simulated failures are asked for, and one
/// model's are not to spare the others.
fn config(sim: &Running) -> String {
    let base = sim.addr();
    let provider = |id: &str, wire: &str| {
        format!(
            "  {id}:\n    wire: {wire}\n    base_url: http://{base}\n    auth: {{ kind: none }}\n    models:\n      \
             - {{ id: echo, context_tokens: 128000, max_output_tokens: 8192 }}\n      \
             - {{ id: think, context_tokens: 128000, max_output_tokens: 8192 }}\n"
        )
    };
    format!(
        "tunnel: direct\nproviders:\n{}{}{}{}combos:\n  demo:\n    targets: [sim-openai/500, sim-anthropic/529, sim-gemini/echo]\n\
         aliases:\n  gpt-*: sim-openai/echo\n  codex-*: sim-responses/echo\n  claude-*: sim-anthropic/echo\n  gemini-*: sim-gemini/echo\n  \
         hello: demo\n\
         resilience:\n  profiles:\n    api_key: {{ failure_threshold: 1000 }}\n",
        provider("sim-openai", "openai_chat"),
        provider("sim-responses", "openai_responses"),
        provider("sim-anthropic", "anthropic"),
        provider("sim-gemini", "gemini"),
    )
}

/// The three lines to paste.
fn words(address: SocketAddr) -> String {
    format!(
        r#"
The gateway runs on http://{address} with four simulated providers. Paste any of these:

# An OpenAI client. The combo "demo" fails at its first two members; you will not notice.
curl -N http://{address}/v1/chat/completions -H 'content-type: application/json' -d '{{"model":"demo","stream":true,"messages":[{{"role":"user","content":"Hello from OpenAI"}}]}}'

# An Anthropic client at the OpenAI-shaped provider: translated both ways.
curl -N http://{address}/v1/messages -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' -d '{{"model":"gpt-demo","max_tokens":256,"stream":true,"messages":[{{"role":"user","content":"Hello from Anthropic"}}]}}'

# A Gemini client at the Anthropic-shaped provider.
curl -N 'http://{address}/v1beta/models/claude-demo:streamGenerateContent?alt=sse' -H 'content-type: application/json' -d '{{"contents":[{{"role":"user","parts":[{{"text":"Hello from Gemini"}}]}}]}}'

What happened is in the log above, at http://{address}/metrics, and in `omniroute explain`. Ctrl-C ends it.
"#
    )
}
