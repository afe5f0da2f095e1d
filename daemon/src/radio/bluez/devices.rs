//! What bluetoothd tells about the devices it hears, made into samples. Pure.
//!
//! bluetoothd keeps an object per address and signals what changed on it. The
//! RSSI in a signal is the news that an advert was received; the identifier in
//! it may have come with an earlier signal. So is the service data, which our
//! discovery's `DuplicateData` has repeated with every advert: without an RSSI
//! beside it, that has not changed since the last one, or while another program
//! discovers without a filter, by less than 8 dB. Any other signal is no sample.

use std::collections::HashMap;

use bluer::Uuid;
use gaen::advert::{ServiceData, parse_service_data};
use sesshoku_core::radio::Heard;
use zbus::Variant;

use super::world::Properties;

pub(super) const DEVICE: &str = "org.bluez.Device1";

/// The Exposure Notification service (docs/protocol.md §2), and how BlueZ writes it.
pub(super) const SERVICE: Uuid = Uuid::from_u128(0xfd6f_0000_1000_8000_0080_5f9b_34fb);
const SERVICE_UUID: &str = "0000fd6f-0000-1000-8000-00805f9b34fb";

/// The Exposure Notification devices bluetoothd has objects for, by object path.
#[derive(Default)]
pub(super) struct Devices(HashMap<String, Device>);

/// What was last said of a device.
struct Device {
    data: ServiceData,
    /// `None` when it is not known how strongly it is received.
    rssi: Option<i8>,
}

impl Devices {
    /// Takes over what is new about the device at `path`. If an Exposure
    /// Notification advert was received, it is returned.
    pub(super) fn update(&mut self, path: &str, news: &Properties<'_>) -> Option<Heard> {
        // 127 stands for "not available" (Core 5.4, vol. 4 part E, 7.7.65.2).
        let rssi = match news.get("RSSI") {
            Some(Variant::I16(rssi)) => Some(i8::try_from(*rssi).ok().filter(|rssi| *rssi != 127)),
            _ => None,
        };
        let data = news.get("ServiceData");
        if let Some(data) = data {
            match exposure_notification(data) {
                Some(data) => {
                    let before = self.0.get(path).and_then(|device| device.rssi);
                    let device = Device { data, rssi: before };
                    self.0.insert(path.to_owned(), device);
                }
                None => {
                    self.0.remove(path);
                }
            }
        }
        let device = self.0.get_mut(path)?;
        device.rssi = rssi.unwrap_or(device.rssi);
        if rssi.is_none() && data.is_none() {
            return None;
        }
        let ServiceData { rpi, aem } = device.data;
        Some(Heard {
            rpi,
            aem,
            rssi: device.rssi?,
        })
    }

    /// The device at `path` is no longer received.
    pub(super) fn forget_rssi(&mut self, path: &str) {
        if let Some(device) = self.0.get_mut(path) {
            device.rssi = None;
        }
    }

    /// Forgets the device at `path`.
    pub(super) fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }
}

/// The Exposure Notification advert in a `ServiceData` property, which is a
/// dictionary of UUID and bytes.
fn exposure_notification(property: &Variant<'_>) -> Option<ServiceData> {
    let Variant::Dict(services) = property else {
        return None;
    };
    let (_, data) = services
        .iter()
        .find(|(uuid, _)| matches!(uuid, Variant::Str(uuid) if uuid.as_str() == SERVICE_UUID))?;
    let data = if let Variant::Variant(inner) = data {
        inner
    } else {
        data
    };
    let Variant::Array(bytes) = data else {
        return None;
    };
    let bytes: Result<Vec<u8>, _> = bytes.iter().map(u8::try_from).collect();
    parse_service_data(&bytes.ok()?)
}

#[cfg(test)]
mod tests {
    use gaen::key::{AEM_LEN, Aem, KEY_LEN, Rpi};

    use super::*;

    const PATH: &str = "/org/bluez/hci0/dev_00_00_00_00_00_01";

