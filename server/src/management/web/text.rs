//! Everything the page says, in Japanese and English. Being a type, a text that is
//! missing in one of them does not compile.

use crate::management::message::Language;

/// The texts of one language.
pub(super) struct Text {
    pub(super) language: Language,
    pub(super) service: &'static str,
    pub(super) for_whom: &'static str,
    pub(super) skip: &'static str,
    /// The name of the other language, in it.
    pub(super) other_language: &'static str,
    pub(super) languages: &'static str,
    pub(super) signed_in_as: &'static str,
    pub(super) menu: &'static str,
    pub(super) error: &'static str,

    pub(super) sign_in: &'static str,
    pub(super) account: &'static str,
    pub(super) password: &'static str,
    pub(super) code: &'static str,
    pub(super) code_hint: &'static str,
    pub(super) sign_in_refused: &'static str,
    pub(super) too_many_tries: fn(u64) -> String,
    pub(super) session_ended: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) sign_out: &'static str,

    pub(super) issue: &'static str,
    pub(super) issue_lead: &'static str,
    pub(super) mail_or_phone: &'static str,
    pub(super) mail: &'static str,
    pub(super) phone: &'static str,
    pub(super) phone_hint: &'static str,
    pub(super) message_language: &'static str,
    pub(super) japanese: &'static str,
    pub(super) english: &'static str,
    pub(super) to_confirm: &'static str,
    pub(super) not_kept: &'static str,
    pub(super) recipient_missing: &'static str,
    pub(super) mail_wrong: &'static str,
    pub(super) phone_wrong: &'static str,
    pub(super) mail_off: &'static str,
    pub(super) phone_off: &'static str,

    pub(super) confirm: &'static str,
    pub(super) confirm_lead: &'static str,
    pub(super) by: &'static str,
    pub(super) by_mail: &'static str,
    pub(super) by_sms: &'static str,
    pub(super) send: &'static str,
    pub(super) correct: &'static str,

    pub(super) sent: &'static str,
    pub(super) sent_at: &'static str,
    pub(super) valid_until: &'static str,
    pub(super) sent_next: &'static str,
    pub(super) sent_steps: [&'static str; 3],
    pub(super) another: &'static str,
    pub(super) again: &'static str,
    pub(super) sending: &'static str,
    pub(super) sending_lead: &'static str,
    pub(super) reload: &'static str,
    pub(super) failed: &'static str,
    pub(super) failed_lead: &'static str,
    pub(super) failed_next: &'static str,
    pub(super) unclear: &'static str,
    pub(super) unclear_lead: &'static str,
    pub(super) limited: &'static str,
    pub(super) limited_lead: fn(u64) -> String,
    pub(super) full: &'static str,
    pub(super) full_lead: &'static str,

    pub(super) change_password: &'static str,
    pub(super) must_change: &'static str,
    pub(super) current_password: &'static str,
    pub(super) new_password: &'static str,
    pub(super) new_password_hint: &'static str,
    pub(super) repeat_password: &'static str,
    pub(super) change: &'static str,
    pub(super) password_wrong: &'static str,
    pub(super) password_short: &'static str,
    pub(super) password_long: &'static str,
    pub(super) password_same: &'static str,
    pub(super) password_differs: &'static str,
    pub(super) password_changed: &'static str,

    pub(super) not_found: &'static str,
    pub(super) not_found_lead: &'static str,
    pub(super) form_old: &'static str,
    pub(super) form_old_lead: &'static str,
    pub(super) broken: &'static str,
    pub(super) broken_lead: &'static str,
    pub(super) to_start: &'static str,
}

/// The texts of `language`.
pub(super) const fn text(language: Language) -> &'static Text {
    match language {
        Language::Ja => &JA,
        Language::En => &EN,
    }
}

