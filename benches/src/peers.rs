//! Other gateways, from their own packages: LiteLLM and Portkey, started before the same provider.
//!
//! `benches/peers.sh` installs them into `peers` of the target folder. Each is given the least it needs to
//! pass a request on: the client's key where it checks one, no database, no telemetry.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::failure::Failure;
use crate::process::{Process, Ready, free_address};
use crate::request::CLIENT_KEY;

/// Longest wait until one serves: an interpreter reads many files first.
const START_LIMIT: Duration = Duration::from_secs(90);

/// Another gateway.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) process: Process,
    /// What its requests carry besides what all have.
    pub(crate) headers: Vec<(String, String)>,
}

/// A peer that could not be started because it is not there, as a sentence.
pub(crate) type Absent = String;

/// Starts LiteLLM's proxy with one worker, or says that it is absent. `model` is what clients call the
/// only model.
///
/// # Errors
///
/// If it is there but does not start; its log is in `folder`.
pub(crate) async fn litellm(
    peers: &Path,
    folder: &Path,
    upstream: SocketAddr,
    model: &str,
) -> Result<Result<Peer, Absent>, Failure> {
    let python = peers.join("litellm/bin/python");
    let program = peers.join("litellm/bin/litellm");
    if !program.is_file() {
        return Ok(Err(absent("LiteLLM", &program)));
    }
    let asked = Command::new(&python)
        .args(["-c", "import importlib.metadata as m; print(m.version('litellm'))"])
        .output()
        .map_err(Failure::file("run", &python))?;
    let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    let config = folder.join("litellm.yaml");
    let text = format!(
        "model_list:\n  - model_name: \"{model}\"\n    litellm_params:\n      model: \"openai/{model}\"\n      \
         api_base: http://{upstream}/v1\n      api_key: sk-bench-same\ngeneral_settings:\n  \
         master_key: {CLIENT_KEY}\nlitellm_settings:\n  telemetry: false\n  num_retries: 0\n"
    );
    fs::write(&config, text).map_err(Failure::file("write", &config))?;
    let address = free_address()?;
    let mut command = Command::new(&program);
    command.env_clear().env("HOME", folder).env("PATH", peers.join("litellm/bin"));
    // Its price list would come from the network.
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("LITELLM_LOG", "ERROR");
    command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--config"]);
    command.arg(&config).args(["--telemetry", "False", "--num_workers", "1"]);
    let process = start("LiteLLM", command, folder, address).await?;
    Ok(Ok(Peer { name: "LiteLLM", version, process, headers: Vec::new() }))
}

/// Starts Portkey's gateway, or says that it is absent.
///
/// # Errors
///
/// As [`litellm`].
pub(crate) async fn portkey(
    peers: &Path,
    folder: &Path,
    upstream: SocketAddr,
) -> Result<Result<Peer, Absent>, Failure> {
    let package = peers.join("portkey/node_modules/@portkey-ai/gateway");
    let program = package.join("build/start-server.js");
    if !program.is_file() {
        return Ok(Err(absent("Portkey", &program)));
    }
    let about = package.join("package.json");
    let text = fs::read_to_string(&about).map_err(Failure::file("read", &about))?;
    let about: Value = serde_json::from_str(&text).unwrap_or_default();
    let version = about["version"].as_str().unwrap_or("unknown").to_owned();
    let address = free_address()?;
    let mut command = Command::new("node");
    command.arg(&program).arg(format!("--port={}", address.port())).arg("--headless");
    command.env("NODE_ENV", "production").env("TRUSTED_CUSTOM_HOSTS", "127.0.0.1,localhost");
    let process = start("Portkey", command, folder, address).await?;
    let headers = [
        ("x-portkey-provider", "openai".to_owned()),
        ("x-portkey-custom-host", format!("http://{upstream}/v1")),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Ok(Ok(Peer { name: "Portkey", version, process, headers }))
}

async fn start(
    name: &'static str,
    mut command: Command,
    folder: &Path,
    address: SocketAddr,
) -> Result<Process, Failure> {
    let log = folder.join(format!("{name}.log"));
    let file = fs::File::create(&log).map_err(Failure::file("make", &log))?;
    let same = file.try_clone().map_err(Failure::file("open", &log))?;
    command.current_dir(folder).stdin(Stdio::null()).stdout(file).stderr(same);
    match Process::start(name, &mut command, address, Ready::AcceptsWithin(START_LIMIT)).await {
        Ok((process, _)) => Ok(process),
        Err(failure) => {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last = said.lines().rev().take(10).collect::<Vec<_>>();
            let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
            Err(Failure::Process(format!("{failure}\n{last}")))
        }
    }
}

fn absent(name: &str, program: &Path) -> Absent {
    format!("{name} was not measured: {} is not there (benches/peers.sh).", program.display())
}
