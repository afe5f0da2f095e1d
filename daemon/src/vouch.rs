//! Whether anything keeps the machine's clock synchronised.
//!
//! The kernel knows. Where the daemon may not ask it (systemd's `ProtectClock=` forbids
//! the call that could set the clock as well), systemd-timedated asks for it.

use std::mem;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use sesshoku_core::time::Voucher;
use tokio::time::timeout;
use zbus::proxy::CacheProperties;

use crate::config::Bus;

/// How long timedated may take, with its start.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The error, in microseconds, from which on the kernel calls a clock unsynchronised.
/// Setting the clock makes it that at once, and without a time service it comes to it
/// within nine hours. The flag STA_UNSYNC says less: chrony sets it to keep the kernel
/// from the real-time clock.
const UNSYNCHRONISED: libc::c_long = 16_000_000;

#[zbus::proxy(
    interface = "org.freedesktop.timedate1",
    default_service = "org.freedesktop.timedate1",
    default_path = "/org/freedesktop/timedate1"
)]
trait TimeDate {
    #[zbus(property(emits_changed_signal = "false"), name = "NTPSynchronized")]
    fn ntp_synchronized(&self) -> zbus::Result<bool>;
}

/// Who vouches for the machine's wall clock, by the kernel or by the timedated on `bus`.
/// Where neither can be asked, it is nobody.
pub(crate) async fn of_system_clock(bus: &Bus) -> Voucher {
    let is_synchronised = match kernel_says() {
        Ok(answer) => answer,
        Err(errno) => {
            tracing::trace!(%errno, "the kernel may not be asked about its clock");
            timedated_says(bus, ANSWER_WITHIN).await
        }
    };
    if is_synchronised {
        Voucher::Synchronisation
    } else {
        Voucher::Nobody
    }
}

fn kernel_says() -> nix::Result<bool> {
    // SAFETY: the structure is plain numbers, of which zero asks for no change.
    let mut status: libc::timex = unsafe { mem::zeroed() };
    // SAFETY: the call fills in the structure, which lives until it returns.
    Errno::result(unsafe { libc::adjtimex(&raw mut status) })?;
    Ok(status.maxerror < UNSYNCHRONISED)
}

async fn timedated_says(bus: &Bus, within: Duration) -> bool {
    let ask = async {
        let connection = bus.builder().build().await?;
        TimeDateProxy::builder(&connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?
            .ntp_synchronized()
            .await
    };
    match timeout(within, ask).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::debug!(%error, "nobody can say whether the clock is synchronised");
            false
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    use tempfile::TempDir;
    use zbus::Connection;

    use super::*;

    /// A bus of its own, which ends with the test.
    struct PrivateBus {
        daemon: Child,
        bus: Bus,
        _dir: TempDir,
    }

    impl PrivateBus {
        fn start() -> Self {
            let dir = TempDir::new().unwrap();
            let address = format!("unix:path={}", dir.path().join("bus").display());
            let mut daemon = Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--nopidfile", "--print-address"])
                .arg(format!("--address={address}"))
                .stdout(Stdio::piped())
                .spawn()
                .expect("dbus-daemon is installed");
            let mut line = String::new();
            let stdout = daemon.stdout.take().unwrap();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            Self {
                daemon,
                bus: Bus::Address(line.trim().to_owned()),
                _dir: dir,
            }
        }

        /// Has `timedated` answer there as systemd's does.
        async fn serve(&self, timedated: Timedated) -> Connection {
            self.bus
                .builder()
                .serve_at("/org/freedesktop/timedate1", timedated)
                .name("org.freedesktop.timedate1")
                .build()
                .await
                .unwrap()
        }
    }

    impl Drop for PrivateBus {
        fn drop(&mut self) {
            let _ = self.daemon.kill();
            let _ = self.daemon.wait();
        }
    }

    /// A timedated that says so, or never answers.
    struct Timedated(Option<bool>);

    #[zbus::interface(name = "org.freedesktop.timedate1")]
    impl Timedated {
        #[zbus(property, name = "NTPSynchronized")]
        async fn ntp_synchronized(&self) -> bool {
            match self.0 {
                Some(answer) => answer,
                None => pending().await,
            }
        }

        #[zbus(property, name = "NTP")]
        fn ntp(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn timedated_is_believed_and_nobody_else() {
        let private = PrivateBus::start();
        let within = Duration::from_secs(30);
        assert!(!timedated_says(&private.bus, within).await, "absent");
        for answer in [true, false] {
            let service = private.serve(Timedated(Some(answer))).await;
            assert_eq!(timedated_says(&private.bus, within).await, answer);
            service.close().await.unwrap();
        }
        let gone = Bus::Address("unix:path=/nonexistent/bus".into());
        assert!(!timedated_says(&gone, within).await, "no bus");
    }

    #[tokio::test]
    async fn a_timedated_that_hangs_vouches_for_nothing_and_holds_nobody_up() {
        let private = PrivateBus::start();
        let service = private.serve(Timedated(None)).await;
        let within = Duration::from_millis(300);
        let begun = Instant::now();
        assert!(!timedated_says(&private.bus, within).await);
        assert!(begun.elapsed() >= within, "it was asked");
        service.close().await.unwrap();
    }
}
