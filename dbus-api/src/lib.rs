//! The D-Bus interface between sesshokud and its front ends.
//!
//! One object, [`OBJECT_PATH`], at one name, [`BUS_NAME`], with six
//! interfaces: `org.sesshoku.Tracing1` (is it running, and why not),
//! `org.sesshoku.Consent1` (the agreement), `org.sesshoku.Exposure1` (checks and
//! what they found), `org.sesshoku.Registration1` (registering as positive),
//! `org.sesshoku.Notices1` (what the operator has to tell), `org.sesshoku.Calibration1`
//! (what the radio is like). The introspection XML in `interfaces/` documents every
//! member and is installed; a test holds the daemon against it.
//!
//! Changes are additive only. Sentences for people live in the front ends:
//! here are names and numbers.

mod error;
mod number;
mod properties;
mod proxy;
mod types;
mod wire;

pub use error::Error;
pub use number::number_pipe;
pub use properties::Properties;
pub use proxy::{
    Calibration1Proxy, Consent1Proxy, Exposure1Proxy, Notices1Proxy, Registration1Proxy,
    Tracing1Proxy, signals,
};
pub use sesshoku_core::Named;
pub use sesshoku_core::records::CheckOutcome;
pub use sesshoku_core::status::{
    CalibrationSource, ConsentState, NoticeKind, OverwriteDoubt, RegistrationReason,
    RegistrationState, RunReason, RunState, UnknownReason, Verdict,
};
pub use types::{
    CheckEntry, ContactDay, CoursePoint, ExposureResult, Measurement, Notice, RegistrationStatus,
};
pub use wire::seconds;

/// What `Tracing1.Radio` is called where it is real.
pub const REAL_RADIO: &str = "bluez";

/// What stands for a [`CheckOutcome`] while there was no check.
pub const NEVER_CHECKED: &str = "never";

/// The well-known bus name.
pub const BUS_NAME: &str = "org.sesshoku.Tracing1";
/// The one object.
pub const OBJECT_PATH: &str = "/org/sesshoku/Tracing1";

/// The interface that tells whether it is running, and why not.
pub const TRACING1: &str = "org.sesshoku.Tracing1";
/// The interface of the agreement.
pub const CONSENT1: &str = "org.sesshoku.Consent1";
/// The interface of checks and what they found.
pub const EXPOSURE1: &str = "org.sesshoku.Exposure1";
/// The interface for registering as positive.
pub const REGISTRATION1: &str = "org.sesshoku.Registration1";
/// The interface of what the operator has to tell.
pub const NOTICES1: &str = "org.sesshoku.Notices1";
/// The interface of what the radio is like.
pub const CALIBRATION1: &str = "org.sesshoku.Calibration1";

/// The introspection XML of `org.sesshoku.Tracing1`.
pub const TRACING1_XML: &str = include_str!("../interfaces/org.sesshoku.Tracing1.xml");
/// The introspection XML of `org.sesshoku.Consent1`.
pub const CONSENT1_XML: &str = include_str!("../interfaces/org.sesshoku.Consent1.xml");
/// The introspection XML of `org.sesshoku.Exposure1`.
pub const EXPOSURE1_XML: &str = include_str!("../interfaces/org.sesshoku.Exposure1.xml");
/// The introspection XML of `org.sesshoku.Registration1`.
pub const REGISTRATION1_XML: &str = include_str!("../interfaces/org.sesshoku.Registration1.xml");
/// The introspection XML of `org.sesshoku.Notices1`.
pub const NOTICES1_XML: &str = include_str!("../interfaces/org.sesshoku.Notices1.xml");
/// The introspection XML of `org.sesshoku.Calibration1`.
pub const CALIBRATION1_XML: &str = include_str!("../interfaces/org.sesshoku.Calibration1.xml");

/// The introspection XML of every interface.
pub const ALL_XML: [&str; 6] = [
    TRACING1_XML,
    CONSENT1_XML,
    EXPOSURE1_XML,
    REGISTRATION1_XML,
    NOTICES1_XML,
    CALIBRATION1_XML,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_documented() {
        fn check<T: Named>(all: &[T], xml: &str) {
            for name in all.iter().map(|name| name.as_str()) {
                let documented = xml
                    .split(|c: char| !c.is_ascii_lowercase() && c != '-')
                    .any(|word| word == name);
                assert!(documented, "{name}");
            }
        }
        check(RunState::ALL, TRACING1_XML);
        check(RunReason::ALL, TRACING1_XML);
        check(OverwriteDoubt::ALL, TRACING1_XML);
        check(ConsentState::ALL, CONSENT1_XML);
        check(CheckOutcome::ALL, EXPOSURE1_XML);
        check(Verdict::ALL, EXPOSURE1_XML);
        check(UnknownReason::ALL, EXPOSURE1_XML);
        check(RegistrationState::ALL, REGISTRATION1_XML);
        check(RegistrationReason::ALL, REGISTRATION1_XML);
        check(NoticeKind::ALL, NOTICES1_XML);
        check(CalibrationSource::ALL, CALIBRATION1_XML);
    }

    #[test]
    fn every_member_of_the_proxies_is_in_the_xml_and_the_other_way_round() {
        let source = include_str!("proxy.rs");
        let mut in_xml = Vec::new();
        for xml in ALL_XML {
            for kind in ["method", "property", "signal"] {
                let declaration = format!("<{kind} name=\"");
                // Our own programs do not call what is deprecated.
                let declared = xml
                    .split(&declaration)
                    .skip(1)
                    .filter(|rest| !rest.contains("org.freedesktop.DBus.Deprecated"));
                in_xml.extend(declared.filter_map(|rest| rest.split('"').next()));
            }
        }
        let mut in_proxies: Vec<_> = source
            .split("    fn ")
            .skip(1)
            .filter_map(|rest| rest.split('(').next())
            .map(pascal_case)
            .collect();
        in_xml.sort_unstable();
        in_proxies.sort_unstable();
        assert_eq!(in_proxies, in_xml);
    }

    fn pascal_case(snake_case: &str) -> String {
        snake_case
            .split('_')
            .map(|word| {
                let (first, rest) = word.split_at(1);
                first.to_uppercase() + rest
            })
            .collect()
    }
}
