//! What bluetoothd tells of it all: properties and signals.

use std::collections::HashMap;

use zbus::message::{Header, Message};
use zbus::{ObjectPath, Variant};

use super::{
    ADAPTER_INTERFACE, ADVERTISING, Adapter, DEVICE, Device, INSTANCES, MONITORING, Machine,
    OBJECT_MANAGER, PROPERTIES, Properties, Result, SERVICE_UUID, done, object_path,
    public_address,
};

impl Machine {
    pub(super) fn interfaces(&self, name: &str) -> Vec<(&'static str, Properties)> {
        let Some(adapter) = self.adapters.get(name) else {
            return Vec::new();
        };
        let mut all = vec![
            (ADAPTER_INTERFACE, self.adapter_properties(name, adapter)),
            (ADVERTISING, self.advertising_properties(adapter)),
        ];
        if self.options.experimental {
            let patterns = vec!["or_patterns"];
            let monitoring = Properties::from([("SupportedMonitorTypes", patterns.into())]);
            all.push((MONITORING, monitoring));
        }
        all
    }

    fn adapter_properties(&self, name: &str, adapter: &Adapter) -> Properties {
        let mut properties = Properties::from([
            ("Address", written(public_address(name), ':').into()),
            ("AddressType", "public".into()),
            ("Name", "fake".into()),
            ("Alias", "fake".into()),
            ("Class", 0_u32.into()),
            ("Powered", adapter.powered.into()),
            ("Discoverable", adapter.discoverable.into()),
            ("DiscoverableTimeout", adapter.discoverable_timeout.into()),
            ("Pairable", true.into()),
            ("PairableTimeout", 0_u32.into()),
            ("Discovering", adapter.scan.is_some().into()),
            ("UUIDs", Vec::<String>::new().into()),
        ]);
        if !self.options.old {
            properties.insert("Connectable", adapter.connectable.into());
        }
        if !self.options.old || self.options.experimental {
            let state = if adapter.powered { "on" } else { "off" };
            properties.insert("PowerState", state.into());
        }
        properties
    }

    fn advertising_properties(&self, adapter: &Adapter) -> Properties {
        let channels = if self.options.extended {
            vec!["1M"]
        } else {
            vec![]
        };
        Properties::from([
            ("ActiveInstances", adapter.active().into()),
            (
                "SupportedInstances",
                INSTANCES.saturating_sub(adapter.active()).into(),
            ),
            (
                "SupportedIncludes",
                vec!["tx-power", "appearance", "local-name"].into(),
            ),
            ("SupportedSecondaryChannels", channels.into()),
        ])
    }

    pub(super) fn objects(&self, header: &Header<'_>) -> Result {
        type Interfaces = HashMap<&'static str, Properties>;
        let mut objects: HashMap<ObjectPath<'static>, Interfaces> = HashMap::new();
        for (name, adapter) in &self.adapters {
            let path = object_path(&format!("/org/bluez/{name}"));
            objects.insert(path, self.interfaces(name).into_iter().collect());
            for (path, device) in &adapter.devices {
                let interfaces = HashMap::from([(DEVICE, device.properties(name))]);
                objects.insert(object_path(path), interfaces);
            }
        }
        done(header, &objects)
    }

    pub(super) fn tell_adapter(&mut self, name: &str, property: &'static str) {
        let path = format!("/org/bluez/{name}");
        let Some(adapter) = self.adapters.get(name) else {
            return;
        };
        let mut all = self.adapter_properties(name, adapter);
        let changed = all.remove_entry(property).into_iter().collect();
        self.changed(&path, ADAPTER_INTERFACE, changed, &[]);
    }

    pub(super) fn tell_discovering(&mut self, name: &str) {
        self.tell_adapter(name, "Discovering");
    }

    pub(super) fn tell_instances(&mut self, name: &str) {
        let Some(adapter) = self.adapters.get(name) else {
            return;
        };
        let changed = Properties::from([("ActiveInstances", adapter.active().into())]);
        self.changed(&format!("/org/bluez/{name}"), ADVERTISING, changed, &[]);
    }

    pub(super) fn changed(
        &mut self,
        path: &str,
        interface: &'static str,
        changed: Properties,
        invalidated: &[&str],
    ) {
        let body = (interface, changed, invalidated);
        self.emit(path, PROPERTIES, "PropertiesChanged", &body);
    }

    pub(super) fn added(&mut self, path: &str) {
        let name = path.split('/').nth(3).unwrap_or_default();
        let Some(adapter) = self.adapters.get(name) else {
            return;
        };
        let interfaces: HashMap<&'static str, Properties> = match adapter.devices.get(path) {
            Some(device) => HashMap::from([(DEVICE, device.properties(name))]),
            None => self.interfaces(name).into_iter().collect(),
        };
        let body = (object_path(path), interfaces);
        self.emit("/", OBJECT_MANAGER, "InterfacesAdded", &body);
    }

    pub(super) fn removed(&mut self, path: &str, interfaces: &[&str]) {
        let body = (object_path(path), interfaces);
        self.emit("/", OBJECT_MANAGER, "InterfacesRemoved", &body);
    }

    fn emit<B>(&mut self, path: &str, interface: &str, name: &str, body: &B)
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        if self.is_running {
            let signal = Message::signal(path, interface, name).build(body);
            self.outbox.extend(signal.ok());
        }
    }
}

impl Device {
    fn properties(&self, adapter: &str) -> Properties {
        let mut properties = Properties::from([
            ("Address", written(self.phone, ':').into()),
            ("AddressType", "random".into()),
            ("Alias", written(self.phone, '-').into()),
            ("Paired", false.into()),
            ("Trusted", false.into()),
            ("Blocked", false.into()),
            ("Connected", false.into()),
            ("UUIDs", vec![SERVICE_UUID].into()),
            ("ServiceData", service_data_property(&self.data)),
            (
                "Adapter",
                object_path(&format!("/org/bluez/{adapter}")).into(),
            ),
        ]);
        if let Some(rssi) = self.rssi {
            properties.insert("RSSI", i16::from(rssi).into());
        }
        properties
    }
}

pub(super) fn written(address: [u8; 6], separator: char) -> String {
    let bytes = address.map(|byte| format!("{byte:02X}"));
    bytes.join(&separator.to_string())
}

pub(super) fn service_data_property(data: &[u8]) -> Variant<'static> {
    let data = Variant::from(data.to_vec());
    Variant::from(HashMap::from([(SERVICE_UUID.to_owned(), data)]))
}