const JA: Text = Text {
    language: Language::Ja,
    service: "処理番号の発行",
    for_whom: "保健所などの担当者のための画面です。",
    skip: "本文へ移る",
    other_language: "English",
    languages: "言語",
    signed_in_as: "アカウント",
    menu: "メニュー",
    error: "エラー",

    sign_in: "サインイン",
    account: "アカウント名",
    password: "パスワード",
    code: "確認コード",
    code_hint: "認証アプリに表示されている 6 桁の数字",
    sign_in_refused: "アカウント名、パスワード、確認コードのどれかが正しくありません。確認コードは一度しか使えません。使ったあとは、次のコードに変わるのを待ってください。",
    too_many_tries: |minutes| {
        format!(
            "失敗が続いたため、いまは受け付けられません。{minutes} 分ほど待ってから、もう一度お試しください。"
        )
    },
    session_ended: "サインインの有効時間が過ぎました。送信していない入力は残っていません。もう一度サインインしてください。",
    signed_out: "サインアウトしました。",
    sign_out: "サインアウト",

    issue: "処理番号を送る",
    issue_lead: "陽性と診断された方や、感染した人がいた場所の管理者に、陽性の登録に使う処理番号を送ります。番号は相手にだけ届き、この画面には表示されません。",
    mail_or_phone: "メールアドレスまたは携帯電話番号",
    mail: "メールアドレス",
    phone: "携帯電話番号",
    phone_hint: "電話番号は 0 から、海外の番号は + と国番号から入力します。ハイフンはあってもなくてもかまいません。",
    message_language: "メッセージの言語",
    japanese: "日本語",
    english: "英語（English）",
    to_confirm: "確認へ進む",
    not_kept: "送信先は、送信が終わるとすぐに消去され、どこにも記録されません。",
    recipient_missing: "送信先を入力してください。",
    mail_wrong: "メールアドレスの形になっていません。入力を確かめてください。",
    phone_wrong: "電話番号の形になっていません。0 または + から始まる番号を入力してください。",
    mail_off: "このシステムではメールを送れません。携帯電話番号を入力してください。",
    phone_off: "このシステムでは SMS を送れません。メールアドレスを入力してください。",

    confirm: "送信先の確認",
    confirm_lead: "ほかの人に届くと、その人が登録できてしまいます。送信先に誤りがないか、本人に確かめてください。",
    by: "送信方法",
    by_mail: "メール",
    by_sms: "SMS",
    send: "この送信先に送る",
    correct: "修正する",

    sent: "送信しました",
    sent_at: "送信した時刻",
    valid_until: "番号の有効期限",
    sent_next: "本人に伝えること",
    sent_steps: [
        "アプリ「接触確認」（Sesshoku）のホームで「陽性と判定されたとき」を押し、届いた番号を入力すること。場所の管理者は、設置端末で sesshoku register を実行すること。",
        "登録は任意であること。番号は一度しか使えず、誰にも教えてはならないこと。",
        "届かないときや期限が過ぎたときは、あらためて番号を送れること。",
    ],
    another: "続けて別の番号を送る",
    again: "番号を送りなおす",
    sending: "送信しています",
    sending_lead: "送信先のサーバーの応答を待っています。この画面は自動で更新されます。閉じても送信は続きます。",
    reload: "いま更新する",
    failed: "送信できませんでした",
    failed_lead: "番号は取り消され、送信先は消去されました。メッセージが届いていたとしても、その番号は使えません。",
    failed_next: "送信先を確かめて、もう一度送ってください。何度も失敗するときは、システムの管理者に知らせてください。",
    unclear: "送信の結果が分かりません",
    unclear_lead: "送信の途中でシステムが止まったようです。本人に届いたかどうかを確かめ、届いていなければ、もう一度送ってください。",
    limited: "いまは番号を送れません",
    limited_lead: |minutes| {
        format!(
            "1 時間に送れる数の上限に達しました。番号は送られていません。{minutes} 分ほど待ってから、もう一度お試しください。"
        )
    },
    full: "いまは番号を送れません",
    full_lead: "有効な番号の数が上限に達しています。番号は送られていません。システムの管理者に知らせてください。",

    change_password: "パスワードの変更",
    must_change: "最初のパスワードは一度しか使えません。ご自身のパスワードに変更してください。",
    current_password: "いまのパスワード",
    new_password: "新しいパスワード",
    new_password_hint: "12 文字以上。長い文でも、日本語でもかまいません。",
    repeat_password: "新しいパスワード（もう一度）",
    change: "変更する",
    password_wrong: "いまのパスワードが正しくありません。",
    password_short: "新しいパスワードは 12 文字以上にしてください。",
    password_long: "新しいパスワードが長すぎます。",
    password_same: "いまのパスワードと違うものにしてください。",
    password_differs: "新しいパスワードの 2 つの入力が一致しません。",
    password_changed: "パスワードを変更しました。新しいパスワードでサインインしてください。",

    not_found: "ページが見つかりません",
    not_found_lead: "アドレスに誤りがあるか、表示できる期間が過ぎています。",
    form_old: "この画面の入力は受け付けられませんでした",
    form_old_lead: "画面を開いてから時間がたったか、サインインの状態が変わったためです。何も送信されていません。最初の画面からやり直してください。",
    broken: "処理できませんでした",
    broken_lead: "システムに問題が起きています。しばらく待ってから、もう一度お試しください。続くときは、システムの管理者に知らせてください。",
    to_start: "最初の画面へ",
};

