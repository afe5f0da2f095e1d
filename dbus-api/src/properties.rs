//! All properties of one interface, read at once.

use std::collections::HashMap;

use zbus::names::InterfaceName;
use zbus::{Connection, OwnedVariant, fdo};

use crate::{BUS_NAME, Notice, OBJECT_PATH};

/// The properties of one interface, by their names on the bus.
///
/// One `GetAll` reads them at one moment, and a `PropertiesChanged` signal is
/// applied as it is, so that no change between two others goes unseen. A property
/// that an older daemon does not have reads as empty, zero or false.
#[derive(Clone, Debug, Default)]
pub struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    /// Reads all properties of `interface`, such as `org.sesshoku.Tracing1`.
    ///
    /// # Errors
    /// When the daemon does not answer, or does not let the caller read them.
    pub async fn fetch(connection: &Connection, interface: &str) -> zbus::Result<Self> {
        let proxy = fdo::PropertiesProxy::new(connection, BUS_NAME, OBJECT_PATH).await?;
        let properties = proxy.get_all(InterfaceName::try_from(interface)?).await?;
        Ok(Self(properties))
    }

    /// The same of an interface that older daemons do not have; theirs are none.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn fetch_if_any(connection: &Connection, interface: &str) -> zbus::Result<Self> {
        match Self::fetch(connection, interface).await {
            Err(zbus::Error::FDO(error)) if is_unknown(&error) => Ok(Self::default()),
            read => read,
        }
    }

    /// Takes over the new values of a signal.
    pub fn apply(&mut self, changed: HashMap<String, OwnedVariant>) {
        self.0.extend(changed);
    }

    /// A text.
    pub fn text(&self, name: &str) -> String {
        self.read(name)
    }

    /// A text, `None` when it is empty.
    pub fn text_if_any(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A number, or a time in Unix seconds.
    pub fn number(&self, name: &str) -> u64 {
        self.read(name)
    }

    /// A time in Unix seconds, `None` when it is 0, which stands for never.
    pub fn time(&self, name: &str) -> Option<u64> {
        Some(self.number(name)).filter(|seconds| *seconds != 0)
    }

    /// Whether something is so.
    pub fn flag(&self, name: &str) -> bool {
        self.read(name)
    }

    /// The notices of `org.sesshoku.Notices1`.
    pub fn notices(&self, name: &str) -> Vec<Notice> {
        let dicts: Vec<HashMap<String, OwnedVariant>> = self.read(name);
        dicts.into_iter().map(Notice::from_dict).collect()
    }

    /// A property of another type.
    pub fn read<T: TryFrom<OwnedVariant> + Default>(&self, name: &str) -> T {
        self.0
            .get(name)
            .and_then(|value| T::try_from(value.clone()).ok())
            .unwrap_or_default()
    }
}

impl<const N: usize> From<[(&str, OwnedVariant); N]> for Properties {
    fn from(properties: [(&str, OwnedVariant); N]) -> Self {
        let named = properties.map(|(name, value)| (name.to_owned(), value));
        Self(named.into())
    }
}

/// What implementations of D-Bus answer about an interface that is not there.
fn is_unknown(error: &fdo::Error) -> bool {
    matches!(
        error,
        fdo::Error::UnknownInterface(_) | fdo::Error::InvalidArgs(_)
    )
}

#[cfg(test)]
mod tests {
    use zbus::Variant;

    use super::*;

    #[test]
    fn notices_come_as_they_went() {
        let all = [
            Notice {
                id: "m1".to_owned(),
                kind: "maintenance".to_owned(),
                version: "2".to_owned(),
                from: 1,
                to: 2,
                ja: "お休みします。".to_owned(),
                en: "It rests.".to_owned(),
            },
            Notice::default(),
        ];
        let dicts: Vec<_> = all.iter().map(Notice::to_dict).collect();
        let value = OwnedVariant::try_from(Variant::from(dicts)).unwrap();
        assert_eq!(value.value_signature().to_string(), "aa{sv}");
        let properties = Properties::from([("Notices", value)]);
        assert_eq!(properties.notices("Notices"), all);
    }

    #[test]
    fn what_is_not_there_or_of_another_type_is_nothing() {
        let mut properties = Properties::from([("Time", 7_u64.into()), ("Zero", 0_u64.into())]);
        assert_eq!(properties.time("Time"), Some(7));
        assert_eq!(properties.time("Zero"), None);
        assert_eq!(properties.number("Missing"), 0);
        assert_eq!(properties.text_if_any("Time"), None);
        assert!(!properties.flag("Time"));
        properties.apply(HashMap::from([("Time".to_owned(), 8_u64.into())]));
        assert_eq!(properties.number("Time"), 8);
    }
}
