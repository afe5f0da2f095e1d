//! Configurations of the daemon and of both servers, as files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sesshoku_server::{management, notification};
use settings::Settings;

/// Whether `text` is taken for a configuration.
fn is_taken<T: Settings>(text: &str) -> bool {
    toml::from_str::<T>(text).is_ok_and(|config| config.check().is_ok())
}

fuzz_target!(
    init: {
        let daemon = toml::to_string(&sesshokud::config::Config::default()).expect("TOML");
        assert!(is_taken::<sesshokud::config::Config>(&daemon));
        let notification = toml::to_string(&notification::Config::default()).expect("TOML");
        let management = toml::to_string(&management::Config::default()).expect("TOML");
        let examples = [
            include_str!("../../../docs/demo/management.toml"),
            include_str!("../../../docs/demo/notification.toml"),
        ];
        let all = [daemon, notification, management].into_iter();
        fuzz::plant("settings", all.chain(examples.map(str::to_owned)));
    },
    |data: &[u8]| {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        is_taken::<sesshokud::config::Config>(text);
        is_taken::<notification::Config>(text);
        is_taken::<management::Config>(text);
    }
);
