//! What BlueZ says there is: its adapters and their properties, kept up to date
//! from its signals, and what follows for the radio's state. Pure.

use std::collections::{BTreeMap, HashMap};

use sesshoku_core::radio::{Capabilities, PrivacyRisk, RadioState, ScanMethod};
use zbus::Variant;

use super::Method;
use super::kernel::Bearing;
use super::rfkill::Switches;

pub(super) const ADAPTER: &str = "org.bluez.Adapter1";
pub(super) const ADVERTISING_MANAGER: &str = "org.bluez.LEAdvertisingManager1";
pub(super) const MONITOR_MANAGER: &str = "org.bluez.AdvertisementMonitorManager1";

/// Properties of one interface, as they come over the bus.
pub(super) type Properties<'a> = HashMap<&'a str, Variant<'a>>;

/// The adapters, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct World {
    adapters: BTreeMap<String, Adapter>,
    epochs: u64,
}

/// One adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Adapter {
    /// Changes whenever everything that was started on the adapter has ended:
    /// when it is added and when it is switched off. A quick off and on is seen
    /// by this alone.
    pub(super) epoch: u64,
    pub(super) powered: bool,
    pub(super) discoverable: bool,
    /// Whether the adapter takes connections. bluetoothd before 5.79 does not say;
    /// the kernel does.
    pub(super) connectable: Option<bool>,
    /// What else the kernel says.
    pub(super) bearing: Bearing,
    pub(super) discovering: bool,
    /// `PowerState` is `off-blocked`; bluetoothd says so only in later versions
    /// or with `--experimental`.
    pub(super) off_blocked: bool,
    /// The advertising manager. An adapter without one cannot do Low Energy.
    pub(super) advertising: Option<Advertising>,
    /// Whether advertisement monitors can be registered.
    pub(super) monitors: bool,
}

/// The advertising manager of an adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Advertising {
    /// How many adverts are registered, by all programs.
    pub(super) active: u8,
    /// Whether the controller does extended advertising. The kernel offers
    /// secondary channels exactly when it does, and bluetoothd 5.66 was seen to
    /// list `1M` on extended and nothing on legacy controllers.
    pub(super) extended: bool,
}

impl World {
    /// The adapter called `name`.
    pub(super) fn adapter(&self, name: &str) -> Option<&Adapter> {
        self.adapters.get(name)
    }

    /// Whether any adapter is on.
    pub(super) fn is_any_on(&self) -> bool {
        self.adapters.values().any(|adapter| adapter.powered)
    }

    /// Forgets the adapters. What is known of them later belongs to other epochs.
    pub(super) fn forget(&mut self) {
        self.adapters.clear();
    }

    /// Takes over what the kernel says of each adapter.
    pub(super) fn heed_kernel(&mut self, mut bearing: impl FnMut(&str, bool) -> Option<Bearing>) {
        for (name, adapter) in &mut self.adapters {
            let advertises = adapter.is_extended() && adapter.active() > 0;
            adapter.heed_kernel(bearing(name, advertises));
        }
    }

    /// Interface `interface` appeared on adapter `name`.
    pub(super) fn interface_added(
        &mut self,
        name: &str,
        interface: &str,
        properties: &Properties<'_>,
    ) {
        match interface {
            ADAPTER => {
                let epoch = self.next_epoch();
                let adapter = self.adapters.entry(name.to_owned()).or_default();
                adapter.epoch = epoch;
            }
            ADVERTISING_MANAGER => {
                let adapter = self.adapters.entry(name.to_owned()).or_default();
                adapter.advertising = Some(Advertising::default());
            }
            MONITOR_MANAGER => {
                let adapter = self.adapters.entry(name.to_owned()).or_default();
                adapter.monitors = true;
            }
            _ => return,
        }
        self.properties_changed(name, interface, properties);
    }

