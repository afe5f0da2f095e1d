//! Whether anything keeps the machine's clock synchronised.
//!
//! The kernel knows. Where the daemon may not ask it (systemd's `ProtectClock=` forbids
//! the call that could set the clock as well), systemd-timedated asks for it.

use std::mem;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use tokio::time::timeout;
use zbus::proxy::CacheProperties;

use crate::clock::Voucher;
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
            timedated_says(bus).await
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

async fn timedated_says(bus: &Bus) -> bool {
    let ask = async {
        let connection = bus.builder().build().await?;
        TimeDateProxy::builder(&connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?
            .ntp_synchronized()
            .await
    };
    match timeout(ANSWER_WITHIN, ask).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::debug!(%error, "nobody can say whether the clock is synchronised");
            false
        }
        Err(_) => false,
    }
}
