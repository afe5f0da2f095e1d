//! Passwords: argon2id, with the parameters of RFC 9106's second recommended option:
//! 64 MiB, 3 passes, 4 lanes, a salt of 128 bits and a hash of 256.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::management::keys::random;

const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
const HASH_LEN: usize = 32;
/// How many hashes are computed at the same time, for each takes 64 MiB; the others
/// wait.
const AT_ONCE: usize = 2;
/// The shortest password somebody may choose, in characters.
pub(crate) const LEN_MIN: usize = 12;
/// The longest, in bytes: everything is hashed, but nothing endless.
pub(crate) const LEN_MAX: usize = 256;
/// What has to do with an account counts from so many characters on.
const NEAR_LEN_MIN: usize = 3;
/// So many characters there must be beside it.
const BESIDE_NEAR_MIN: usize = 8;
/// The letters of generated passwords: 32, none of which looks like another.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789+";
/// Groups of letters in a generated password: 100 bits.
const GROUPS: usize = 4;
const GROUP_LEN: usize = 5;

/// Hashes passwords, a few at a time.
pub(crate) struct Passwords {
    permits: Semaphore,
    /// The hash that is tried where there is no account, so that this takes as long.
    nobody: String,
}

/// Why a password could not be hashed or tried.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The hash function failed.
    #[error("a password could not be hashed")]
    Hash(#[from] argon2::password_hash::Error),
    /// The work was broken off.
    #[error("hashing a password was broken off")]
    BrokenOff,
}

impl Passwords {
    /// Makes ready; this hashes once.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub(crate) async fn new() -> Result<Self, PasswordError> {
        let this = Self {
            permits: Semaphore::new(AT_ONCE),
            nobody: String::new(),
        };
        // Nobody knows this password; it is not even accepted.
        let nobody = this.hash(Zeroizing::new(String::new())).await?;
        Ok(Self { nobody, ..this })
    }

    /// The hash of a password, in PHC form.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub(crate) async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        self.blocking(move || {
            Ok(argon2()
                .hash_password(password.as_bytes())
                .map(|hash: PasswordHash| hash.to_string())?)
        })
        .await
    }

    /// Whether a password is the one that was hashed. Without a hash it is not, which
    /// takes as long to find out.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub(crate) async fn is_right(
        &self,
        password: Zeroizing<String>,
        hash: Option<&str>,
    ) -> Result<bool, PasswordError> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        self.blocking(move || {
            let hash = PasswordHash::new(&hash).map_err(argon2::password_hash::Error::from)?;
            match argon2().verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(exists),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| PasswordError::BrokenOff)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| PasswordError::BrokenOff)?
    }
}

/// Whether a password that somebody chose is among those that are tried first: common ones,
/// walks over the keyboard, dates, repeats, and what has to do with the account (`near`).
pub(crate) fn is_common(password: &str, near: &[&str]) -> bool {
    // However often it is repeated, a name is a name.
    let beside = near
        .iter()
        .map(|word| word.to_lowercase())
        .filter(|word| word.chars().count() >= NEAR_LEN_MIN)
        .fold(Zeroizing::new(password.to_lowercase()), |rest, word| {
            Zeroizing::new(rest.replace(&word, ""))
        });
    beside.chars().count() < BESIDE_NEAR_MIN
        || zxcvbn::zxcvbn(password, near).score() < zxcvbn::Score::Three
}

/// A random password, to be changed at the first sign-in.
///
/// # Errors
/// [`getrandom::Error`].
pub(crate) fn generate() -> Result<Zeroizing<String>, getrandom::Error> {
    let bytes = Zeroizing::new(random::<{ GROUPS * GROUP_LEN }>()?);
    let mut password = Zeroizing::new(String::with_capacity(GROUPS * (GROUP_LEN + 1)));
    for group in bytes.chunks(GROUP_LEN) {
        if !password.is_empty() {
            password.push('-');
        }
        // 256 is a multiple of 32, so that all letters are equally likely.
        password.extend(group.iter().map(|byte| {
            let at = usize::from(byte % 32);
            char::from(ALPHABET.get(at).copied().unwrap_or_default())
        }));
    }
    Ok(password)
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LEN))
        .expect("the parameters are in argon2's ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let passwords = Passwords::new().await.unwrap();
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let hash = passwords.hash(text("正しい馬 battery")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"),
            "{hash}"
        );
        for (password, hash, right) in [
            ("正しい馬 battery", Some(&*hash), true),
            ("正しい馬 batterY", Some(&*hash), false),
            ("", Some(&*hash), false),
            ("正しい馬 battery", None, false),
            ("", None, false),
        ] {
            let is_right = passwords.is_right(text(password), hash).await.unwrap();
            assert_eq!(is_right, right, "{password:?}");
        }
    }

    #[test]
    fn what_is_tried_first_is_common() {
        let near = ["hanako.minato", "みなと保健所", "sesshoku"];
        for password in [
            "password1234",
            "Passw0rd!Passw0rd!",
            "qwertyuiop12",
            "1qaz2wsx3edc",
            "123456789012",
            "aaaaaaaaaaaaaaa",
            "abcabcabcabcabc",
            "2020-08-152020",
            "iloveyou1234",
            "hanako.minato",
            "sesshokusesshoku",
        ] {
            assert!(is_common(password, &near), "{password}");
        }
        for password in [
            "春はあけぼの、やうやう白く",
            "a long sentence nobody thinks of",
            "correct horse battery staple",
            "vmz3-k4tqh-9xwpe",
        ] {
            assert!(!is_common(password, &near), "{password}");
        }
        let generated = generate().unwrap();
        assert!(!is_common(&generated, &near));
        // In no time, however long it is.
        is_common(&"x9".repeat(LEN_MAX / 2), &near);
    }

    #[test]
    fn generated_passwords_are_long_and_their_letters_distinct() {
        let password = generate().unwrap();
        assert_eq!(password.len(), 23);
        assert_ne!(password, generate().unwrap());
        assert!(ALPHABET.iter().all(|letter| {
            let same = ALPHABET.iter().filter(|other| *other == letter);
            same.count() == 1
        }));
    }
}
