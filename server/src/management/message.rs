//! What the person who is sent a 処理番号 reads.

use gaen::registration::{DIGITS_WITHOUT_CHECK, ProcessingNumber};
use gaen::time::UnixSeconds;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sesshoku_i18n::{Catalogue, args};
use zeroize::Zeroizing;

/// Stand in a sentence for what is secret, which is put in last.
const NUMBER: &str = "\u{1}";
const LINK: &str = "\u{2}";

/// The languages of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
}

/// A message with a number in it. It is wiped when dropped, and has no `Debug`.
pub(super) struct Message {
    /// The subject, where there is one. It does not have the number: subjects are
    /// shown on locked screens.
    pub subject: String,
    /// The text.
    pub text: Zeroizing<String>,
}

impl Language {
    /// The code, such as `ja`.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The same as a language of messages.
    pub(super) const fn spoken(self) -> Spoken {
        Spoken(match self {
            Self::Ja => sesshoku_i18n::Language::Japanese,
            Self::En => sesshoku_i18n::Language::English,
        })
    }

    /// The language with this code.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        match code {
            "ja" => Some(Self::Ja),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

/// The language of a message: any that the app speaks, by its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub(super) struct Spoken(pub sesshoku_i18n::Language);

impl Default for Spoken {
    fn default() -> Self {
        Language::default().spoken()
    }
}

impl TryFrom<String> for Spoken {
    type Error = &'static str;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        let language = sesshoku_i18n::Language::from_tag(&tag);
        language.map(Self).ok_or("no such language")
    }
}

impl From<Spoken> for &'static str {
    fn from(spoken: Spoken) -> Self {
        spoken.0.tag()
    }
}

/// The message for a mail.
pub(super) fn mail(language: Spoken, number: &ProcessingNumber, expires: &str) -> Message {
    let messages = Catalogue::of_messages(language.0);
    let link = if has_link(number) {
        messages.format("message-link", &args! { "link" => LINK }) + "\n\n"
    } else {
        String::new()
    };
    let args = args! { "number" => NUMBER, "expires" => expires, "link" => link };
    Message {
        subject: messages.text("message-subject"),
        text: filled(&(messages.format("message-mail", &args) + "\n"), number),
    }
}

/// The message for an SMS: short, for every 70 characters cost.
pub(super) fn sms(language: Spoken, number: &ProcessingNumber, expires: &str) -> Message {
    let key = if has_link(number) {
        "message-sms-linked"
    } else {
        "message-sms"
    };
    let args = args! { "number" => NUMBER, "expires" => expires, "link" => LINK };
    Message {
        subject: String::new(),
        text: filled(
            &Catalogue::of_messages(language.0).format(key, &args),
            number,
        ),
    }
}

/// Whether there is a link with the number; not where it is for COCOA's apps, which open none.
fn has_link(number: &ProcessingNumber) -> bool {
    number.expose().len() != DIGITS_WITHOUT_CHECK
}

/// `sentence` with `number` and its link in it: in memory that is wiped, from the beginning.
fn filled(sentence: &str, number: &ProcessingNumber) -> Zeroizing<String> {
    let (digits, link) = (number.grouped(), number.link());
    let is_mark = |it: char| NUMBER.contains(it) || LINK.contains(it);
    // Enough for all of it: what grows leaves copies behind.
    let marks = sentence.matches(is_mark).count();
    let len = sentence.len() + marks * digits.len().max(link.len());
    let mut text = Zeroizing::new(String::with_capacity(len));
    for part in sentence.split_inclusive(is_mark) {
        if let Some(before) = part.strip_suffix(NUMBER) {
            text.push_str(before);
            text.push_str(&digits);
        } else if let Some(before) = part.strip_suffix(LINK) {
            text.push_str(before);
            text.push_str(&link);
        } else {
            text.push_str(part);
        }
    }
    text
}