    /// Interface `interface` of adapter `name` is gone.
    pub(super) fn interface_removed(&mut self, name: &str, interface: &str) {
        let Some(adapter) = self.adapters.get_mut(name) else {
            return;
        };
        match interface {
            ADAPTER => {
                self.adapters.remove(name);
            }
            ADVERTISING_MANAGER => adapter.advertising = None,
            MONITOR_MANAGER => adapter.monitors = false,
            _ => {}
        }
    }

    /// These properties of adapter `name` have new values.
    pub(super) fn properties_changed(
        &mut self,
        name: &str,
        interface: &str,
        changed: &Properties<'_>,
    ) {
        let Some(adapter) = self.adapters.get_mut(name) else {
            return;
        };
        let was_powered = adapter.powered;
        match interface {
            ADAPTER => adapter.update(changed),
            ADVERTISING_MANAGER => {
                if let Some(advertising) = &mut adapter.advertising {
                    advertising.update(changed);
                }
            }
            _ => {}
        }
        if was_powered && !adapter.powered {
            let epoch = self.next_epoch();
            if let Some(adapter) = self.adapters.get_mut(name) {
                adapter.epoch = epoch;
            }
        }
    }

    /// The adapter to use: the one called `wanted`, or if none is asked for,
    /// `current` as long as it is on, else the first that is on, else the first.
    pub(super) fn choose(&self, wanted: Option<&str>, current: Option<&str>) -> Option<&str> {
        let usable = |name: &str| {
            self.adapters
                .get_key_value(name)
                .filter(|(_, adapter)| adapter.advertising.is_some())
        };
        if let Some(wanted) = wanted {
            return usable(wanted).map(|(name, _)| name.as_str());
        }
        let mut rest: Vec<_> = self
            .adapters
            .keys()
            .filter_map(|name| usable(name))
            .collect();
        // hci2 before hci10.
        rest.sort_by_key(|(name, _)| (name.len(), name.as_str()));
        let current = current.and_then(usable);
        let powered = current
            .into_iter()
            .chain(rest.iter().copied())
            .find(|(_, adapter)| adapter.powered);
        powered
            .or(current)
            .or_else(|| rest.first().copied())
            .map(|(name, _)| name.as_str())
    }

    /// The radio's state with the adapter called `chosen`, where the one called `wanted` is
    /// asked for.
    pub(super) fn state(
        &self,
        wanted: Option<&str>,
        chosen: Option<&str>,
        method: Method,
        switches: &Switches,
    ) -> RadioState {
        let Some((name, adapter)) = chosen.and_then(|name| self.adapters.get_key_value(name))
        else {
            return self.state_without(wanted, switches);
        };
        if !adapter.powered {
            return if adapter.off_blocked || switches.block(Some(name)) {
                RadioState::Blocked
            } else {
                RadioState::Off(name.clone())
            };
        }
        let capabilities = Capabilities {
            adapter: name.clone(),
            scan_method: match method {
                Method::Auto if adapter.monitors => ScanMethod::MonitorAndDiscovery,
                Method::Auto | Method::Discovery => ScanMethod::Discovery,
            },
            rotates_while_scanning: adapter.is_extended(),
            always_listening: false,
        };
        match adapter.privacy_risk() {
            Some(risk) => RadioState::PrivacyAtRisk(risk, capabilities),
            None => RadioState::Ready(capabilities),
        }
    }

    /// The radio's state where no adapter can be used.
    fn state_without(&self, wanted: Option<&str>, switches: &Switches) -> RadioState {
        if switches.block(None) {
            // Some adapters are gone while they are blocked.
            return RadioState::Blocked;
        }
        let present = match wanted {
            Some(wanted) => self.adapters.get_key_value(wanted),
            None => self.adapters.first_key_value(),
        };
        present.map_or(RadioState::Absent, |(name, _)| {
            RadioState::Incapable(name.clone())
        })
    }

    fn next_epoch(&mut self) -> u64 {
        self.epochs += 1;
        self.epochs
    }
}

