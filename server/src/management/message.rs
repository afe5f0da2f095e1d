//! What the person who is sent a 処理番号 reads.

use gaen::time::UnixSeconds;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::number::ProcessingNumber;

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
    let number = number.expose();
    match language {
        Language::Ja => Message {
            subject: "陽性登録の処理番号をお送りします",
            text: Zeroizing::new(format!(
                "検査で陽性と診断された方に、陽性登録のための処理番号をお送りします。

    処理番号:  {number}
    有効期限:  {expires} まで

■ この番号でできること
接触確認アプリ Sesshoku で陽性登録をすると、過去 14 日間に近くにいた可能性の
ある利用者に、「陽性になった人の近くにいたかもしれない」ことと、その日だけが知
らされます。あなたの名前や連絡先、いた場所は、だれにも伝わりません。登録するか
どうかは、ご自身でお決めください。

■ 番号の使いかた
Sesshoku の「陽性登録」を開き、案内に従って 8 桁の番号を入力してください。使え
るのは一度だけです。期限を過ぎたときや、うまくいかないときは、保健所に新しい
番号をお求めください。

■ 番号は、だれにも教えないでください
番号を電話やメールでおたずねすることは、決してありません。

お心当たりがないときは、このメールを削除してください。このメールには返信できま
せん。
"
            )),
        },
        Language::En => Message {
            subject: "Your processing number for registering as positive",
            text: Zeroizing::new(format!(
                "You have been diagnosed as positive. This is your processing number for
registering that in the contact confirming app.

    Processing number:  {number}
    Valid until:        {expires}

What it is for
When you register as positive in the app Sesshoku, people who may have been
near you in the last 14 days are told that they may have been near somebody
who is positive, and on which day, but nothing else. Nobody learns your name,
your address or number, or where you were. Whether you register is up to you.

How to use it
Open \"Register as positive\" in Sesshoku and enter the 8 digits where it asks
for them. They work once. When they have expired, or do not work, ask your
public health centre for a new number.

Never tell anybody this number
Nobody will ever ask you for it by phone or mail.

If you did not expect this mail, please delete it. Replies are not read.
"
            )),
        },
    }
}

/// The message for an SMS: short, for every 70 characters cost.
pub(super) fn sms(language: Language, number: &ProcessingNumber, expires: &str) -> Message {
    let number = number.expose();
    let (subject, text) = match language {
        Language::Ja => (
            "",
            format!(
                "陽性登録の処理番号: {number}
有効期限: {expires}
接触確認アプリ Sesshoku の「陽性登録」で入力してください。使えるのは一度だけ、登録は任意です。番号はだれにも教えないでください。おたずねすることもありません。"
            ),
        ),
        Language::En => (
            "",
            format!(
                "Your processing number for registering as positive: {number}
Valid until {expires}
Enter it under \"Register as positive\" in the app Sesshoku. It works once; registering is up to you. Never tell anybody this number. Nobody will ask you for it."
            ),
        ),
    };
    Message {
        subject,
        text: Zeroizing::new(text),
    }
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

    #[test]
    fn every_message_says_what_it_must() {
        let number: ProcessingNumber = "01234567".parse().unwrap();
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let expires = UnixSeconds::new(1_600_000_200);
        for (language, until, words) in [
            (
                Language::Ja,
                "2020年9月13日 21時30分",
                ["陽性登録", "一度だけ", "教えないで"],
            ),
            (
                Language::En,
                "13 September 2020, 21:30 (JST)",
                ["Register as positive", "once", "Never tell"],
            ),
        ] {
            let until_shown = time(language, expires, &zone);
            assert_eq!(until_shown, until);
            for message in [
                mail(language, &number, &until_shown),
                sms(language, &number, &until_shown),
            ] {
                assert!(message.text.contains("01234567"));
                assert!(message.text.contains(until));
                assert!(words.iter().all(|word| message.text.contains(word)));
                assert!(!message.subject.contains("01234567"));
            }
        }
        let utc = time(Language::Ja, expires, &TimeZone::UTC);
        assert_eq!(utc, "2020年9月13日 12時30分（UTC）");
    }

    /// 70 characters a part in UCS-2, 67 where there are several (3GPP 23.038).
    #[test]
    fn an_sms_has_few_parts() {
        let number: ProcessingNumber = "01234567".parse().unwrap();
        let text = sms(Language::Ja, &number, "2020年12月13日 21時30分").text;
        let units = text.encode_utf16().count();
        assert!(units <= 3 * 67, "{units}");
    }
}
