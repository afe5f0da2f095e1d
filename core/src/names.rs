//! Closed sets of names: an enum in the program, a kebab-case text on the bus and in the
//! store.

/// A closed set of names.
pub trait Named: Copy + Sized + 'static {
    /// All of them, in order.
    const ALL: &'static [Self];

    /// The name's text.
    fn as_str(self) -> &'static str;

    /// The one of this text, if there is one.
    fn named(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|name| name.as_str() == text)
    }
}

/// Makes an enum of names and their texts, which is [`Named`], shown as its text and
/// (de)serialised as it.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+
        }

        impl $crate::names::Named for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::names::Named::as_str(*self))
            }
        }
    };
}

pub(crate) use names;
