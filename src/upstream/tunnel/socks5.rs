//! SOCKS5 (RFC 1928) with user and password (RFC 1929).

use omniroute_core::snapshot::Login;
use tokio::net::TcpStream;
use tokio_socks::Error;
use tokio_socks::tcp::Socks5Stream;

use super::failure::Failure;
use super::open::Target;

/// Asks for a connection to the target, by its name.
pub(super) async fn ask(
    stream: TcpStream,
    login: Option<&Login>,
    Target { host, port }: Target<'_>,
) -> Result<TcpStream, Failure> {
    let target = (host, port);
    let asked = match login {
        None => Socks5Stream::connect_with_socket(stream, target).await,
        Some(Login { user, password }) => {
            let (user, password) = (user.expose(), password.expose());
            Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
        }
    };
    asked.map(Socks5Stream::into_inner).map_err(|error| failure(&error, login.is_some()))
}

fn failure(error: &Error, has_login: bool) -> Failure {
    match error {
        Error::Io(_) => Failure::CLOSED,
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired if !has_login => {
            Failure::WANTS_LOGIN
        }
        Error::NoAcceptableAuthMethods
        | Error::AuthorizationRequired
        | Error::PasswordAuthFailure(_)
        | Error::InvalidAuthValues(_) => Failure::LOGIN_REFUSED,
        Error::ConnectionNotAllowedByRuleset => Failure::FORBIDDEN,
        Error::ConnectionRefused => Failure::TARGET_REFUSED,
        Error::GeneralSocksServerFailure
        | Error::NetworkUnreachable
        | Error::HostUnreachable
        | Error::TtlExpired => Failure::UNREACHED,
        Error::CommandNotSupported | Error::AddressTypeNotSupported => Failure::NOT_DONE,
        Error::InvalidTargetAddress(_) => Failure::UNNAMEABLE,
        // The others are answers that no SOCKS5 proxy gives.
        _ => Failure::NO_SOCKS5_PROXY,
    }
}
