//! PostgreSQL: a pool of connections.
//!
//! # Encryption
//! A server on another machine is only talked to over TLS, unless the URL says
//! otherwise by its `sslmode` (`disable`, `prefer`, `require`). Where there is TLS, the
//! server's certificate is always verified, with its name: what libpq calls
//! `verify-full`.
//!
//! # Other replicas
//! A replica that is frozen, or whose machine has lost its power or its network, may hold
//! locks that all others wait for, and PostgreSQL by itself lets it. Every connection has
//! [`BOUNDS`] on that, where the operator has set none.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{DatabaseError, missing};
use crate::http::is_loopback;
use crate::secret::Secret;

/// How long a query waits for a connection.
const WAIT_TIME_MAX: Duration = Duration::from_secs(5);
/// Settings of every connection that PostgreSQL has and nobody has set: after how long it
/// ends a transaction whose replica does nothing, so that others get its locks; how long to
/// wait for a lock, which is less than a request may take, so that nobody waits for one who
/// is not there any more; and when a machine that does not answer is given up.
const BOUNDS: &[(&str, &str)] = &[
    ("idle_in_transaction_session_timeout", "15s"),
    ("lock_timeout", "10s"),
    ("client_connection_check_interval", "5s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "20s"),
];
/// When a PostgreSQL whose machine does not answer is given up: the same, from this side.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVES_RETRIES: u32 = 3;
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);
/// Any number: it keeps replicas that start together from migrating together.
const MIGRATION_LOCK: i64 = 0x5365_7373;

