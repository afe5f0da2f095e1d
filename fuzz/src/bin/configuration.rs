//! Configurations of Exposure Notification, as servers hand them out.
#![no_main]

use gaen::config::Configuration;
use libfuzzer_sys::fuzz_target;

// What our own server hands out.
const CONFIGURATION: &[u8] = include_bytes!("../../../server/src/notification/configuration.json");
const RISK: &[u8] =
    include_bytes!("../../../server/src/notification/risk_calculation_configuration.json");

fuzz_target!(
    init: {
        assert!(Configuration::from_json(CONFIGURATION).is_ok());
        assert!(Configuration::default().with_risk_calculation_json(RISK).is_ok());
        fuzz::plant("configuration", [CONFIGURATION, RISK]);
    },
    |data: &[u8]| {
        for read in [
            Configuration::from_json(data),
            Configuration::default().with_risk_calculation_json(data),
        ] {
            if let Ok(configuration) = read {
                assert!(configuration.validate().is_ok(), "what is taken is valid");
                for days in -20..20 {
                    configuration.infectiousness.on_day(Some(days));
                }
            }
        }
    }
);
