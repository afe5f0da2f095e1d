//! What this device's radio is like: how strongly it sends, and how well it hears.
//!
//! The settings say, else a table of models, else nobody: then the default holds, and
//! others are told that it is none to rely on (docs/protocol.md §1, calibration confidence).
//! docs/calibration.md has the table's form and how its figures come to be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gaen::metadata::{Confidence, Metadata};
use serde::{Deserialize, Serialize};
use sesshoku_core::status::CalibrationSource;
use settings::ConfigError;

/// The table that comes with the daemon.
const TABLE: &str = include_str!("models.toml");

/// What goes into the metadata of a radio of which nobody knows, in dBm.
const DEFAULT_TX_POWER: i8 = -20;

/// The models that are known, by name.
pub type Models = BTreeMap<String, Model>;

/// How a model is recognised, and what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// One of the device tree's `compatible` strings, such as `pine64,pinephone`.
    pub compatible: Option<String>,
    /// The maker in DMI (`sys_vendor`); a model needs `product` besides.
    pub vendor: Option<String>,
    /// The product in DMI (`product_name`).
    pub product: Option<String>,
    /// As [`Settings::tx_power`].
    pub tx_power: Option<i8>,
    /// As [`Settings::rssi_correction`].
    pub rssi_correction: Option<i8>,
    /// As [`Settings::confidence`]; of a transmit power alone.
    pub confidence: Option<u8>,
    /// Where the figures are from.
    pub source: Option<String>,
}

impl Model {
    fn fits(&self, machine: &Machine) -> bool {
        let is_of_tree = self
            .compatible
            .as_ref()
            .is_some_and(|name| machine.compatible.contains(name));
        let is_of_dmi = self.product.is_some()
            && self.vendor.is_some()
            && self.vendor == machine.vendor
            && self.product == machine.product;
        is_of_tree || is_of_dmi
    }
}

/// What this device's radio is like, where the table of models does not say, or says
/// something else (docs/calibration.md).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Transmit power that goes into the metadata, in dBm, −50 to 20: what makes
    /// `tx_power − rssi` the attenuation at a well-calibrated receiver.
    pub tx_power: Option<i8>,
    /// Added to every received signal strength, in dB, −30 to 30.
    pub rssi_correction: Option<i8>,
    /// How sure `tx_power` is, 0 (lowest) to 3 (docs/protocol.md §1).
    pub confidence: Option<u8>,
    /// The name of the model that this is, where it is not recognised.
    pub model: Option<String>,
    /// Models besides those that come with the daemon, and before them.
    pub models: Models,
}

impl Settings {
    /// Whether the figures can be right.
    ///
    /// # Errors
    /// [`ConfigError::Value`] where one cannot.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        Self::check_figures(self.tx_power, self.rssi_correction, self.confidence)?;
        self.models.values().try_for_each(Self::check_model)
    }

    /// Whether the figures of `model` can be right.
    pub(crate) fn check_model(model: &Model) -> Result<(), ConfigError> {
        Self::check_figures(model.tx_power, model.rssi_correction, model.confidence)
    }

    fn check_figures(
        tx_power: Option<i8>,
        rssi_correction: Option<i8>,
        confidence: Option<u8>,
    ) -> Result<(), ConfigError> {
        let refuse = |setting, problem: &str| {
            Err(ConfigError::Value {
                setting,
                problem: problem.to_owned(),
            })
        };
        if tx_power.is_some_and(|power| !(-50..=20).contains(&power)) {
            return refuse("calibration.tx_power", "must be between −50 and 20 dBm");
        }
        if rssi_correction.is_some_and(|correction| !(-30..=30).contains(&correction)) {
            return refuse(
                "calibration.rssi_correction",
                "must be between −30 and 30 dB",
            );
        }
        if confidence.is_some_and(|confidence| confidence > 3) {
            return refuse("calibration.confidence", "must be between 0 and 3");
        }
        Ok(())
    }
}

/// What the machine says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The device tree's `compatible`, the most specific first.
    compatible: Vec<String>,
    /// DMI's `sys_vendor`.
    vendor: Option<String>,
    /// DMI's `product_name`.
    product: Option<String>,
}

impl Machine {
    /// Reads what the kernel shows below `root`. What cannot be read is not known.
    pub fn read(root: &Path) -> Self {
        let tree =
            fs::read(root.join("sys/firmware/devicetree/base/compatible")).unwrap_or_default();
        let names = tree
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty());
        let dmi = |name| {
            let text = fs::read_to_string(root.join("sys/class/dmi/id").join(name)).ok()?;
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        Self {
            compatible: names
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
            vendor: dmi("sys_vendor"),
            product: dmi("product_name"),
        }
    }

    /// A machine without a name, as simulated ones are.
    pub fn unknown() -> Self {
        Self::default()
    }
}

/// A calibration, and where each part of it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// The model that was recognised.
    pub model: Option<String>,
    /// Transmit power that goes into the metadata, in dBm.
    pub tx_power: i8,
    /// Where it is from.
    pub tx_power_source: CalibrationSource,
    /// Added to every received signal strength, in dB.
    pub rssi_correction: i8,
    /// Where it is from.
    pub rssi_correction_source: CalibrationSource,
    /// How sure the transmit power is.
    pub confidence: Confidence,
}

