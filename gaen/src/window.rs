//! Exposure windows: at most thirty minutes near one key (docs/protocol.md §4).

use serde::{Deserialize, Serialize};

use crate::diagnosis::{DiagnosisKey, ReportType};
use crate::matching::MatchedSighting;
use crate::sighting::Scan;
use crate::time::{UnixSeconds, UtcDay};

/// A window ends this many seconds after its start, the end excluded.
pub const WINDOW_SECONDS: u32 = 1800;
/// Longest time one scan instance stands for, in minutes.
pub const MAX_MINUTES_SINCE_LAST_SCAN: u32 = 5;
/// Time a scan instance stands for when the scan before it is unknown, in seconds.
pub const DEFAULT_SECONDS_SINCE_LAST_SCAN: u16 = 120;
/// Without scan cycles, packets further apart belong to different scans. The rule
/// is 25.5 s, one and a half times a phone's longest scan; instants are whole
/// seconds here.
const SAME_SCAN_SECONDS: i64 = 25;

/// A stretch of less than 1800 s near one diagnosis key.
///
/// Two windows with the same contents are two windows: never de-duplicate them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureWindow {
    /// The UTC day of its start.
    pub date: UtcDay,
    /// When its first sighting was heard.
    pub start: UnixSeconds,
    /// The report type of its key.
    pub report_type: ReportType,
    /// How infectious the person was on the key's day.
    pub infectiousness: Infectiousness,
    /// Its scans, in time order.
    pub instances: Vec<ScanInstance>,
}

/// The packets of one key heard in one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanInstance {
    /// Mean attenuation of its packets in dB, rounded half up.
    pub typical_attenuation: u8,
    /// Smallest attenuation of its packets in dB.
    pub minimum_attenuation: u8,
    /// Seconds since the scan before: how long this instance stands for. Whole
    /// minutes, 0 to 300, when formed here; records of phones may hold others.
    pub seconds_since_last_scan: u16,
}

/// How infectious a person was on a day, by days since onset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Infectiousness {
    /// 0: not infectious; such windows count nothing.
    None,
    /// 1: standard.
    Standard,
    /// 2: high.
    High,
}

impl Infectiousness {
    /// The infectiousness of a number in configurations and window records, or
    /// `None` for a number that is not one.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Standard),
            2 => Some(Self::High),
            _ => None,
        }
    }
}

/// Cuts the sightings of `key` into windows of `infectiousness`
/// ([`Configuration::infectiousness_of`](crate::config::Configuration::infectiousness_of)),
/// in time order.
///
/// Sightings may come in any order. A window is cut where a sighting comes 1800 s
/// or more after the window's first, also in the middle of a scan: its packets
/// then form an instance in each window.
pub fn windows(
    key: &DiagnosisKey,
    sightings: &[MatchedSighting],
    infectiousness: Infectiousness,
) -> Vec<ExposureWindow> {
    let mut sorted = sightings.to_vec();
    sorted.sort_unstable();

    let mut windows: Vec<ExposureWindow> = Vec::new();
    let mut packets = Packets::default();
    let mut previous: Option<MatchedSighting> = None;
    for sighting in sorted {
        let new_window = windows.last().is_none_or(|window| {
            sighting.time.seconds_since(window.start) >= i64::from(WINDOW_SECONDS)
        });
        let new_instance =
            new_window || previous.is_none_or(|previous| !same_scan(&previous, &sighting));
        if new_window {
            windows.push(ExposureWindow {
                date: sighting.time.utc_day(),
                start: sighting.time,
                report_type: key.report_type,
                infectiousness,
                instances: Vec::new(),
            });
        }
        if let Some(window) = windows.last_mut() {
            if new_instance {
                packets = Packets::default();
                window.instances.push(ScanInstance {
                    typical_attenuation: 0,
                    minimum_attenuation: 0,
                    seconds_since_last_scan: seconds_since_last_scan(sighting.time, sighting.scan),
                });
            }
            packets.add(sighting.attenuation);
            if let Some(instance) = window.instances.last_mut() {
                instance.typical_attenuation = packets.mean();
                instance.minimum_attenuation = packets.minimum;
            }
        }
        previous = Some(sighting);
    }
    windows
}

/// Whether two sightings of one key, the later second, are of one scan.
fn same_scan(earlier: &MatchedSighting, later: &MatchedSighting) -> bool {
    match (earlier.scan.cycle, later.scan.cycle) {
        (Some(earlier), Some(later)) => earlier == later,
        (None, None) => later.time.seconds_since(earlier.time) <= SAME_SCAN_SECONDS,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// How many seconds a scan instance whose first packet came at `time` stands for:
/// the difference of the two instants' minute numbers, 0 to 5 minutes.
fn seconds_since_last_scan(time: UnixSeconds, scan: Scan) -> u16 {
    let Some(previous) = scan.previous else {
        return DEFAULT_SECONDS_SINCE_LAST_SCAN;
    };
    let minutes = (time.get() / 60).saturating_sub(previous.get() / 60);
    u16::try_from(60 * minutes.min(MAX_MINUTES_SINCE_LAST_SCAN)).expect("at most 300, which fits")
}

/// The attenuations of one scan instance, summed up.
struct Packets {
    sum: u64,
    count: u64,
    minimum: u8,
}

impl Default for Packets {
    fn default() -> Self {
        Self {
            sum: 0,
            count: 0,
            minimum: u8::MAX,
        }
    }
}

impl Packets {
    fn add(&mut self, attenuation: u8) {
        self.sum += u64::from(attenuation);
        self.count += 1;
        self.minimum = self.minimum.min(attenuation);
    }

    /// The mean, rounded half up.
    fn mean(&self) -> u8 {
        let rounded = (2 * self.sum + self.count)
            .checked_div(2 * self.count)
            .unwrap_or(0);
        u8::try_from(rounded).expect("a mean of bytes is no more than a byte")
    }
}