impl Adapter {
    /// Why an advert would now give the device away.
    ///
    /// What passes by itself, or when a window is closed, comes first: the others are
    /// told when that is over.
    pub(super) fn privacy_risk(&self) -> Option<PrivacyRisk> {
        if self.discoverable {
            Some(PrivacyRisk::Discoverable)
        } else if self.connectable != Some(false) {
            // Also when nobody knows.
            Some(PrivacyRisk::Connectable)
        } else if self.bearing.exposed {
            Some(PrivacyRisk::Exposed)
        } else if self.bearing.resolvable {
            Some(PrivacyRisk::Resolvable)
        } else {
            None
        }
    }

    /// Takes over what the kernel says, which is the whole truth: what bluetoothd says
    /// of connections may be late.
    pub(super) fn heed_kernel(&mut self, bearing: Option<Bearing>) {
        if let Some(bearing) = bearing {
            self.connectable = Some(bearing.connectable);
            self.bearing = bearing;
        }
    }

    /// Whether the controller does extended advertising; no when unknown.
    pub(super) fn is_extended(&self) -> bool {
        self.advertising
            .is_some_and(|advertising| advertising.extended)
    }

    /// How many adverts are registered.
    pub(super) fn active(&self) -> u8 {
        self.advertising.map_or(0, |advertising| advertising.active)
    }

    /// Takes over the values of `changed`; what has an unexpected type is left as
    /// it was.
    pub(super) fn update(&mut self, changed: &Properties<'_>) {
        let set = |target: &mut bool, name| {
            if let Some(Variant::Bool(value)) = changed.get(name) {
                *target = *value;
            }
        };
        set(&mut self.powered, "Powered");
        set(&mut self.discoverable, "Discoverable");
        if let Some(Variant::Bool(value)) = changed.get("Connectable") {
            self.connectable = Some(*value);
        }
        set(&mut self.discovering, "Discovering");
        if let Some(Variant::Str(state)) = changed.get("PowerState") {
            self.off_blocked = state.as_str() == "off-blocked";
        }
    }
}

