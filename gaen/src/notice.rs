//! What an operator's notice may be, on the server that hands it out and on the
//! device that shows it.
//!
//! Notices are not signed as exports are: whoever can answer in the server's place can
//! write one. So they are plain text of a bounded length, and nothing but shown.

/// Longest feed, in bytes.
pub const MAX_FEED_LEN: usize = 64 * 1024;
/// Most notices of a feed.
pub const MAX_NOTICES: usize = 50;
/// Longest text in one language, in characters.
pub const MAX_TEXT_CHARS: usize = 1_000;
/// Longest id or version, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// Whether `text` may be shown to a person: something is in it, it is not too long, and
/// nothing but line breaks steers the terminal or the direction in which it is read.
pub fn is_text(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= MAX_TEXT_CHARS
        && text.chars().all(|c| c == '\n' || is_shown(c))
}

/// Whether `name` may be an id or a version: as [`is_text`], shorter, and on one line.
pub fn is_name(name: &str) -> bool {
    is_line(name, MAX_NAME_CHARS)
}

/// Whether `text` may be shown on one line, of at most `max_chars` characters: as
/// [`is_text`], without line breaks.
pub fn is_line(text: &str, max_chars: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= max_chars && text.chars().all(is_shown)
}

/// Neither a control character (C0, C1, line and paragraph separators) nor one that
/// turns text around (Unicode Standard Annex 9, §2).
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_text_and_nothing_else() {
        for text in [
            "The service rests.",
            "お休みします。\n朝まで。",
            "100 % — “so”",
        ] {
            assert!(is_text(text), "{text}");
        }
        let long = "あ".repeat(MAX_TEXT_CHARS);
        assert!(is_text(&long));
        for text in [
            "",
            " \n ",
            &(long + "あ"),
            "a\u{1b}[2J",
            "a\rb",
            "a\tb",
            "a\u{9b}2J",
            "a\u{0}",
            "\u{202e}txet",
            "\u{2067}txet\u{2069}",
            "a\u{2028}b",
        ] {
            assert!(!is_text(text), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_on_one_line() {
        assert!(is_name("2020-08-01"));
        assert!(is_name(&"x".repeat(MAX_NAME_CHARS)));
        for name in ["", " ", "a\nb", &"x".repeat(MAX_NAME_CHARS + 1)] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
