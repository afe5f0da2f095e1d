//! The scanner of a controller.

use std::collections::HashSet;
use std::time::Duration;

use crate::Moment;
use crate::address::{Address, AddressType};
use crate::hci::Status;
use crate::hci::command::{PeerAddress, ScanEnable, ScanParameters};
use crate::hci::event::{Packet, advertising_report, extended_advertising_report};
use crate::pdu::{Pdu, PduKind};

/// A scanner.
#[derive(Clone, Debug)]
pub struct Scanner {
    parameters: ScanParameters,
    running: Option<Scan>,
}

#[derive(Clone, Debug)]
struct Scan {
    since: Moment,
    /// What was reported already; `None` when everything is reported.
    seen: Option<HashSet<(AddressType, Address, PduKind)>>,
    reports: ReportKind,
}

/// Which event a scan reports adverts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// LE Advertising Report: of legacy PDUs only.
    Legacy,
    /// LE Extended Advertising Report.
    Extended,
}

/// What came of a PDU that reached the antenna.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// The report to the kernel.
    pub report: Option<Packet>,
    /// Whether the scanner asks the sender for its scan response.
    pub asks: bool,
}

impl Scanner {
    /// A scanner that is not running, with the parameters it has after power-on.
    pub fn new() -> Self {
        Self {
            parameters: ScanParameters {
                active: false,
                interval_us: 10_000,
                window_us: 10_000,
                own_address: AddressType::Public,
                accept_list_only: false,
            },
            running: None,
        }
    }

    /// Whether it is scanning.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The type of address it asks from.
    pub fn own_address(&self) -> AddressType {
        self.parameters.own_address
    }

    /// Takes new parameters; disallowed while it runs (§7.8.10, §7.8.64).
    pub fn set_parameters(&mut self, parameters: ScanParameters) -> Result<(), Status> {
        if self.is_running() {
            return Err(Status::CommandDisallowed);
        }
        self.parameters = parameters;
        Ok(())
    }

    /// Starts or stops it. Starting it again forgets what was reported.
    pub fn set_enabled(&mut self, enable: ScanEnable, reports: ReportKind, now: Moment) {
        self.running = enable.enable.then(|| Scan {
            since: now,
            seen: enable.filter_duplicates.then(HashSet::new),
            reports,
        });
    }