impl Advertising {
    pub(super) fn update(&mut self, changed: &Properties<'_>) {
        if let Some(Variant::U8(active)) = changed.get("ActiveInstances") {
            self.active = *active;
        }
        if let Some(Variant::Array(channels)) = changed.get("SupportedSecondaryChannels") {
            self.extended = !channels.is_empty();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties<const N: usize>(
        of: [(&'static str, Variant<'static>); N],
    ) -> Properties<'static> {
        HashMap::from(of)
    }

    /// Adapters as bluetoothd announces them: off, not discoverable, legacy.
    fn world(names: &[&str]) -> World {
        let mut world = World::default();
        for name in names {
            let adapter = properties([("Powered", false.into()), ("Discoverable", false.into())]);
            world.interface_added(name, ADAPTER, &adapter);
            world.heed_kernel(|_, _| Some(Bearing::default()));
            let none: &[&str] = &[];
            let advertising = properties([
                ("ActiveInstances", 0_u8.into()),
                ("SupportedSecondaryChannels", none.into()),
            ]);
            world.interface_added(name, ADVERTISING_MANAGER, &advertising);
        }
        world
    }

    fn set(
        world: &mut World,
        name: &str,
        property: &'static str,
        value: impl Into<Variant<'static>>,
    ) {
        let changed = properties([(property, value.into())]);
        world.properties_changed(name, ADAPTER, &changed);
    }

    fn state_of(world: &World, name: &str) -> RadioState {
        let method = Method::Auto;
        let chosen = world.choose(Some(name), None);
        world.state(Some(name), chosen, method, &Switches::default())
    }

    fn capabilities(scan_method: ScanMethod, rotates_while_scanning: bool) -> Capabilities {
        Capabilities {
            adapter: "hci0".to_owned(),
            scan_method,
            rotates_while_scanning,
            always_listening: false,
        }
    }

    #[test]
    fn the_state_follows_the_adapters_properties() {
        let mut world = world(&["hci0"]);
        let legacy = capabilities(ScanMethod::Discovery, false);
        assert_eq!(state_of(&world, "hci0"), RadioState::Off("hci0".to_owned()));
        assert_eq!(state_of(&world, "hci1"), RadioState::Absent);

        set(&mut world, "hci0", "PowerState", "off-blocked");
        assert_eq!(state_of(&world, "hci0"), RadioState::Blocked);

        set(&mut world, "hci0", "PowerState", "on");
        set(&mut world, "hci0", "Powered", true);
        assert_eq!(state_of(&world, "hci0"), RadioState::Ready(legacy.clone()));

        set(&mut world, "hci0", "Connectable", true);
        let connectable = RadioState::PrivacyAtRisk(PrivacyRisk::Connectable, legacy.clone());
        assert_eq!(state_of(&world, "hci0"), connectable);

        set(&mut world, "hci0", "Discoverable", true);
        let discoverable = RadioState::PrivacyAtRisk(PrivacyRisk::Discoverable, legacy.clone());
        assert_eq!(state_of(&world, "hci0"), discoverable);

        set(&mut world, "hci0", "Connectable", false);
        set(&mut world, "hci0", "Discoverable", false);
        assert_eq!(state_of(&world, "hci0"), RadioState::Ready(legacy));

        world.interface_removed("hci0", ADAPTER);
        assert_eq!(state_of(&world, "hci0"), RadioState::Absent);
    }

    #[test]
    fn an_adapter_without_low_energy_is_told_from_none() {
        let state = |world: &World, wanted| {
            let chosen = world.choose(wanted, None);
            world.state(wanted, chosen, Method::Auto, &Switches::default())
        };
        let incapable = |name: &str| RadioState::Incapable(name.to_owned());
        let mut world = world(&["hci0"]);
        world.interface_removed("hci0", ADVERTISING_MANAGER);
        set(&mut world, "hci0", "Powered", true);
        assert_eq!(state(&world, None), incapable("hci0"));
        assert_eq!(state(&world, Some("hci0")), incapable("hci0"));
        assert_eq!(state(&world, Some("hci1")), RadioState::Absent);
        // Another that can is used.
        world.interface_added("hci1", ADAPTER, &Properties::new());
        world.interface_added("hci1", ADVERTISING_MANAGER, &Properties::new());
        assert_eq!(state(&world, None), RadioState::Off("hci1".to_owned()));
        assert_eq!(state(&world, Some("hci0")), incapable("hci0"));
        world.interface_removed("hci0", ADAPTER);
        world.interface_removed("hci1", ADAPTER);
        assert_eq!(state(&world, None), RadioState::Absent);
    }

    #[test]
    fn what_takes_connections_or_may_is_at_risk() {
        let mut world = world(&["hci0"]);
        set(&mut world, "hci0", "Powered", true);
        let is_at_risk = |world: &World| !state_of(world, "hci0").broadcasts();
        assert!(!is_at_risk(&world));
        world.heed_kernel(|_, _| {
            Some(Bearing {
                connectable: true,
                ..Bearing::default()
            })
        });
        assert!(is_at_risk(&world), "hidden, but the kernel knows");
        world.heed_kernel(|_, _| Some(Bearing::default()));
        assert!(!is_at_risk(&world));

        let powered = properties([("Powered", true.into())]);
        world.interface_removed("hci0", ADAPTER);
        world.interface_added("hci0", ADAPTER, &powered);
        world.interface_added("hci0", ADVERTISING_MANAGER, &Properties::new());
        world.heed_kernel(|_, _| None);
        assert!(is_at_risk(&world), "nobody knows");
        set(&mut world, "hci0", "Connectable", false);
        assert!(!is_at_risk(&world), "bluetoothd knows");
    }

    #[test]
    fn what_the_kernel_sends_or_chooses_by_itself_is_a_risk_of_its_own() {
        let mut world = world(&["hci0"]);
        set(&mut world, "hci0", "Powered", true);
        let mut risk_of = |bearing: Bearing| {
            world.heed_kernel(|_, _| Some(bearing));
            world.adapter("hci0").and_then(Adapter::privacy_risk)
        };
        for (connectable, exposed, resolvable, risk) in [
            (false, false, false, None),
            (true, true, true, Some(PrivacyRisk::Connectable)),
            (false, true, true, Some(PrivacyRisk::Exposed)),
            (false, false, true, Some(PrivacyRisk::Resolvable)),
        ] {
            let bearing = Bearing {
                connectable,
                resolvable,
                exposed,
            };
            assert_eq!(risk_of(bearing), risk);
        }
    }

    #[test]
    fn capabilities_follow_the_controller_and_bluetoothd() {
        let mut world = world(&["hci0"]);
        set(&mut world, "hci0", "Powered", true);
        let channels: &[&str] = &["1M"];
        let changed = properties([("SupportedSecondaryChannels", channels.into())]);
        world.properties_changed("hci0", ADVERTISING_MANAGER, &changed);
        world.interface_added("hci0", MONITOR_MANAGER, &Properties::new());

        let with = RadioState::Ready(capabilities(ScanMethod::MonitorAndDiscovery, true));
        let without = RadioState::Ready(capabilities(ScanMethod::Discovery, true));
        assert_eq!(state_of(&world, "hci0"), with);
        assert_eq!(
            world.state(None, Some("hci0"), Method::Discovery, &Switches::default()),
            without
        );
        world.interface_removed("hci0", MONITOR_MANAGER);
        assert_eq!(state_of(&world, "hci0"), without);
    }

    #[test]
    fn an_adapter_that_is_on_is_chosen_and_kept() {
        let mut world = world(&["hci10", "hci2", "hci3"]);
        assert_eq!(world.choose(None, None), Some("hci2"));
        set(&mut world, "hci10", "Powered", true);
        assert_eq!(world.choose(None, Some("hci2")), Some("hci10"));
        set(&mut world, "hci3", "Powered", true);
        assert_eq!(world.choose(None, None), Some("hci3"));
        assert_eq!(
            world.choose(None, Some("hci10")),
            Some("hci10"),
            "stays while it is on"
        );
        set(&mut world, "hci3", "Powered", false);
        set(&mut world, "hci10", "Powered", false);
        assert_eq!(
            world.choose(None, Some("hci10")),
            Some("hci10"),
            "nothing better"
        );

        assert_eq!(world.choose(Some("hci2"), Some("hci10")), Some("hci2"));
        assert_eq!(world.choose(Some("hci0"), Some("hci10")), None);
    }

    #[test]
    fn an_adapter_without_low_energy_is_not_chosen() {
        let mut world = world(&["hci0", "hci1"]);
        world.interface_removed("hci0", ADVERTISING_MANAGER);
        set(&mut world, "hci0", "Powered", true);
        assert_eq!(world.choose(None, None), Some("hci1"));
        assert_eq!(world.choose(Some("hci0"), None), None);
    }

    #[test]
    fn off_and_on_again_is_another_epoch() {
        let mut world = world(&["hci0"]);
        let epoch = |world: &World| world.adapter("hci0").map(|adapter| adapter.epoch);
        set(&mut world, "hci0", "Powered", true);
        let first = epoch(&world);
        set(&mut world, "hci0", "Discovering", true);
        assert_eq!(epoch(&world), first);

        set(&mut world, "hci0", "Powered", false);
        set(&mut world, "hci0", "Powered", true);
        let second = epoch(&world);
        assert_ne!(second, first);

        world.interface_removed("hci0", ADAPTER);
        world.interface_added("hci0", ADAPTER, &properties([("Powered", true.into())]));
        assert!(epoch(&world) != second && epoch(&world) != first);
    }

    #[test]
    fn properties_of_unexpected_types_change_nothing() {
        let mut world = world(&["hci0"]);
        set(&mut world, "hci0", "Powered", true);
        let before = world.clone();
        set(&mut world, "hci0", "Powered", "false");
        set(&mut world, "hci0", "PowerState", 3_u32);
        set(&mut world, "hci7", "Powered", true);
        world.interface_added("hci0", "org.bluez.Media1", &Properties::new());
        assert_eq!(world, before);
    }
}
