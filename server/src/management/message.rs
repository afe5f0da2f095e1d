//! What the person who is sent a 処理番号 reads.

use gaen::registration::{DIGITS_WITHOUT_CHECK, ProcessingNumber};
use gaen::time::UnixSeconds;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The button of the home screen that leads to registering, as it reads there.
const BUTTON_JA: &str = "陽性と判定されたとき";
/// The same in English.
const BUTTON_EN: &str = "If you test positive";

/// The languages of messages and of the page.
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
    pub subject: &'static str,
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

    /// The button of the app's home screen that leads to registering, as it reads there.
    #[cfg(test)]
    pub(super) const fn button(self) -> &'static str {
        match self {
            Self::Ja => BUTTON_JA,
            Self::En => BUTTON_EN,
        }
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

/// The message for a mail.
pub(super) fn mail(language: Language, number: &ProcessingNumber, expires: &str) -> Message {
    let link = link(number, |link| match language {
        Language::Ja => format!(
            "アプリの入ったパソコンや端末では、次のリンクを開くと、番号が入力された画面になります。リンクが使えるのも一度だけで、番号のほかには何も入っていません。端末に sesshoku register --link と入力して貼り付けることもできます。\n\n    {link}\n\n"
        ),
        Language::En => format!(
            "On a computer or device with the app, this link opens it with the number filled in. It works once, too, and holds nothing but the number. It can also be pasted into \"sesshoku register --link\".\n\n    {link}\n\n"
        ),
    });
    let (number, link) = (number.grouped(), link.as_str());
    let number = number.as_str();
    match language {
        Language::Ja => Message {
            subject: "陽性の登録に使う処理番号をお送りします",
            text: Zeroizing::new(format!(
                "陽性の登録に使う処理番号をお送りします。検査で陽性と診断された方と、感染した人がいた場所の管理者の方にお送りしています。

    処理番号:  {number}
    有効期限:  {expires} まで

■ この番号でできること
アプリ「接触確認」（Sesshoku）で陽性の登録をすると、近くにいた可能性のある利用者に、陽性の登録をした人の近くにいたかもしれないことが伝わります。相手に分かるのは、その日付、近くにいた長さ、電波の強さの移り変わりです。名前、連絡先、場所は送られませんが、会った人が少ないときなどは、見当がつくことがあります。登録するかどうかは、ご自身でお決めください。

■ 番号の使い方
アプリのホームで「{BUTTON_JA}」を押し、案内に従って番号を入力してください。場所の管理者の方は、その場所の設置端末で sesshoku register を実行してください。使えるのは一度だけです。期限を過ぎたときや、うまくいかないときは、番号を発行した保健所などに、新しい番号をお求めください。

{link}■ 番号は、誰にも教えないでください
番号を電話やメールでおたずねすることは、決してありません。

お心当たりがないときは、このメールを削除してください。このメールには返信できません。
"
            )),
        },
        Language::En => Message {
            subject: "Your processing number for registering as positive",
            text: Zeroizing::new(format!(
                "This is your processing number for registering as positive. It is sent to people who were diagnosed as positive, and to whoever is responsible for a place where somebody infected was.

    Processing number:  {number}
    Valid until:        {expires}

What it is for
When you register as positive in the app Sesshoku, people who may have been near are told that they may have been near somebody who registered as positive. They can see on which day, for how long, and the course of the signal. No name, no address or number and no place is sent, but somebody who met few people, for example, may guess. Whether you register is up to you.

How to use it
Press \"{BUTTON_EN}\" on the home screen of the app, and enter the number where it asks for it. Whoever is responsible for a place runs \"sesshoku register\" on the kiosk that stands there. The number works once. When it has expired, or does not work, ask whoever issued it, such as a public health centre, for a new one.

{link}Never tell anybody this number
Nobody will ever ask you for it by phone or mail.

If you did not expect this mail, please delete it. Replies are not read.
"
            )),
        },
    }
}

/// The message for an SMS: short, for every 70 characters cost.
pub(super) fn sms(language: Language, number: &ProcessingNumber, expires: &str) -> Message {
    let link = link(number, |link| format!("\n{link}"));
    let or_link = match language {
        Language::Ja if link.is_empty() => "して",
        Language::En if link.is_empty() => "",
        Language::Ja => "するか、下のリンクを開いて",
        Language::En => ", or open the link below",
    };
    let (number, link) = (number.grouped(), link.as_str());
    let number = number.as_str();
    let (subject, text) = match language {
        Language::Ja => (
            "",
            format!(
                "陽性の登録に使う処理番号: {number}
有効期限: {expires}
アプリ「接触確認」（Sesshoku）の「{BUTTON_JA}」で入力{or_link}ください（場所は設置端末で sesshoku register）。一度だけ使えます。登録は任意です。誰にも教えないでください。{link}"
            ),
        ),
        Language::En => (
            "",
            format!(
                "Your processing number for registering as positive: {number}
Valid until {expires}
Press \"{BUTTON_EN}\" on the home screen of the app Sesshoku and enter it{or_link} (for a place, run \"sesshoku register\" on its kiosk). It works once; registering is up to you. Never tell anybody this number. Nobody will ask you for it.{link}"
            ),
        ),
    };
    Message {
        subject,
        text: Zeroizing::new(text),
    }
}