    /// Receives `pdu`. A scan response `answers` an advert of that kind.
    pub fn hear(
        &mut self,
        pdu: &Pdu,
        answers: Option<PduKind>,
        rssi: i8,
        accept_list: &HashSet<PeerAddress>,
        now: Moment,
    ) -> Hearing {
        let parameters = &self.parameters;
        let Some(scan) = &mut self.running else {
            return Hearing::default();
        };
        let peer = PeerAddress {
            address_type: pdu.address_type,
            address: pdu.address,
        };
        let accepted = !parameters.accept_list_only || accept_list.contains(&peer);
        if !accepted || !is_listening(parameters, scan.since, now) {
            return Hearing::default();
        }
        let report = match scan.reports {
            ReportKind::Legacy => advertising_report(pdu, rssi),
            ReportKind::Extended => extended_advertising_report(pdu, answers, rssi),
        };
        if report.is_none() {
            return Hearing::default();
        }
        let mut is_new = |kind| match &mut scan.seen {
            Some(seen) => seen.insert((pdu.address_type, pdu.address, kind)),
            None => true,
        };
        Hearing {
            report: report.filter(|_| is_new(pdu.kind)),
            asks: parameters.active
                && pdu.kind.is_scannable()
                && !scan.seen.as_ref().is_some_and(|seen| {
                    seen.contains(&(pdu.address_type, pdu.address, PduKind::ScanRsp))
                }),
        }
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether `now` lies in a scan window. Windows follow each other at the scan
/// interval; an advertiser sends on all three channels, so that whichever of them
/// a window listens on, an advert in it is heard.
fn is_listening(parameters: &ScanParameters, since: Moment, now: Moment) -> bool {
    let interval = Duration::from_micros(parameters.interval_us);
    let passed = now.saturating_sub(since).as_micros() % interval.as_micros().max(1);
    passed < u128::from(parameters.window_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdu(kind: PduKind) -> Pdu {
        Pdu {
            kind,
            address: Address::new([1, 2, 3, 4, 5, 6]),
            address_type: AddressType::Random,
            data: vec![],
        }
    }

    fn scanner(
        change: impl FnOnce(&mut ScanParameters),
        filter: bool,
        kind: ReportKind,
    ) -> Scanner {
        let mut scanner = Scanner::new();
        let mut parameters = scanner.parameters.clone();
        change(&mut parameters);
        scanner.set_parameters(parameters).unwrap();
        let enable = ScanEnable {
            enable: true,
            filter_duplicates: filter,
        };
        scanner.set_enabled(enable, kind, Moment::ZERO);
        scanner
    }

    fn hears(scanner: &mut Scanner, kind: PduKind, at_ms: u64) -> bool {
        scanner
            .hear(
                &pdu(kind),
                None,
                -60,
                &HashSet::new(),
                Moment::from_millis(at_ms),
            )
            .report
            .is_some()
    }

    #[test]
    fn the_duplicate_filter_reports_each_advertiser_once_per_start() {
        let mut filtering = scanner(|_| (), true, ReportKind::Legacy);
        assert!(hears(&mut filtering, PduKind::AdvNonconnInd, 1));
        assert!(!hears(&mut filtering, PduKind::AdvNonconnInd, 2));
        let enable = ScanEnable {
            enable: true,
            filter_duplicates: true,
        };
        filtering.set_enabled(enable, ReportKind::Legacy, Moment::from_millis(3));
        assert!(hears(&mut filtering, PduKind::AdvNonconnInd, 4));

        let mut open = scanner(|_| (), false, ReportKind::Legacy);
        assert!(hears(&mut open, PduKind::AdvNonconnInd, 1));
        assert!(hears(&mut open, PduKind::AdvNonconnInd, 2));
    }

    #[test]
    fn listens_only_inside_its_windows() {
        let half = |p: &mut ScanParameters| (p.interval_us, p.window_us) = (60_000, 30_000);
        let mut scanner = scanner(half, false, ReportKind::Legacy);
        assert!(hears(&mut scanner, PduKind::AdvNonconnInd, 29));
        assert!(!hears(&mut scanner, PduKind::AdvNonconnInd, 31));
        assert!(!hears(&mut scanner, PduKind::AdvNonconnInd, 59));
        assert!(hears(&mut scanner, PduKind::AdvNonconnInd, 61));
    }

    #[test]
    fn legacy_scanning_does_not_hear_extended_pdus() {
        let mut legacy = scanner(|_| (), false, ReportKind::Legacy);
        assert!(!hears(&mut legacy, PduKind::ExtNonconn, 1));
        let mut extended = scanner(|_| (), false, ReportKind::Extended);
        assert!(hears(&mut extended, PduKind::ExtNonconn, 1));
    }

    #[test]
    fn an_active_scanner_asks_scannable_advertisers_until_answered() {
        let mut scanner = scanner(|p| p.active = true, true, ReportKind::Extended);
        let none = HashSet::new();
        let mut hear = |kind, answers| {
            let at = Moment::from_millis(1);
            scanner.hear(&pdu(kind), answers, -60, &none, at)
        };
        assert!(!hear(PduKind::AdvNonconnInd, None).asks);
        assert!(hear(PduKind::AdvScanInd, None).asks);
        assert!(hear(PduKind::AdvScanInd, None).asks, "not answered yet");
        assert!(
            hear(PduKind::ScanRsp, Some(PduKind::AdvScanInd))
                .report
                .is_some()
        );
        assert!(!hear(PduKind::AdvScanInd, None).asks);
    }

    #[test]
    fn a_stranger_is_not_heard_through_the_accept_list() {
        let mut scanner = scanner(|p| p.accept_list_only = true, false, ReportKind::Legacy);
        assert!(!hears(&mut scanner, PduKind::AdvNonconnInd, 1));
        let advert = pdu(PduKind::AdvNonconnInd);
        let friends = HashSet::from([PeerAddress {
            address_type: advert.address_type,
            address: advert.address,
        }]);
        let heard = scanner.hear(&advert, None, -60, &friends, Moment::from_millis(1));
        assert!(heard.report.is_some());
    }
}