impl Calibration {
    /// The calibration of `machine` by `settings`, the settings' own models before
    /// those that come with the daemon.
    pub fn of(settings: &Settings, machine: &Machine) -> Self {
        let shipped = shipped();
        let named = settings.model.as_ref();
        let is_it = |(name, model): &(&String, &Model)| match named {
            Some(wanted) => *name == wanted,
            None => model.fits(machine),
        };
        let found = settings.models.iter().chain(&shipped).find(is_it);
        let (name, model) = found.map_or((None, Model::default()), |(name, model)| {
            (Some(name.clone()), model.clone())
        });
        let (tx_power, tx_power_source) = pick(settings.tx_power, model.tx_power, DEFAULT_TX_POWER);
        let (rssi_correction, rssi_correction_source) =
            pick(settings.rssi_correction, model.rssi_correction, 0);
        let confidence = match tx_power_source {
            CalibrationSource::Configured => settings.confidence,
            CalibrationSource::Model => model.confidence,
            CalibrationSource::Default => None,
        };
        Self {
            model: name,
            tx_power,
            tx_power_source,
            rssi_correction,
            rssi_correction_source,
            confidence: confidence.map_or(Confidence::Lowest, level),
        }
    }

    /// What is broadcast of it.
    pub fn metadata(&self) -> Metadata {
        Metadata::v1_1(self.tx_power, self.confidence)
    }
}

fn pick(configured: Option<i8>, of_model: Option<i8>, default: i8) -> (i8, CalibrationSource) {
    match (configured, of_model) {
        (Some(value), _) => (value, CalibrationSource::Configured),
        (None, Some(value)) => (value, CalibrationSource::Model),
        (None, None) => (default, CalibrationSource::Default),
    }
}

/// The models that come with the daemon.
fn shipped() -> Models {
    toml::from_str(TABLE).expect("the table is compiled in, and read by this module's tests")
}

/// What is configured is checked, so that nothing above 3 comes here.
fn level(confidence: u8) -> Confidence {
    match confidence {
        0 => Confidence::Lowest,
        1 => Confidence::Low,
        2 => Confidence::Medium,
        _ => Confidence::High,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> Machine {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Machine::read(root.path())
    }

    fn phone(compatible: &str) -> Machine {
        machine(&[("sys/firmware/devicetree/base/compatible", compatible)])
    }

    fn settings(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_figure_of_the_table_has_a_source_and_every_model_a_way_to_be_recognised() {
        for (name, model) in shipped() {
            let has_figures = model.tx_power.is_some() || model.rssi_correction.is_some();
            assert_eq!(has_figures, model.source.is_some(), "{name}");
            assert!(
                model.compatible.is_some() || model.vendor.is_some() && model.product.is_some(),
                "{name}"
            );
            assert!(Settings::check_model(&model).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_model_is_recognised_by_its_device_tree_or_its_dmi() {
        let librem = phone("purism,librem5r4\0purism,librem5\0fsl,imx8mq\0");
        let found = Calibration::of(&settings(""), &librem);
        assert_eq!(found.model.as_deref(), Some("Purism Librem 5"));
        assert_eq!(
            Calibration::of(&settings(""), &phone("pine64,other\0")).model,
            None
        );

        let own = settings(
            "[models.kiosk]
             vendor = 'ACME'
             product = 'Kiosk 3'
             tx_power = -12
             confidence = 2
             source = 'measured'",
        );
        let dmi = |product| {
            machine(&[
                ("sys/class/dmi/id/sys_vendor", "ACME\n"),
                ("sys/class/dmi/id/product_name", product),
            ])
        };
        let kiosk = Calibration::of(&own, &dmi("Kiosk 3\n"));
        assert_eq!(kiosk.model.as_deref(), Some("kiosk"));
        assert_eq!(
            (kiosk.tx_power, kiosk.confidence),
            (-12, Confidence::Medium)
        );
        assert_eq!(Calibration::of(&own, &dmi("Kiosk 4\n")).model, None);
        assert_eq!(Calibration::of(&own, &Machine::unknown()).model, None);
    }

    #[test]
    fn what_nobody_measured_is_broadcast_with_the_lowest_confidence() {
        for machine in [
            Machine::unknown(),
            phone("pine64,pinephone\0"),
            phone("oneplus,fajita\0"),
        ] {
            let found = Calibration::of(&settings("confidence = 3"), &machine);
            assert_eq!(found.tx_power_source, CalibrationSource::Default);
            assert_eq!(
                found.metadata().to_bytes(),
                [0x50, 0xec, 0, 0],
                "{machine:?}"
            );
        }
    }

    #[test]
    fn settings_come_before_the_models_and_these_before_the_default() {
        let fajita = phone("oneplus,fajita\0");
        let found = Calibration::of(&settings(""), &fajita);
        assert_eq!(found.rssi_correction, 2);
        assert_eq!(found.rssi_correction_source, CalibrationSource::Model);

        let found = Calibration::of(&settings("rssi_correction = -4\ntx_power = -7"), &fajita);
        assert_eq!((found.rssi_correction, found.tx_power), (-4, -7));
        assert_eq!(found.rssi_correction_source, CalibrationSource::Configured);
        assert_eq!(found.confidence, Confidence::Lowest, "nobody said");

        let own = "[models.mine]\ncompatible = 'oneplus,fajita'\nrssi_correction = 9";
        let found = Calibration::of(&settings(own), &fajita);
        assert_eq!(found.rssi_correction, 9, "one's own models come first");

        let named = Calibration::of(&settings("model = 'Xiaomi Mi A2 Lite'"), &fajita);
        assert_eq!(named.rssi_correction, 4);
    }
}
