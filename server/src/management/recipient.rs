//! Where a 処理番号 is sent: a mail address or a phone number, which exists in memory
//! only, from the request until the message is sent.

use std::fmt;

use lettre::Address;
use zeroize::Zeroizing;

/// The longest mail address (RFC 5321 §4.5.3.1.3).
const MAIL_LEN_MAX: usize = 254;
/// E.164: at most 15 digits with the country's; no country has mobile phones with fewer
/// than 8.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// The code of Japan.
const JAPAN: &str = "81";

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
    /// The phone number has too few or too many digits.
    #[error("the phone number is too short or too long")]
    PhoneLength,
    /// The phone number is not a mobile phone's.
    #[error("the phone number is not a mobile phone's")]
    Landline,
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

    /// The mail address or phone number.
    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Mail(text) | Self::Phone(text) => text,
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
    if text.len() > MAIL_LEN_MAX {
        return Err(RecipientError::Mail);
    }
    // As it comes from a Japanese keyboard: with a wide ＠, or all of it wide.
    let mut address = Zeroizing::new(String::with_capacity(text.len()));
    address.extend(text.chars().map(wide_as_ascii));
    if address.parse::<Address>().is_err() {
        return Err(RecipientError::Mail);
    }
    Ok(Recipient::Mail(address))
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
    let international = if is_international {
        Zeroizing::new(digits.to_string())
    } else {
        let rest = digits
            .strip_prefix('0')
            .filter(|rest| !rest.starts_with('0'))
            .ok_or(RecipientError::Phone)?;
        Zeroizing::new(format!("{JAPAN}{rest}"))
    };
    let international = match international.strip_prefix(JAPAN) {
        // As cards have it, `+81 (0)90 …`: within Japan no number begins with 0.
        Some(rest) => {
            let rest = rest.strip_prefix('0').unwrap_or(rest);
            check_japanese(rest)?;
            Zeroizing::new(format!("{JAPAN}{rest}"))
        }
        None => {
            check_foreign(&international)?;
            international
        }
    };
    Ok(Recipient::Phone(Zeroizing::new(format!(
        "+{}",
        *international
    ))))
}

/// Whether `rest`, a Japanese number without its 0, is a mobile phone's, which an SMS can
/// reach: those of the numbering plan of the Ministry of Internal Affairs and
/// Communications that begin with 060, 070, 080 and 090, and have eight digits more.
fn check_japanese(rest: &str) -> Result<(), RecipientError> {
    let mut digits = rest.bytes();
    let (first, second, third) = (digits.next(), digits.next(), digits.next());
    match (first, second) {
        (Some(b'6'..=b'9'), Some(b'0')) if rest.len() != 10 => Err(RecipientError::PhoneLength),
        // 0800 is free of charge for who calls, and no mobile phone.
        (Some(b'8'), Some(b'0')) if third == Some(b'0') => Err(RecipientError::Landline),
        (Some(b'6'..=b'9'), Some(b'0')) => Ok(()),
        // Landlines, and 050 of internet telephones, have nine or ten digits.
        (Some(b'1'..=b'9'), Some(_)) if matches!(rest.len(), 9 | 10) => {
            Err(RecipientError::Landline)
        }
        _ => Err(RecipientError::PhoneLength),
    }
}

/// Whether `digits`, a country's code and a number in it, may be a telephone's at all.
fn check_foreign(digits: &str) -> Result<(), RecipientError> {
    if digits.starts_with('0') {
        return Err(RecipientError::Phone);
    }
    // The North American plan has ten digits after its 1, all over.
    let is_as_long = match digits.strip_prefix('1') {
        Some(rest) => rest.len() == 10,
        None => PHONE_DIGITS.contains(&digits.len()),
    };
    if is_as_long {
        Ok(())
    } else {
        Err(RecipientError::PhoneLength)
    }
}

/// A full-width character as the ASCII one.
fn wide_as_ascii(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => u32::from(character)
            .checked_sub(0xfee0)
            .and_then(char::from_u32)
            .unwrap_or(character),
        _ => character,
    }
}

fn half_width(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        // What input methods and telephone books make of a hyphen.
        '‐' | '‑' | '–' | '—' | '―' | '−' | 'ー' => '-',
        _ => wide_as_ascii(character),
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
            "+81 (0)90 0000 0000",
            "０９０ー００００ー００００",
            "＋８１９０００００００００",
        ] {
            let expected = Recipient::Phone(Zeroizing::new("+819000000000".into()));
            assert_eq!(Recipient::parse(None, Some(text)), Ok(expected), "{text}");
        }
        for text in [
            "9000000000",
            "090000000a",
            "090+0000000",
            "00819000000000",
            "+0900000000",
        ] {
            let parsed = Recipient::parse(None, Some(text));
            assert_eq!(parsed, Err(RecipientError::Phone), "{text}");
        }
        for text in [
            "0",
            "+",
            "+81",
            "090-0000-000",
            "090-0000-00000",
            "+8190000000000000",
            "+1 000 000 000",
            "+44 000",
            "0312345",
        ] {
            let parsed = Recipient::parse(None, Some(text));
            assert_eq!(parsed, Err(RecipientError::PhoneLength), "{text}");
        }
        // Of places, of the internet, free of charge.
        for text in [
            "03-0000-0000",
            "+81 6 6000 0000",
            "050-0000-0000",
            "0120-000-000",
            "0800-000-0000",
        ] {
            let parsed = Recipient::parse(None, Some(text));
            assert_eq!(parsed, Err(RecipientError::Landline), "{text}");
        }
        for text in [
            "+44 7000 000000",
            "+1 (000) 000-0000",
            "060-1000-0000",
            "080-1000-0000",
        ] {
            assert!(Recipient::parse(None, Some(text)).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_mail_address_cannot_carry_anything_else() {
        let parse = |text: &str| Recipient::parse(Some(text), None);
        assert_eq!(
            parse(" a.b+c@mail.example "),
            Ok(Recipient::Mail(Zeroizing::new("a.b+c@mail.example".into())))
        );
        for wide in ["a.b＠mail.example", "ａ．ｂ＠ｍａｉｌ．ｅｘａｍｐｌｅ"] {
            assert_eq!(
                parse(wide),
                Ok(Recipient::Mail(Zeroizing::new("a.b@mail.example".into())))
            );
        }
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