/// A time as people read it in `zone`, with the zone said.
pub(super) fn time(language: Spoken, time: UnixSeconds, zone: &TimeZone) -> String {
    use sesshoku_i18n::Language::{
        Chinese, EasyJapanese, English, Japanese, Korean, Portuguese, Vietnamese,
    };
    let zoned = Timestamp::from_second(i64::from(time.get()))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone());
    let is_japan = zone.iana_name() == Some("Asia/Tokyo");
    let form = match language.0 {
        Japanese if is_japan => "%Y年%-m月%-d日 %-H時%M分",
        Japanese => "%Y年%-m月%-d日 %-H時%M分（%Z）",
        // Figures alone: there is nothing in them to be read.
        EasyJapanese if is_japan => "%Y/%-m/%-d %-H:%M",
        EasyJapanese => "%Y/%-m/%-d %-H:%M（%Z）",
        English => "%-d %B %Y, %H:%M (%Z)",
        Chinese => "%Y年%-m月%-d日 %H:%M（%Z）",
        Korean => "%Y년 %-m월 %-d일 %H:%M (%Z)",
        Vietnamese | Portuguese => "%d/%m/%Y %H:%M (%Z)",
    };
    zoned.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Spoken> {
        sesshoku_i18n::Language::ALL.into_iter().map(Spoken)
    }

    fn number() -> ProcessingNumber {
        ProcessingNumber::parse("012345678906").unwrap()
    }

    #[test]
    fn every_message_says_what_it_must() {
        use sesshoku_i18n::Language::{
            Chinese, EasyJapanese, English, Japanese, Korean, Portuguese, Vietnamese,
        };
        let number = number();
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let expires = UnixSeconds::new(1_600_000_200);
        for language in all() {
            let (until, words) = match language.0 {
                Japanese => (
                    "2020年9月13日 21時30分",
                    ["陽性の登録", "一度だけ", "教えないで", "設置端末"],
                ),
                EasyJapanese => (
                    "2020/9/13 21:30",
                    [
                        "陽性（ようせい）の 登録",
                        "1回（かい）だけ",
                        "ないで",
                        "置（お）いて ある",
                    ],
                ),
                English => (
                    "13 September 2020, 21:30 (JST)",
                    ["registering as positive", "once", "Never tell", "kiosk"],
                ),
                Chinese => (
                    "2020年9月13日 21:30（JST）",
                    ["登记阳性信息", "一次", "请不要", "场所设备"],
                ),
                Korean => (
                    "2020년 9월 13일 21:30 (JST)",
                    ["양성 판정", "한 번만", "알려 주지 마십시오", "설치 기기"],
                ),
                Vietnamese => (
                    "13/09/2020 21:30 (JST)",
                    [
                        "kết quả dương tính",
                        "một lần",
                        "ừng cho ai biết",
                        "thiết bị tại chỗ",
                    ],
                ),
                Portuguese => (
                    "13/09/2020 21:30 (JST)",
                    ["resultado positivo", "uma vez", "Não diga", "aparelho fixo"],
                ),
            };
            let until_shown = time(language, expires, &zone);
            assert_eq!(until_shown, until);
            for message in [
                mail(language, &number, &until_shown),
                sms(language, &number, &until_shown),
            ] {
                let text = &*message.text;
                assert!(text.contains("0123 4567 8906"), "{text}");
                assert!(text.contains("sesshoku register"), "{text}");
                let link = "sesshoku://register/012345678906\n";
                assert!(format!("{text}\n").contains(link), "{text}");
                assert!(text.contains(until), "{text}");
                for word in words {
                    assert!(text.contains(word), "{word}: {text}");
                }
                assert!(!text.contains(|it: char| it.is_control() && it != '\n'));
                assert!(!message.subject.contains("0123"));
            }
        }
        let utc = time(Spoken(Japanese), expires, &TimeZone::UTC);
        assert_eq!(utc, "2020年9月13日 12時30分（UTC）");
    }

    /// Its field takes eight characters, and it opens no link.
    #[test]
    fn a_number_for_cocoas_app_is_eight_digits_and_no_more() {
        let number = ProcessingNumber::parse("01234567").unwrap();
        for language in all() {
            let link = mail(language, &self::number(), "").text.len();
            assert!(mail(language, &number, "").text.len() + 100 < link);
            for message in [mail(language, &number, ""), sms(language, &number, "")] {
                let text = &*message.text;
                assert!(
                    text.lines().any(|line| line.ends_with("01234567")),
                    "{text}"
                );
                assert!(!text.contains("sesshoku://"), "{text}");
                for word in ["リンク", "link", "链接", "링크", "liên kết"] {
                    assert!(!text.contains(word), "{text}");
                }
            }
        }
    }

    #[test]
    fn messages_name_app_and_button_as_the_window_does() {
        let number = number();
        for language in all() {
            let tag = language.0.tag();
            let path = format!("{}/../i18n/{tag}/gui.ftl", env!("CARGO_MANIFEST_DIR"));
            let window = std::fs::read_to_string(path).unwrap();
            let name = |key: &str| {
                let line = window.lines().find_map(|line| line.strip_prefix(key));
                let name = line.and_then(|rest| rest.strip_prefix(" = ")).unwrap();
                // Readings are in brackets.
                name.replace('《', "（").replace('》', "）")
            };
            for message in [mail(language, &number, ""), sms(language, &number, "")] {
                for key in ["app-name", "home-positive"] {
                    assert!(message.text.contains(&name(key)), "{tag} {key}");
                }
            }
        }
    }

    /// A mail program breaks lines where they end on its screen.
    #[test]
    fn a_paragraph_of_a_mail_is_one_line() {
        let number = number();
        for language in all() {
            let text = mail(language, &number, "").text;
            let lines: Vec<_> = text.lines().collect();
            for lines in lines.windows(2) {
                let goes_on = !lines[0].starts_with("    ") && !lines[1].is_empty();
                assert!(!goes_on || lines[0].chars().count() <= 32, "{lines:?}");
            }
        }
    }

    /// 70 characters a part in UCS-2, 67 where there are several (3GPP 23.038).
    #[test]
    fn an_sms_has_few_parts() {
        use sesshoku_i18n::Language::{
            Chinese, EasyJapanese, English, Japanese, Korean, Portuguese, Vietnamese,
        };
        let number = number();
        let expires = UnixSeconds::new(1_607_862_600);
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        for language in all() {
            let text = sms(language, &number, &time(language, expires, &zone)).text;
            let units = text.encode_utf16().count();
            // Latin letters and readings take more of them.
            let parts = match language.0 {
                Japanese => 3,
                Chinese | Korean => 4,
                EasyJapanese | English | Portuguese | Vietnamese => 6,
            };
            assert!(units <= parts * 67, "{units}: {}", language.0.tag());
        }
    }
}
