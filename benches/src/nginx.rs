//! nginx as a second reference, where it is installed.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process::{Process, Ready, free_address};

/// Starts nginx before the upstream, or returns `None` if it is not installed.
///
/// It runs as one process with one worker, so that its processor time is all in one place.
///
/// # Errors
///
/// If it is installed but does not start.
pub(crate) async fn start(folder: &Path, upstream: SocketAddr) -> Result<Option<Process>, Failure> {
    let is_installed = Command::new("nginx")
        .arg("-v")
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_installed {
        return Ok(None);
    }
    let folder = folder.join("nginx");
    fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
    let address = free_address()?;
    let conf = folder.join("nginx.conf");
    fs::write(&conf, config(address, upstream)).map_err(Failure::file("write", &conf))?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&folder).arg("-c").arg(&conf).args(["-e", "error.log"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (process, _) = Process::start("nginx", &mut command, address, Ready::Accepts).await?;
    Ok(Some(process))
}

/// Kept-alive connections on both sides and no log, as the bare Pingora proxy has it.
fn config(listen: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_buffer_size 256k;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream provider {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen {listen};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header connection \"\";
    }}
  }}
}}
"
    )
}
