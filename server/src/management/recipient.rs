//! Where a 処理番号 is sent: a mail address or a phone number, which exists in memory
//! only, from the request until the message is sent.

use std::fmt;

use lettre::Address;
use zeroize::Zeroizing;

/// The longest mail address (RFC 5321 §4.5.3.1.3).
const MAIL_LEN_MAX: usize = 254;
/// E.164: at most 15 digits with the country's; no country has numbers with fewer
/// than 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A mail address or a phone number. It is wiped when dropped and not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Recipient {
    /// A mail address of valid form.
    Mail(Zeroizing<String>),
    /// A phone number in E.164, such as `+819000000000`.
    Phone(Zeroizing<String>),
}

/// How something is sent. It says nothing about whom to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// By mail.
    Mail,
    /// By SMS.
    Sms,
}

/// Why a text is no recipient. It does not hold the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecipientError {
    /// Nothing was entered.
    #[error("there is neither a mail address nor a phone number")]
    Missing,
    /// Both were entered.
    #[error("there is both a mail address and a phone number")]
    Both,
    /// The mail address is not one.
    #[error("the mail address is not one")]
    Mail,
    /// The phone number is not one.
    #[error("the phone number is not one")]
    Phone,
}

impl Recipient {
    /// The recipient in the one of two fields that there is.
    ///
    /// # Errors
    /// [`RecipientError`].
    pub(super) fn parse(mail: Option<&str>, phone: Option<&str>) -> Result<Self, RecipientError> {
        match (mail.map(str::trim), phone.map(str::trim)) {
            (Some(_), Some(_)) => Err(RecipientError::Both),
            (None | Some(""), None) | (None, Some("")) => Err(RecipientError::Missing),
            (Some(mail), None) => parse_mail(mail),
            (None, Some(phone)) => parse_phone(phone),
        }
    }

    /// How to send to it.
    pub(super) fn channel(&self) -> Channel {
        match self {
            Self::Mail(_) => Channel::Mail,
            Self::Phone(_) => Channel::Sms,
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({:?}, …)", self.channel())
    }
}

fn parse_mail(text: &str) -> Result<Recipient, RecipientError> {
    if text.len() > MAIL_LEN_MAX || text.parse::<Address>().is_err() {
        return Err(RecipientError::Mail);
    }
    Ok(Recipient::Mail(Zeroizing::new(text.to_owned())))
}

/// Takes a phone number as people write it: `090-0000-0000`, `(090) 0000 0000`,
/// `+81 90 0000 0000`, also in full-width characters. One without a country code is a
/// Japanese one.
fn parse_phone(text: &str) -> Result<Recipient, RecipientError> {
    let mut digits = Zeroizing::new(String::with_capacity(text.len()));
    let mut is_international = false;
    for (at, character) in text.chars().map(half_width).enumerate() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if at == 0 => is_international = true,
            '-' | ' ' | '(' | ')' | '.' => (),
            _ => return Err(RecipientError::Phone),
        }
    }
    let national = if is_international {
        Zeroizing::new(digits.to_string())
    } else {
        let rest = digits
            .strip_prefix('0')
            .filter(|rest| !rest.starts_with('0'))
            .ok_or(RecipientError::Phone)?;
        Zeroizing::new(format!("81{rest}"))
    };
    if national.starts_with('0') || !PHONE_DIGITS.contains(&national.len()) {
        return Err(RecipientError::Phone);
    }
    Ok(Recipient::Phone(Zeroizing::new(format!("+{}", *national))))
}

fn half_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => u32::from(character)
            .checked_sub(0xfee0)
            .and_then(char::from_u32)
            .unwrap_or(character),
        '\u{3000}' => ' ',
        // What input methods and telephone books make of a hyphen.
        '‐' | '‑' | '–' | '—' | '―' | '−' | 'ー' => '-',
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_come_in_many_spellings() {
        for text in [
            "09000000000",
            "090-0000-0000",
            "+819000000000",
            "+81 90 0000 0000",
            "０９０ー００００ー００００",
            "＋８１９０００００００００",
        ] {
            let expected = Recipient::Phone(Zeroizing::new("+819000000000".into()));
            assert_eq!(Recipient::parse(None, Some(text)), Ok(expected), "{text}");
        }
        for text in [
            "9000000000",
            "0",
            "+0",
            "+",
            "+8190000000000000",
            "090000000a",
            "090+0000000",
            "00819000000000",
        ] {
            let parsed = Recipient::parse(None, Some(text));
            assert_eq!(parsed, Err(RecipientError::Phone), "{text}");
        }
    }

    #[test]
    fn a_mail_address_cannot_carry_anything_else() {
        let parse = |text: &str| Recipient::parse(Some(text), None);
        assert_eq!(
            parse(" a.b+c@mail.example "),
            Ok(Recipient::Mail(Zeroizing::new("a.b+c@mail.example".into())))
        );
        for text in [
            "a",
            "a@",
            "@b.example",
            "a@b.example\r\nBcc: c@d.example",
            "A <a@b.example>",
            "a@b.example,c@d.example",
            &format!("{}@b.example", "a".repeat(250)),
        ] {
            assert_eq!(parse(text), Err(RecipientError::Mail), "{text}");
        }
    }

    #[test]
    fn exactly_one_is_wanted_and_none_is_shown() {
        assert_eq!(
            Recipient::parse(Some(" "), None),
            Err(RecipientError::Missing)
        );
        assert_eq!(
            Recipient::parse(Some("a@b.example"), Some("")),
            Err(RecipientError::Both)
        );
        let shown = format!("{:?}", Recipient::parse(Some("a@b.example"), None).unwrap());
        assert_eq!(shown, "Recipient(Mail, …)");
    }
}