/// What a message says of the link with the number; nothing where the number is for COCOA's
/// apps, which open no link.
fn link(number: &ProcessingNumber, say: impl Fn(&str) -> String) -> Zeroizing<String> {
    if number.expose().len() == DIGITS_WITHOUT_CHECK {
        return Zeroizing::default();
    }
    Zeroizing::new(say(&number.link()))
}

/// A time as people read it in `zone`, with the zone said.
pub(super) fn time(language: Language, time: UnixSeconds, zone: &TimeZone) -> String {
    let zoned = Timestamp::from_second(i64::from(time.get()))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone());
    let is_japan = zone.iana_name() == Some("Asia/Tokyo");
    match language {
        Language::Ja if is_japan => zoned.strftime("%Y年%-m月%-d日 %-H時%M分").to_string(),
        Language::Ja => zoned.strftime("%Y年%-m月%-d日 %-H時%M分（%Z）").to_string(),
        Language::En => zoned.strftime("%-d %B %Y, %H:%M (%Z)").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> ProcessingNumber {
        ProcessingNumber::parse("012345678906").unwrap()
    }

    #[test]
    fn every_message_says_what_it_must() {
        let number = number();
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let expires = UnixSeconds::new(1_600_000_200);
        for (language, until, words) in [
            (
                Language::Ja,
                "2020年9月13日 21時30分",
                ["陽性の登録", "一度だけ", "教えないで", "設置端末"],
            ),
            (
                Language::En,
                "13 September 2020, 21:30 (JST)",
                ["registering as positive", "once", "Never tell", "kiosk"],
            ),
        ] {
            let until_shown = time(language, expires, &zone);
            assert_eq!(until_shown, until);
            for message in [
                mail(language, &number, &until_shown),
                sms(language, &number, &until_shown),
            ] {
                assert!(message.text.contains("0123 4567 8906"));
                let link = "sesshoku://register/012345678906\n";
                assert!(format!("{}\n", *message.text).contains(link));
                assert!(message.text.contains(until));
                assert!(words.iter().all(|word| message.text.contains(word)));
                assert!(!message.subject.contains("0123"));
            }
        }
        let utc = time(Language::Ja, expires, &TimeZone::UTC);
        assert_eq!(utc, "2020年9月13日 12時30分（UTC）");
    }

    /// Its field takes eight characters, and it opens no link.
    #[test]
    fn a_number_for_cocoas_app_is_eight_digits_and_no_more() {
        let number = ProcessingNumber::parse("01234567").unwrap();
        for language in [Language::Ja, Language::En] {
            for message in [mail(language, &number, ""), sms(language, &number, "")] {
                assert!(message.text.contains(" 01234567\n"), "{}", *message.text);
                assert!(!message.text.contains("sesshoku://"));
                assert!(!message.text.contains("リンク") && !message.text.contains("link"));
            }
        }
    }

    #[test]
    fn messages_name_app_and_button_as_the_window_does() {
        let number = number();
        for (language, window) in [
            (Language::Ja, include_str!("../../../i18n/ja/gui.ftl")),
            (Language::En, include_str!("../../../i18n/en/gui.ftl")),
        ] {
            let name = |key: &str| {
                let line = window.lines().find_map(|line| line.strip_prefix(key));
                line.and_then(|rest| rest.strip_prefix(" = ")).unwrap()
            };
            for message in [mail(language, &number, ""), sms(language, &number, "")] {
                for key in ["app-name", "home-positive"] {
                    assert!(message.text.contains(name(key)), "{key}");
                }
            }
            assert_eq!(name("home-positive"), language.button());
        }
    }

    /// A mail program breaks lines where they end on its screen.
    #[test]
    fn a_paragraph_of_a_mail_is_one_line() {
        let number = number();
        for language in [Language::Ja, Language::En] {
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
        let number = number();
        let text = sms(Language::Ja, &number, "2020年12月13日 21時30分").text;
        let units = text.encode_utf16().count();
        assert!(units <= 3 * 67, "{units}");
    }
}
