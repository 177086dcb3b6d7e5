//! The reference: Pingora that passes everything through to one upstream and does nothing else.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use pingora::http::RequestHeader;
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

/// One attempt per request: a repetition would hide a fault and cost time.
const TRIES: usize = 1;

/// Passes requests through.
struct PassThrough {
    peer: HttpPeer,
    host: String,
}

#[async_trait]
impl ProxyHttp for PassThrough {
    type CTX = ();

    fn new_ctx(&self) -> Self::CTX {}

    async fn upstream_peer(
        &self,
        _: &mut Session,
        (): &mut Self::CTX,
    ) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(self.peer.clone()))
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        (): &mut Self::CTX,
    ) -> pingora::Result<()> {
        request.insert_header(http::header::HOST, &self.host)
    }
}

/// Serves until the process is ended.
pub(crate) fn serve(listen: SocketAddr, upstream: SocketAddr, threads: usize) -> ! {
    let conf = ServerConf { threads, max_retries: TRIES, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    #[expect(clippy::disallowed_methods, reason = "an address is given, so nothing is resolved")]
    let peer = HttpPeer::new(upstream, false, String::new());
    let proxy = PassThrough { peer, host: upstream.to_string() };
    let mut service = http_proxy_service(&Arc::clone(&server.configuration), proxy);
    service.add_tcp(&listen.to_string());
    service.threads = Some(threads);
    server.add_service(service);
    server.run_forever()
}