/// A pool of connections.
#[derive(Clone)]
pub struct Postgres(Pool);

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) async fn open(
        url: &Secret,
        connections: usize,
        ca_file: Option<&Path>,
        migrations: &'static [&'static str],
    ) -> Result<Self, DatabaseError> {
        let config = config(url.expose())?;
        let settings = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = if config.get_ssl_mode() == SslMode::Disable {
            Manager::from_config(config, NoTls, settings)
        } else {
            Manager::from_config(config, tls(ca_file)?, settings)
        };
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIME_MAX))
            .create_timeout(Some(WAIT_TIME_MAX))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async { set_bounds(client).await.map_err(HookError::Backend) })
            }))
            .build()?;
        let this = Self(pool);
        this.migrate(migrations).await?;
        Ok(this)
    }

    /// A connection; it goes back to the pool when it is dropped.
    ///
    /// # Errors
    /// [`DatabaseError::Unreachable`].
    pub async fn get(&self) -> Result<Object, DatabaseError> {
        Ok(self.0.get().await?)
    }

    async fn migrate(&self, migrations: &'static [&'static str]) -> Result<(), DatabaseError> {
        let mut client = self.get().await?;
        let transaction = client.transaction().await?;
        // Another replica's migrations may take any time.
        transaction
            .batch_execute("SET LOCAL lock_timeout = 0")
            .await?;
        transaction
            .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
            .await?;
        transaction
            .batch_execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
            .await?;
        let found = transaction
            .query_opt("SELECT max(version) FROM schema_version", &[])
            .await?
            .and_then(|row| row.get::<_, Option<i64>>(0))
            .unwrap_or(0);
        for (number, step) in missing(found, migrations)? {
            transaction.batch_execute(step).await?;
            transaction
                .execute(
                    "INSERT INTO schema_version (version) VALUES ($1)",
                    &[&number],
                )
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Whether the URL is one, and the authorities' file holds some.
pub(super) fn check(url: &Secret, ca_file: Option<&Path>) -> Result<(), DatabaseError> {
    config(url.expose())?;
    ca_file.map_or(Ok(()), |path| authorities(path).map(drop))
}

/// Sets [`BOUNDS`] for a new connection.
async fn set_bounds(client: &Client) -> Result<(), tokio_postgres::Error> {
    let (names, bounds): (Vec<_>, Vec<_>) = BOUNDS.iter().copied().unzip();
    let set = "SELECT set_config(name, bound, false)
               FROM unnest($1::text[], $2::text[]) AS bounds (name, bound)
               JOIN pg_settings USING (name)
               WHERE source = 'default'";
    client.query(set, &[&names, &bounds]).await?;
    Ok(())
}

/// What the URL says, and how the connection is encrypted where it does not say.
fn config(url: &str) -> Result<Config, DatabaseError> {
    let mut config = Config::from_str(url).map_err(DatabaseError::Url)?;
    let hosts = config.get_hosts();
    let addresses = config.get_hostaddrs();
    let is_here = |host: &Host| match host {
        Host::Tcp(name) => is_loopback(name),
        Host::Unix(_) => true,
    };
    let all_here = hosts.iter().all(is_here) && addresses.iter().all(IpAddr::is_loopback);
    let all_unix = hosts.iter().all(|host| matches!(host, Host::Unix(_))) && addresses.is_empty();
    if all_unix {
        // There is no TLS over sockets in the file system.
        config.ssl_mode(SslMode::Disable);
    } else if !all_here && !url.contains("sslmode") {
        config.ssl_mode(SslMode::Require);
    }
    if !url.contains("keepalives") {
        config
            .keepalives_idle(KEEPALIVES_IDLE)
            .keepalives_interval(KEEPALIVES_INTERVAL)
            .keepalives_retries(KEEPALIVES_RETRIES);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    Ok(config)
}

/// TLS to a server that an authority in `ca_file`, or one of the system's, vouches for.
fn tls(ca_file: Option<&Path>) -> Result<MakeRustlsConnect, DatabaseError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match ca_file {
        Some(path) => builder.with_root_certificates(authorities(path)?),
        None => builder.with_platform_verifier()?,
    };
    Ok(MakeRustlsConnect::new(builder.with_no_client_auth()))
}

fn authorities(path: &Path) -> Result<RootCertStore, DatabaseError> {
    let error = |source| DatabaseError::CaFile {
        path: path.to_owned(),
        source,
    };
    let mut authorities = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(path).map_err(error)? {
        authorities.add(authority.map_err(error)?)?;
    }
    Ok(authorities)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    use tokio_postgres::error::SqlState;

    use super::*;
    use crate::database::testing::postgres::Server;
    use crate::log::Causes;

    #[test]
    fn another_machine_is_only_talked_to_over_tls_unless_the_url_says_otherwise() {
        for (url, mode) in [
            ("postgres://user@db.example/x", SslMode::Require),
            ("postgres://user@127.0.0.1.example/x", SslMode::Require),
            ("host=db.example,localhost user=x", SslMode::Require),
            ("hostaddr=192.0.2.1 host=localhost user=x", SslMode::Require),
            (
                "postgres://user@db.example/x?sslmode=prefer",
                SslMode::Prefer,
            ),
            (
                "postgres://user@db.example/x?sslmode=disable",
                SslMode::Disable,
            ),
            (
                "postgres://user@localhost/x?sslmode=require",
                SslMode::Require,
            ),
            ("postgres://user@[::1]/x", SslMode::Prefer),
            ("postgres://user@127.0.0.1/x", SslMode::Prefer),
            ("host=/run/postgresql user=x", SslMode::Disable),
        ] {
            assert_eq!(config(url).unwrap().get_ssl_mode(), mode, "{url}");
        }
        assert!(matches!(
            config("postgres://x/?sslmode=maybe"),
            Err(DatabaseError::Url(_))
        ));
    }

    /// Makes a certificate for 127.0.0.1 that vouches for itself, and its key.
    fn certificate(dir: &Path) -> PathBuf {
        let path = dir.join("cert.pem");
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=x"])
            .args(["-addext", "basicConstraints=CA:FALSE"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-out"])
            .arg(&path)
            .arg("-keyout")
            .arg(dir.join("key.pem"))
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "openssl: {made}");
        path
    }

    /// Whether a connection is encrypted, as PostgreSQL sees it; or why there is none.
    async fn is_encrypted(url: String, ca_file: Option<&Path>) -> Result<bool, String> {
        let shown = |error| Causes(&error).to_string();
        let open = Postgres::open(&Secret::new(url), 1, ca_file, &[]).await;
        let client = open
            .map_err(shown)?
            .get()
            .await
            .map_err(|it| Causes(&it).to_string())?;
        let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok(client.query_one(query, &[]).await.unwrap().get(0))
    }

    #[tokio::test]
    async fn a_server_is_verified() {
        let dir = tempfile::tempdir().unwrap();
        let mut ca_file = dir.path().join("ca.pem");
        let server = Server::start(|server_dir| {
            fs::copy(certificate(server_dir), &ca_file).unwrap();
            let dir = server_dir.display();
            vec![
                "listen_addresses=127.0.0.1".to_owned(),
                "ssl=on".to_owned(),
                format!("ssl_cert_file={dir}/cert.pem"),
                format!("ssl_key_file={dir}/key.pem"),
            ]
        });
        let url = |host: &str, mode: &str| {
            format!("postgres://postgres@{host}:{}/postgres{mode}", server.port)
        };
        let ca = Some(ca_file.as_path());
        for (mode, encrypted) in [
            ("?sslmode=require", true),
            ("?sslmode=prefer", true),
            ("", true),
            ("?sslmode=disable", false),
        ] {
            let is_encrypted = is_encrypted(url("127.0.0.1", mode), ca).await;
            assert_eq!(is_encrypted, Ok(encrypted), "{mode}");
        }
        // It is not called so.
        let error = is_encrypted(url("localhost", ""), ca).await.unwrap_err();
        assert!(error.contains("not valid for name"), "{error}");
        // The system's authorities do not vouch for it, nor does another one.
        for mode in ["", "?sslmode=prefer", "?sslmode=require"] {
            let error = is_encrypted(url("127.0.0.1", mode), None)
                .await
                .unwrap_err();
            assert!(error.contains("invalid peer certificate"), "{error}");
        }
        ca_file = certificate(dir.path());
        let other = is_encrypted(url("127.0.0.1", ""), Some(&ca_file)).await;
        let error = other.unwrap_err();
        assert!(error.contains("invalid peer certificate"), "{error}");
    }

    #[tokio::test]
    async fn a_server_without_tls_is_refused_where_it_is_required() {
        let server = Server::start(|_| vec!["listen_addresses=127.0.0.1".to_owned()]);
        let url = |mode: &str| {
            format!(
                "postgres://postgres@127.0.0.1:{}/postgres{mode}",
                server.port
            )
        };
        assert_eq!(is_encrypted(url("?sslmode=prefer"), None).await, Ok(false));
        let error = is_encrypted(url("?sslmode=require"), None)
            .await
            .unwrap_err();
        assert!(error.contains("does not support TLS"), "{error}");
    }

    /// A replica that was stopped in the middle: its connection stays, and says nothing.
    #[tokio::test]
    async fn a_replica_that_does_nothing_keeps_its_locks_for_seconds() {
        let server = Server::start(|_| vec!["listen_addresses=127.0.0.1".to_owned()]);
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port);
        let open = || async { Postgres::open(&Secret::new(url.clone()), 2, None, &[]).await };
        let (frozen, other) = (open().await.unwrap(), open().await.unwrap());
        let lock = "SELECT pg_advisory_xact_lock(1)";
        let mut stopped = frozen.get().await.unwrap();
        let transaction = stopped.transaction().await.unwrap();
        transaction.query(lock, &[]).await.unwrap();

        let start = Instant::now();
        let client = other.get().await.unwrap();
        let error = client.query(lock, &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::LOCK_NOT_AVAILABLE));
        client.query(lock, &[]).await.expect("the lock is free");
        assert!(start.elapsed() < Duration::from_secs(25));
        assert!(transaction.commit().await.is_err(), "it is told so");
    }

    #[tokio::test]
    async fn what_the_operator_has_set_stays() {
        let server = Server::start(|_| {
            vec![
                "listen_addresses=127.0.0.1".to_owned(),
                "lock_timeout=7s".to_owned(),
            ]
        });
        let url = |options: &str| {
            let port = server.port;
            Secret::new(format!(
                "postgres://postgres@127.0.0.1:{port}/postgres{options}"
            ))
        };
        for (options, expected) in [
            ("", ["15s", "7s", "20000"]),
            (
                "?options=-c%20idle_in_transaction_session_timeout%3D3s",
                ["3s", "7s", "20000"],
            ),
        ] {
            let pool = Postgres::open(&url(options), 1, None, &[]).await.unwrap();
            let client = pool.get().await.unwrap();
            let names = [
                "idle_in_transaction_session_timeout",
                "lock_timeout",
                "tcp_user_timeout",
            ];
            for (name, expected) in names.into_iter().zip(expected) {
                let row = client
                    .query_one(&format!("SHOW {name}"), &[])
                    .await
                    .unwrap();
                assert_eq!(row.get::<_, &str>(0), expected, "{name}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_without_authorities_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none.pem");
        let open = |path: PathBuf| async move {
            is_encrypted("postgres://x@127.0.0.1/x".to_owned(), Some(&path)).await
        };
        let error = open(path.clone()).await.unwrap_err();
        assert!(error.contains("none.pem"), "{error}");
        fs::write(&path, "nothing").unwrap();
        assert!(open(path).await.is_err());
    }
}