    fn news<const N: usize>(of: [(&'static str, Variant<'static>); N]) -> Properties<'static> {
        HashMap::from(of)
    }

    fn service_data(uuid: &str, data: Vec<u8>) -> Variant<'static> {
        Variant::from(HashMap::from([(uuid.to_owned(), Variant::from(data))]))
    }

    fn advert(byte: u8) -> Variant<'static> {
        let mut data = vec![byte; KEY_LEN];
        data.extend([byte; AEM_LEN]);
        service_data(SERVICE_UUID, data)
    }

    fn heard(byte: u8, rssi: i8) -> Heard {
        Heard {
            rpi: Rpi::from_bytes([byte; KEY_LEN]),
            aem: Aem::from_bytes([byte; AEM_LEN]),
            rssi,
        }
    }

    #[test]
    fn every_rssi_and_every_repetition_is_a_sample() {
        let mut devices = Devices::default();
        let rssi = |rssi: i16| Variant::from(rssi);
        // A new device comes whole; later signals hold what changed.
        let whole = news([("RSSI", rssi(-60)), ("ServiceData", advert(1))]);
        assert_eq!(devices.update(PATH, &whole), Some(heard(1, -60)));
        assert_eq!(
            devices.update(PATH, &news([("RSSI", rssi(-61))])),
            Some(heard(1, -61))
        );
        assert_eq!(
            devices.update(PATH, &news([("RSSI", rssi(-61))])),
            Some(heard(1, -61))
        );
        assert_eq!(
            devices.update(PATH, &news([("ServiceData", advert(1))])),
            Some(heard(1, -61)),
            "as strong as before"
        );
        assert_eq!(
            devices.update(PATH, &news([("ServiceData", advert(2))])),
            Some(heard(2, -61))
        );
        devices.forget_rssi(PATH);
        assert_eq!(
            devices.update(PATH, &news([("ServiceData", advert(2))])),
            None,
            "nobody knows how strong"
        );
        assert_eq!(
            devices.update(PATH, &news([("RSSI", rssi(-62))])),
            Some(heard(2, -62))
        );
        assert_eq!(
            devices.update(PATH, &news([("Connected", true.into())])),
            None
        );
        let other = service_data(SERVICE_UUID, vec![0; 3]);
        assert_eq!(devices.update(PATH, &news([("ServiceData", other)])), None);
        assert_eq!(devices.update(PATH, &news([("RSSI", rssi(-62))])), None);
        assert_eq!(devices.update(PATH, &whole), Some(heard(1, -60)));

        devices.remove(PATH);
        assert_eq!(devices.update(PATH, &news([("RSSI", rssi(-62))])), None);
    }

    #[test]
    fn the_service_is_written_as_bluez_writes_it() {
        assert_eq!(SERVICE.to_string(), SERVICE_UUID);
    }

    #[test]
    fn what_is_not_an_exposure_notification_advert_is_no_sample() {
        let rssi = || Variant::from(-60_i16);
        for data in [
            service_data("0000feaa-0000-1000-8000-00805f9b34fb", vec![0; 20]),
            service_data(SERVICE_UUID, vec![0; 19]),
            service_data(SERVICE_UUID, vec![0; 21]),
            service_data(SERVICE_UUID, vec![]),
            Variant::from(HashMap::from([(
                SERVICE_UUID.to_owned(),
                Variant::from("text"),
            )])),
            Variant::from(1_u8),
        ] {
            let whole = news([("RSSI", rssi()), ("ServiceData", data)]);
            assert_eq!(Devices::default().update(PATH, &whole), None);
        }
    }

    #[test]
    fn an_rssi_that_was_not_measured_is_no_sample() {
        for rssi in [127_i16, 128, -129, i16::MAX] {
            let whole = news([("RSSI", rssi.into()), ("ServiceData", advert(1))]);
            assert_eq!(Devices::default().update(PATH, &whole), None, "{rssi}");
        }
    }
}
