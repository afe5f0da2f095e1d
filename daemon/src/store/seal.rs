//! What seals whatever goes into the database, and where that belongs: every sealed value
//! is bound to its place, which is its table and primary key.

use gaen::time::UtcDay;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::StoreError;
use super::device_key::{DEVICE_KEY_LEN, DeviceKey};
use super::wrapping::WrappingSecret;

/// Length of every key here, in bytes.
pub(super) use ::seal::KEY_LEN;

/// A key that seals values; wiped from memory when dropped.
#[derive(Clone)]
pub(super) struct SealingKey(Zeroizing<[u8; KEY_LEN]>);

impl SealingKey {
    /// A new key from the system's random numbers.
    pub(super) fn generate() -> Result<Self, StoreError> {
        random_bytes().map(Self)
    }

    /// `plaintext`, sealed for `place`.
    pub(super) fn seal(&self, place: &Place, plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        ::seal::seal(&self.0, &place.0, plaintext).map_err(StoreError::Random)
    }

    /// What was sealed for `place`, or `None` when this is not it.
    pub(super) fn open(&self, place: &Place, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        ::seal::open(&self.0, &place.0, sealed)
    }

    /// `key`, sealed for `place`.
    pub(super) fn wrap(&self, place: &Place, key: &Self) -> Result<Vec<u8>, StoreError> {
        self.seal(place, key.0.as_slice())
    }

    /// The key that was wrapped for `place`, or `None` when this is not it.
    pub(super) fn unwrap(&self, place: &Place, wrapped: &[u8]) -> Option<Self> {
        let plaintext = self.open(place, wrapped)?;
        let bytes = <[u8; KEY_LEN]>::try_from(plaintext.as_slice()).ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }
}

/// Where a sealed value belongs; the associated data of its encryption.
pub(super) struct Place(Vec<u8>);

impl Place {
    /// The row of `table` with this integer key.
    pub(super) fn row(table: &str, id: i64) -> Self {
        Self::new(table, &id.to_be_bytes())
    }

    /// The row of `table` that belongs to `day`.
    pub(super) fn day(table: &str, day: UtcDay) -> Self {
        Self::row(table, i64::from(day.get()))
    }

    /// The row of `table` with this text key.
    pub(super) fn named(table: &str, name: &str) -> Self {
        Self::new(table, name.as_bytes())
    }

    fn new(table: &str, key: &[u8]) -> Self {
        // Table names hold no NUL, so no two places share their bytes.
        Self([table.as_bytes(), &[0], key].concat())
    }
}

/// The keys that the device key, the wrapping secret and a database's own secret make
/// together, one for each purpose.
pub(super) struct Keys {
    /// Seals the value that tells whether the device key is the right one.
    pub(super) check: SealingKey,
    /// Wraps the keys of the days.
    pub(super) days: SealingKey,
    /// Seals the device's own TEKs.
    pub(super) teks: SealingKey,
    /// Seals the small rows.
    pub(super) rows: SealingKey,
}

/// The secret a database draws when it is made and whenever everything is sealed anew:
/// without it, keys wrapped before stay closed even to the device key.
pub(super) type DatabaseSecret = Zeroizing<[u8; KEY_LEN]>;

impl Keys {
    /// The keys for a database.
    pub(super) fn derive(device_key: &DeviceKey, secret: &[u8], wrapping: &WrappingSecret) -> Self {
        let mut both = Zeroizing::new([0; DEVICE_KEY_LEN + KEY_LEN]);
        let (device, wrapped) = both.split_at_mut(DEVICE_KEY_LEN);
        device.copy_from_slice(device_key.expose_bytes());
        wrapped.copy_from_slice(wrapping.as_slice());
        Self::expand(secret, both.as_slice(), b"sesshoku store 2 ")
    }

    /// The keys of a database that an earlier version made, which had no wrapping secret.
    pub(super) fn derive_unwrapped(device_key: &DeviceKey, secret: &[u8]) -> Self {
        Self::expand(secret, device_key.expose_bytes(), b"sesshoku store 1 ")
    }

    fn expand(salt: &[u8], input: &[u8], context: &[u8]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(salt), input);
        let key = |purpose: &str| {
            let mut bytes = Zeroizing::new([0; KEY_LEN]);
            hkdf.expand_multi_info(&[context, purpose.as_bytes()], &mut *bytes)
                .expect("32 bytes are within what HKDF-SHA256 can expand");
            SealingKey(bytes)
        };
        Self {
            check: key("check"),
            days: key("day keys"),
            teks: key("own keys"),
            rows: key("rows"),
        }
    }
}

/// A new [`DatabaseSecret`] or key.
pub(super) fn random_bytes() -> Result<DatabaseSecret, StoreError> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    getrandom::fill(bytes.as_mut_slice()).map_err(StoreError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_unchanged_and_in_its_place() {
        let key = SealingKey::generate().unwrap();
        let place = Place::row("segment", 7);
        let sealed = key.seal(&place, b"heard").unwrap();
        assert_eq!(sealed.len(), 5 + ::seal::OVERHEAD);
        assert_eq!(key.open(&place, &sealed).unwrap().as_slice(), b"heard");

        for other in [
            Place::row("segment", 8),
            Place::row("tek", 7),
            Place::named("segment", "7"),
        ] {
            assert!(key.open(&other, &sealed).is_none());
        }
        for byte in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[byte] ^= 1;
            assert!(key.open(&place, &flipped).is_none(), "byte {byte}");
            assert!(key.open(&place, &sealed[..byte]).is_none(), "cut at {byte}");
        }
        let other_key = SealingKey::generate().unwrap();
        assert!(other_key.open(&place, &sealed).is_none());
    }

    #[test]
    fn keys_differ_by_purpose_and_by_each_of_the_secrets() {
        let place = Place::named("meta", "x");
        let derive = |device: u8, secret: u8, wrapping: u8| {
            Keys::derive(
                &DeviceKey::from_bytes([device; 32]),
                &[secret; 32],
                &Zeroizing::new([wrapping; 32]),
            )
        };
        let keys = derive(1, 2, 3);
        let sealed = keys.rows.seal(&place, b"x").unwrap();
        assert!(keys.rows.open(&place, &sealed).is_some());
        assert!(keys.days.open(&place, &sealed).is_none());
        assert!(keys.teks.open(&place, &sealed).is_none());
        assert!(keys.check.open(&place, &sealed).is_none());
        assert!(derive(1, 2, 3).rows.open(&place, &sealed).is_some());
        for other in [derive(9, 2, 3), derive(1, 9, 3), derive(1, 2, 9)] {
            assert!(other.rows.open(&place, &sealed).is_none());
        }
        let unwrapped = Keys::derive_unwrapped(&DeviceKey::from_bytes([1; 32]), &[2; 32]);
        assert!(unwrapped.rows.open(&place, &sealed).is_none());
    }
}