const EN: Text = Text {
    language: Language::En,
    service: "Issue processing numbers",
    for_whom: "For staff of public health centres.",
    skip: "Skip to content",
    other_language: "日本語",
    languages: "Language",
    signed_in_as: "Account",
    menu: "Menu",
    error: "Error",

    sign_in: "Sign in",
    account: "Account name",
    password: "Password",
    code: "Verification code",
    code_hint: "The 6 digits your authenticator app shows",
    sign_in_refused: "The account name, the password or the code is not right. A code works once: after using one, wait for the next.",
    too_many_tries: |minutes| {
        format!("There were too many failed tries. Please wait about {minutes} min and try again.")
    },
    session_ended: "You were signed out because time ran out. What you had not sent is gone. Please sign in again.",
    signed_out: "You are signed out.",
    sign_out: "Sign out",

    issue: "Send a processing number",
    issue_lead: "A person who was diagnosed as positive, or who is responsible for a place where somebody infected was, is sent a number for registering as positive. Only they see the number: it is not shown here.",
    mail_or_phone: "Mail address or mobile phone number",
    mail: "Mail address",
    phone: "Mobile phone number",
    phone_hint: "Begin phone numbers with 0, or with + and the country code. Hyphens may be left out.",
    message_language: "Language of the message",
    japanese: "Japanese（日本語）",
    english: "English",
    to_confirm: "Continue",
    not_kept: "The address is erased as soon as the message is sent, and is recorded nowhere.",
    recipient_missing: "Enter where to send the number.",
    mail_wrong: "This is not a complete mail address. Please check it.",
    phone_wrong: "This is not a phone number. Enter one that begins with 0 or +.",
    mail_off: "This system cannot send mail. Enter a mobile phone number.",
    phone_off: "This system cannot send SMS. Enter a mail address.",

    confirm: "Check where it goes",
    confirm_lead: "If it reaches somebody else, they can register. Read the address back to the person before you send.",
    by: "Sent by",
    by_mail: "Mail",
    by_sms: "SMS",
    send: "Send it there",
    correct: "Correct it",

    sent: "The number is sent",
    sent_at: "Sent at",
    valid_until: "Valid until",
    sent_next: "What to tell the person",
    sent_steps: [
        "Press “If you test positive” on the home screen of the app Sesshoku, and enter the number. For a place, run “sesshoku register” on its kiosk.",
        "Registering is voluntary. The number works once, and is for nobody else to know.",
        "If it does not arrive, or has expired, you can send another.",
    ],
    another: "Send another number",
    again: "Send again",
    sending: "Sending",
    sending_lead: "Waiting for the server at the other end. This page reloads by itself; closing it does not stop the sending.",
    reload: "Reload now",
    failed: "The number was not sent",
    failed_lead: "The number is cancelled and the address is erased. Should the message arrive after all, its number does not work.",
    failed_next: "Check the address and send again. If it keeps failing, tell those who run this system.",
    unclear: "It is not known whether the number was sent",
    unclear_lead: "The system seems to have stopped while sending. Ask the person whether it arrived; if not, send another.",
    limited: "No number can be sent now",
    limited_lead: |minutes| {
        format!(
            "As many numbers were sent as are allowed in an hour. This one was not. Please wait about {minutes} min and try again."
        )
    },
    full: "No number can be sent now",
    full_lead: "As many numbers are valid as are allowed at a time. This one was not sent. Please tell those who run this system.",

    change_password: "Change password",
    must_change: "A first password works once. Please choose your own.",
    current_password: "Current password",
    new_password: "New password",
    new_password_hint: "At least 12 characters. A long sentence is fine.",
    repeat_password: "New password, again",
    change: "Change password",
    password_wrong: "The current password is not right.",
    password_short: "The new password needs at least 12 characters.",
    password_long: "The new password is too long.",
    password_same: "The new password must differ from the current one.",
    password_differs: "The two new passwords are not the same.",
    password_changed: "The password is changed. Please sign in with the new one.",

    not_found: "There is no such page",
    not_found_lead: "The address is wrong, or the page is too old to be shown.",
    form_old: "What you entered was not accepted",
    form_old_lead: "The page was open for too long, or you signed in or out since. Nothing was sent. Please begin again.",
    broken: "That did not work",
    broken_lead: "The system has a problem. Please wait a little and try again; if it goes on, tell those who run this system.",
    to_start: "To the first page",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::management::account::password::LEN_MIN;

    #[test]
    fn the_person_is_told_of_the_button_by_its_name() {
        for language in [Language::Ja, Language::En] {
            let step = text(language).sent_steps[0];
            assert!(step.contains(language.button()), "{step}");
        }
    }

    #[test]
    fn the_texts_say_how_long_a_password_is() {
        for language in [Language::Ja, Language::En] {
            let text = text(language);
            assert_eq!(text.language, language);
            for says in [text.password_short, text.new_password_hint] {
                assert!(says.contains(&LEN_MIN.to_string()), "{says}");
            }
        }
    }
}
