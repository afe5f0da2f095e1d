//! The prefectures of Japan, by the codes of JIS X 0401.

use serde::{Deserialize, Serialize};

/// Names in the order of their codes, in Japanese and in English.
const NAMES: [(&str, &str); 47] = [
    ("北海道", "Hokkaido"),
    ("青森県", "Aomori"),
    ("岩手県", "Iwate"),
    ("宮城県", "Miyagi"),
    ("秋田県", "Akita"),
    ("山形県", "Yamagata"),
    ("福島県", "Fukushima"),
    ("茨城県", "Ibaraki"),
    ("栃木県", "Tochigi"),
    ("群馬県", "Gunma"),
    ("埼玉県", "Saitama"),
    ("千葉県", "Chiba"),
    ("東京都", "Tokyo"),
    ("神奈川県", "Kanagawa"),
    ("新潟県", "Niigata"),
    ("富山県", "Toyama"),
    ("石川県", "Ishikawa"),
    ("福井県", "Fukui"),
    ("山梨県", "Yamanashi"),
    ("長野県", "Nagano"),
    ("岐阜県", "Gifu"),
    ("静岡県", "Shizuoka"),
    ("愛知県", "Aichi"),
    ("三重県", "Mie"),
    ("滋賀県", "Shiga"),
    ("京都府", "Kyoto"),
    ("大阪府", "Osaka"),
    ("兵庫県", "Hyogo"),
    ("奈良県", "Nara"),
    ("和歌山県", "Wakayama"),
    ("鳥取県", "Tottori"),
    ("島根県", "Shimane"),
    ("岡山県", "Okayama"),
    ("広島県", "Hiroshima"),
    ("山口県", "Yamaguchi"),
    ("徳島県", "Tokushima"),
    ("香川県", "Kagawa"),
    ("愛媛県", "Ehime"),
    ("高知県", "Kochi"),
    ("福岡県", "Fukuoka"),
    ("佐賀県", "Saga"),
    ("長崎県", "Nagasaki"),
    ("熊本県", "Kumamoto"),
    ("大分県", "Oita"),
    ("宮崎県", "Miyazaki"),
    ("鹿児島県", "Kagoshima"),
    ("沖縄県", "Okinawa"),
];

/// A prefecture: its code in JIS X 0401, 1 to 47, written with two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefecture(u8);

impl Prefecture {
    /// Every prefecture, in the order of their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=47).map(Self)
    }

    /// The prefecture with a code such as `13`; `None` where there is none.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|prefecture| prefecture.code() == code)
    }

    /// The prefecture of a name in either language, whatever its case, or of a code.
    pub fn find(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::all().find(|prefecture| {
            prefecture.code() == text
                || prefecture.japanese() == text
                || prefecture.english().eq_ignore_ascii_case(text)
        })
    }

    /// The code, two digits.
    pub fn code(self) -> String {
        format!("{:02}", self.0)
    }

    /// The name in Japanese.
    pub fn japanese(self) -> &'static str {
        self.names().0
    }

    /// The name in English.
    pub fn english(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        NAMES[usize::from(self.0 - 1)]
    }
}

impl TryFrom<String> for Prefecture {
    type Error = String;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::from_code(&code).ok_or_else(|| format!("no prefecture has the code {code:?}"))
    }
}

impl From<Prefecture> for String {
    fn from(prefecture: Prefecture) -> Self {
        prefecture.code()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_47_with_names_of_their_own() {
        let all: Vec<_> = Prefecture::all().collect();
        let japanese: BTreeSet<_> = all.iter().map(|it| it.japanese()).collect();
        let english: BTreeSet<_> = all.iter().map(|it| it.english()).collect();
        assert_eq!((all.len(), japanese.len(), english.len()), (47, 47, 47));
        assert!(
            japanese
                .iter()
                .all(|name| name.ends_with(['道', '都', '府', '県']))
        );
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (code, name) in [
            ("01", "北海道"),
            ("13", "東京都"),
            ("27", "大阪府"),
            ("47", "沖縄県"),
        ] {
            let prefecture = Prefecture::from_code(code).unwrap();
            assert_eq!(
                (prefecture.japanese(), prefecture.code().as_str()),
                (name, code)
            );
        }
        for code in ["", "0", "00", "1", "48", "013", "ab"] {
            assert_eq!(Prefecture::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn a_prefecture_is_found_by_name_or_code() {
        let kyoto = Prefecture::from_code("26");
        for text in ["京都府", "kyoto", "KYOTO", " Kyoto ", "26"] {
            assert_eq!(Prefecture::find(text), kyoto, "{text}");
        }
        assert_eq!(Prefecture::find("Atlantis"), None);
    }
}
