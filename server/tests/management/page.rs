//! The page, as HTTP: what keeps others out.

use std::collections::BTreeMap;

use reqwest::header::{LOCATION, SET_COOKIE};
use serde_json::json;

use crate::server::{Account, Place, Server};
use crate::smtp::Smtp;

const MAIL: &str = "someone@mail.example";
const NEW_PASSWORD: &str = "春はあけぼの、やうやう白く";

/// A browser without a picture: cookies and forms.
struct Visitor<'a> {
    server: &'a Server,
    cookies: BTreeMap<String, String>,
}

/// A server with an account.
fn with_hanako() -> (Smtp, Place, Account, Server) {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let account = place.add_account("hanako");
    let server = place.start();
    (smtp, place, account, server)
}

/// An answered page.
#[derive(Debug)]
struct Page {
    status: u16,
    location: String,
    body: String,
}

impl<'a> Visitor<'a> {
    fn new(server: &'a Server) -> Self {
        Self {
            server,
            cookies: BTreeMap::new(),
        }
    }

    async fn get(&mut self, path: &str) -> Page {
        let request = self.server.http.get(format!("{}{path}", self.server.base));
        self.send(request).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = self
            .server
            .http
            .post(format!("{}{path}", self.server.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish());
        self.send(request).await
    }

    async fn post_owned(&mut self, path: &str, fields: &[(&str, String)]) -> Page {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.post(path, &fields).await
    }

    /// Sends a file of recipients.
    async fn upload(&mut self, file: &str) -> Page {
        let page = self.get("/bulk").await;
        let (token, form) = (page.field("token"), page.field("form"));
        let mut body = String::new();
        for (name, more, value) in [
            ("token", "", &*token),
            ("form", "", &form),
            ("file", "; filename=\"a.csv\"", file),
        ] {
            body += &format!(
                "--limit\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n"
            );
        }
        body += "--limit--\r\n";
        let request = self
            .server
            .http
            .post(format!("{}/bulk", self.server.base))
            .header("content-type", "multipart/form-data; boundary=limit")
            .body(body);
        let page = self.send(request).await;
        assert_eq!(page.status, 303, "{page:?}");
        page
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header("cookie", cookies.join("; "))
            .header("accept-language", "ja")
            .send()
            .await
            .unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        Page {
            status: response.status().as_u16(),
            location: response
                .headers()
                .get(LOCATION)
                .map_or_else(String::new, |to| to.to_str().unwrap().to_owned()),
            body: response.text().await.unwrap(),
        }
    }

    async fn sign_in(&mut self, name: &str, password: &str, code: &str) -> Page {
        let token = self.get("/sign-in").await.field("token");
        let fields = [
            ("token", &*token),
            ("name", name),
            ("password", password),
            ("code", code),
        ];
        self.post("/sign-in", &fields).await
    }

    /// Signs in for the first time, and again with a password of one's own.
    async fn begin(&mut self, account: &mut Account) {
        let code = account.code();
        let page = self.sign_in(&account.name, &account.password, &code).await;
        assert_eq!((page.status, &*page.location), (303, "/"));
        assert_eq!(self.get("/issue").await.location, "/password");
        let token = self.get("/password").await.field("token");
        let fields = [
            ("token", &*token),
            ("current", &account.password),
            ("new", NEW_PASSWORD),
            ("repeat", NEW_PASSWORD),
        ];
        let page = self.post("/password", &fields).await;
        assert_eq!(page.location, "/sign-in?after=password-change");
        account.password = NEW_PASSWORD.into();
        let code = account.code();
        let page = self.sign_in(&account.name, &account.password, &code).await;
        assert_eq!((page.status, &*page.location), (303, "/"));
    }

    /// Comes to the page that confirms, and returns its fields.
    async fn confirm(&mut self, recipient: &str) -> Vec<(&'static str, String)> {
        let page = self.enter(recipient).await;
        assert!(page.location.starts_with("/confirm/"), "{page:?}");
        let page = self.get(&page.location).await;
        ["token", "order"]
            .map(|name| (name, page.field(name)))
            .to_vec()
    }

    async fn enter(&mut self, recipient: &str) -> Page {
        let token = self.get("/issue").await.field("token");
        let fields = [
            ("token", &*token),
            ("recipient", recipient),
            ("language", "ja"),
        ];
        let page = self.post("/issue", &fields).await;
        assert_eq!(page.status, 303, "{page:?}");
        page
    }

    async fn send_form(&mut self, fields: &[(&'static str, String)]) -> Page {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.post("/send", &fields).await
    }
}

impl Page {
    /// The value of the last field of this name.
    fn field(&self, name: &str) -> String {
        let before = format!("name=\"{name}\" value=\"");
        let at = self.body.rfind(&before).expect(name) + before.len();
        self.body[at..].split('"').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_form_sent_twice_issues_once() {
    let (smtp, place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    let fields = visitor.confirm("slow@mail.example").await;
    let mut other = Visitor {
        server: &server,
        cookies: visitor.cookies.clone(),
    };
    let (first, second) = tokio::join!(visitor.send_form(&fields), other.send_form(&fields));
    let third = visitor.send_form(&fields).await;
    let issued = first.location.clone();
    assert!(issued.starts_with("/issued/"), "{first:?}");
    for page in [&first, &second, &third] {
        assert_eq!((page.status, &page.location), (303, &issued), "{page:?}");
    }
    smtp.mail();
    assert!(smtp.another_mail().is_none());
    assert_eq!(place.live_numbers(), 1);
    let page = visitor.get(&issued).await;
    assert!(page.body.contains("送信しました"), "{page:?}");
    assert!(!page.body.contains("mail.example"), "{page:?}");
    let audit = place.account_text(&["audit"]);
    assert_eq!(audit.matches("hanako: issue by mail: done").count(), 1);
}

#[tokio::test]
async fn what_became_of_a_form_is_its_accounts_alone() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let (mut hanako, mut taro) = (place.add_account("hanako"), place.add_account("taro"));
    let server = place.start();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut hanako).await;
    let fields = visitor.confirm("refused@mail.example").await;
    let page = visitor.send_form(&fields).await;
    let failed = visitor.get(&page.location).await;
    assert!(failed.body.contains("送信できませんでした"), "{failed:?}");
    assert_eq!(place.live_numbers(), 0);
    let mut other = Visitor::new(&server);
    other.begin(&mut taro).await;
    assert_eq!(other.get(&page.location).await.status, 404);
    assert_eq!(other.get("/issued/zz").await.status, 404);
    // Nor can one send another's form, or one of another time.
    assert_eq!(other.send_form(&fields).await.status, 403);
}

#[tokio::test]
async fn a_form_that_was_not_shown_here_does_nothing() {
    let (_smtp, place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    let mut fields = visitor.confirm(MAIL).await;
    let right = fields[0].1.clone();
    for token in [String::new(), "0".repeat(64), right[2..].to_owned()] {
        fields[0].1 = token;
        assert_eq!(visitor.send_form(&fields).await.status, 403);
    }
    for path in ["/sign-in", "/sign-out", "/issue", "/send", "/password"] {
        let page = visitor.post(path, &[("token", "x")]).await;
        assert_eq!(page.status, 403, "{path}");
        let page = visitor.post(path, &[]).await;
        assert_eq!(page.status, 403, "{path}");
    }
    assert_eq!(place.live_numbers(), 0);
    fields[0].1 = right;
    assert_eq!(visitor.send_form(&fields).await.status, 303);
    // After signing out, the cookie that is left is good for nothing.
    let stolen = visitor.cookies.clone();
    let token = visitor.get("/issue").await.field("token");
    let page = visitor.post("/sign-out", &[("token", &token)]).await;
    assert_eq!(page.location, "/sign-in?after=sign-out");
    visitor.cookies = stolen;
    let page = visitor.get("/issue").await;
    assert_eq!(page.location, "/sign-in?after=timeout");
}

#[tokio::test]
async fn a_code_works_once_and_the_first_password_is_changed_first() {
    let (_smtp, _place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    let code = account.code();
    let wrong = visitor.sign_in("hanako", "wrong", &code).await;
    assert_eq!(wrong.status, 403);
    let page = visitor
        .sign_in(" Hanako ", &account.password, &format!(" {code}"))
        .await;
    assert_eq!(page.status, 303, "a wrong password uses no code up");
    let again = Visitor::new(&server)
        .sign_in("hanako", &account.password, &code)
        .await;
    assert_eq!(again.status, 403);

    let token = visitor.get("/password").await.field("token");
    for (current, new, repeat, status) in [
        (&*account.password, "elf letters", "elf letters", 422),
        (&account.password, NEW_PASSWORD, "another long one", 422),
        (&account.password, "password1234", "password1234", 422),
        (&account.password, "hanako-hanako", "hanako-hanako", 422),
        (&account.password, &account.password, &account.password, 422),
        ("wrong", NEW_PASSWORD, NEW_PASSWORD, 403),
        (&account.password, NEW_PASSWORD, NEW_PASSWORD, 303),
    ] {
        let fields = [
            ("token", &*token),
            ("current", current),
            ("new", new),
            ("repeat", repeat),
        ];
        let page = visitor.post("/password", &fields).await;
        assert_eq!(page.status, status, "{new}");
    }
    let code = account.code();
    let old = visitor.sign_in("hanako", &account.password, &code).await;
    assert_eq!(old.status, 403);
}

#[tokio::test]
async fn guessing_a_password_makes_waiting_whether_or_not_there_is_an_account() {
    let (_smtp, place, mut account, server) = with_hanako();
    let mut pages = Vec::new();
    for name in ["hanako", "nobody"] {
        let mut visitor = Visitor::new(&server);
        for _ in 0..5 {
            let page = visitor.sign_in(name, "wrong", "000000").await;
            assert_eq!(page.status, 403);
        }
        let code = account.code();
        let mut page = visitor.sign_in(name, &account.password, &code).await;
        assert_eq!(page.status, 429);
        let token = page.field("token");
        page.body = page.body.replace(&token, "");
        pages.push(page.body);
    }
    assert_eq!(pages[0], pages[1]);
    let audit = place.account_text(&["audit"]);
    assert_eq!(audit.matches("hanako: sign in: refused").count(), 5);
    assert_eq!(audit.matches("hanako: sign in: limited").count(), 1);
    assert_eq!(audit.matches("-: sign in: refused").count(), 5);
    assert!(!audit.contains("nobody"));
    // Whoever runs the server helps at once.
    let printed = place.account_text(&["reset-password", "hanako"]);
    let password = printed.split_whitespace().last().unwrap();
    let mut visitor = Visitor::new(&server);
    let page = visitor.sign_in("hanako", password, &account.code()).await;
    assert_eq!(page.status, 303);
}

#[tokio::test]
async fn who_is_locked_out_by_others_gets_in_where_they_have_signed_in_before() {
    let (_smtp, _place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    let device = visitor.cookies["sesshoku-device"].clone();
    for _ in 0..5 {
        let page = Visitor::new(&server)
            .sign_in("hanako", "wrong", "000000")
            .await;
        assert_eq!(page.status, 403);
    }
    let code = account.code();
    let mut elsewhere = Visitor::new(&server);
    let page = elsewhere.sign_in("hanako", &account.password, &code).await;
    assert_eq!(page.status, 429);
    // A mark that is made up, or another account's, is none.
    for mark in [
        device.replace('.', ".0"),
        format!("{}.{}", "0".repeat(64), "0".repeat(64)),
        "x".to_owned(),
    ] {
        elsewhere.cookies.insert("sesshoku-device".into(), mark);
        let page = elsewhere.sign_in("hanako", &account.password, &code).await;
        assert_eq!(page.status, 429);
    }
    elsewhere
        .cookies
        .insert("sesshoku-device".into(), device.clone());
    let page = elsewhere.sign_in("taro", &account.password, &code).await;
    assert_eq!(page.status, 403);
    // Here its owner is, and changes the password, too.
    let page = elsewhere.sign_in("hanako", &account.password, &code).await;
    assert_eq!((page.status, &*page.location), (303, "/"));
    let token = elsewhere.get("/password").await.field("token");
    let fields = [
        ("token", &*token),
        ("current", &*account.password),
        ("new", "いづれの御時にか、女御更衣"),
        ("repeat", "いづれの御時にか、女御更衣"),
    ];
    assert_eq!(elsewhere.post("/password", &fields).await.status, 303);
    // From there one may not guess without end, either.
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(elsewhere.sign_in("hanako", "wrong", "000000").await.status);
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
}

#[tokio::test]
async fn a_number_is_taken_back_on_the_page() {
    let (smtp, place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    let fields = visitor.confirm(MAIL).await;
    let issued = visitor.send_form(&fields).await.location;
    let number = smtp.mail().number();
    let list = visitor.get("/sent").await;
    assert!(
        list.body.contains(&issued) && !list.body.contains(MAIL),
        "{list:?}"
    );
    let take_back = issued.replace("/issued/", "/take-back/");
    assert!(visitor.get(&issued).await.body.contains(&take_back));
    let page = visitor.get(&take_back).await;
    let (token, form) = (page.field("token"), page.field("form"));
    let fields = [("token", &*token), ("form", &*form)];
    let page = visitor.post("/take-back", &fields).await;
    assert_eq!((page.status, &page.location), (303, &issued));
    assert!(visitor.get(&issued).await.body.contains("取り消しました"));
    assert_eq!(place.live_numbers(), 0);
    assert!(!server.is_genuine(&number, 1).await);
    // A made-up one there is not.
    let fields = [("token", &*token), ("form", &*"0".repeat(32))];
    assert_eq!(visitor.post("/take-back", &fields).await.status, 404);
    let audit = place.account_text(&["audit"]);
    assert!(audit.contains("hanako: take back: done"), "{audit}");
}

/// What is behind Back is the page: no answer to a form is one, but errors without anything
/// personal, which the browser may keep.
#[tokio::test]
async fn every_page_can_be_gone_back_to() {
    let (_smtp, _place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    let wrong = visitor.enter("not an address").await.location;
    assert!(wrong.starts_with("/issue?entry="), "{wrong}");
    assert!(!wrong.contains("address"));
    let page = visitor.get(&wrong).await;
    assert!(page.body.contains("value=\"not an address\""), "{page:?}");
    assert!(
        page.body.contains("メールアドレスの形になっていません"),
        "{page:?}"
    );
    let confirm = visitor.enter("ｓｏｍｅｏｎｅ＠mail.example").await.location;
    assert!(!confirm.contains("mail.example"));
    let page = visitor.get(&confirm).await;
    assert!(page.body.contains("someone<wbr>@mail.example"), "{page:?}");
    let fields = [
        ("token", page.field("token")),
        ("order", page.field("order")),
    ];
    let issued = visitor.send_form(&fields).await.location;
    // Back from there: what was sent, which cannot be sent again.
    let page = visitor.get(&confirm).await;
    assert!(
        page.body.contains("送信済み") && page.body.contains(&issued),
        "{page:?}"
    );
    assert!(!page.body.contains("action=\"/send\""), "{page:?}");
    // It is for this session alone.
    let stranger = Visitor::new(&server).get(&confirm).await;
    assert_eq!((stranger.status, &*stranger.location), (303, "/sign-in"));
    // Errors that answer a form may be kept.
    let form = [("token", "x")];
    for path in ["/sign-in", "/issue", "/send", "/password"] {
        let answer = server.http.post(format!("{}{path}", server.base));
        let answer = answer
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "cookie",
                format!("sesshoku-session={}", visitor.cookies["sesshoku-session"]),
            )
            .body(
                url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(form)
                    .finish(),
            );
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
        assert_eq!(answer.headers()["cache-control"], "private, no-cache");
    }
}

#[tokio::test]
async fn each_role_has_its_pages_and_no_others() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let pages = [
        ("issue", ["/issue", "/sent", "/bulk"].as_slice()),
        ("administrate", &["/accounts", "/audit", "/accounts/issue"]),
        ("statistics", &["/statistics"]),
    ];
    let mut accounts: Vec<_> = pages
        .iter()
        .map(|(role, _)| place.add_account_with(role, &["--role", role]))
        .collect();
    let server = place.start();
    for (account, (role, own)) in accounts.iter_mut().zip(pages) {
        let mut visitor = Visitor::new(&server);
        visitor.begin(account).await;
        assert_eq!(visitor.get("/").await.location, own[0]);
        for path in pages.iter().flat_map(|(_, paths)| *paths) {
            let status = if own.contains(path) { 200 } else { 403 };
            assert_eq!(visitor.get(path).await.status, status, "{role} {path}");
        }
        let form = [("token", "x")];
        for (path, of) in [
            ("/issue", "issue"),
            ("/take-back", "issue"),
            ("/accounts", "administrate"),
            ("/accounts/issue", "administrate"),
        ] {
            let page = visitor.post(path, &form).await;
            assert_eq!(page.status, 403, "{path}");
            let says = page.body.contains("この操作はできません");
            assert_eq!(says, of != role, "{role} {path}");
        }
    }
    // Whoever may not issue has no use of a token, either.
    place.account_text(&["token", "statistics"]);
    let token = place.account_text(&["token", "administrate"]);
    let answer = server.issue(token.trim(), json!({ "mail": MAIL })).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (403, &json!("not-allowed"))
    );
}

#[tokio::test]
async fn accounts_are_managed_on_the_page() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let mut chief = place.add_account_with("chief", &["--role", "administrate"]);
    let server = place.start();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut chief).await;
    let token = visitor.get("/accounts").await.field("token");
    let add = |name: &'static str| {
        [
            ("token", token.clone()),
            ("name", name.into()),
            ("issue", "yes".into()),
        ]
    };
    let page = visitor.post_owned("/accounts", &add("hanako")).await;
    assert!(page.location.starts_with("/secrets/"), "{page:?}");
    let shown = visitor.get(&page.location).await;
    let mut account = Account::shown(&shown.body);
    let mut worker = Visitor::new(&server);
    worker.begin(&mut account).await;
    assert_eq!(worker.get("/issue").await.status, 200);
    for (name, notice) in [("hanako", "exists"), ("Hana ko", "name")] {
        let page = visitor.post_owned("/accounts", &add(name)).await;
        assert_eq!(page.location, format!("/accounts?after={notice}"));
    }
    for (what, status) in [("disable", 303), ("enable", 303), ("fly", 403)] {
        let fields = [("token", token.clone()), ("what", what.into())];
        let page = visitor.post_owned("/accounts/hanako", &fields).await;
        assert_eq!(page.status, status, "{what}");
        assert_eq!(
            worker.get("/issue").await.status,
            303,
            "signed out by {what}"
        );
    }
    let fields = [
        ("token", token.clone()),
        ("what", "roles".into()),
        ("statistics", "yes".into()),
    ];
    visitor.post_owned("/accounts/hanako", &fields).await;
    assert!(place.account_text(&["list"]).contains("may statistics"));
    let fields = [("token", token.clone()), ("what", "remove".into())];
    // Nobody locks themselves out.
    let page = visitor.post_owned("/accounts/chief", &fields).await;
    assert_eq!(page.status, 403);
    let page = visitor.post_owned("/accounts/hanako", &fields).await;
    assert_eq!(page.location, "/accounts?after=done");
    let list = place.account_text(&["list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
    let audit = visitor.get("/audit").await;
    for row in ["add hanako (issue)", "disable hanako", "remove hanako"] {
        assert!(audit.body.contains(row), "{row}: {audit:?}");
    }
}

#[tokio::test]
async fn a_file_of_recipients_is_sent_whole_or_not_at_all() {
    let (smtp, place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    let refused = visitor
        .upload("mail,language\nsomeone@mail.example\nsomeone@\na@mail.example,fr\n")
        .await;
    assert!(
        refused.location.starts_with("/bulk?refused="),
        "{refused:?}"
    );
    let page = visitor.get(&refused.location).await;
    assert!(
        page.body.contains("3 行目") && page.body.contains("4 行目"),
        "{page:?}"
    );
    assert!(!page.body.contains("2 行目"), "{page:?}");
    assert_eq!(place.live_numbers(), 0);
    let many = "someone@mail.example\n".repeat(61);
    let page = visitor.upload(&many).await.location;
    assert!(visitor.get(&page).await.body.contains("60 件まで"));

    let file = "\u{feff}宛先,言語\r\none@mail.example,\r\n\"two＠mail.example\",en\r\nrefused@mail.example\r\n";
    let sent = visitor.upload(file).await;
    assert!(sent.location.ends_with("/3"), "{sent:?}");
    let mails = [smtp.mail(), smtp.mail()];
    let to: Vec<_> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!(to, ["one@mail.example", "two@mail.example"]);
    assert!(mails[1].text.contains("Never tell"), "{}", mails[1].text);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let page = loop {
        let page = visitor.get(&sent.location).await;
        if page.body.contains("3 行目") {
            break page;
        }
        assert!(std::time::Instant::now() < deadline, "{page:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(
        page.body.contains("2 / 3") && !page.body.contains("@mail"),
        "{page:?}"
    );
    assert_eq!(place.live_numbers(), 2);
    assert_ne!(mails[0].number(), mails[1].number());
}

#[tokio::test]
async fn the_statistics_say_how_many_and_not_who() {
    let smtp = Smtp::plain();
    let place = Place::new(&smtp);
    let token = place.add_token("clinic");
    let mut reader = place.add_account_with("reader", &["--role", "statistics"]);
    let server = place.start();
    for request in 1..=6 {
        server.issue(&token, json!({ "mail": MAIL })).await;
        assert!(server.is_genuine(&smtp.mail().number(), request).await);
        assert!(server.is_genuine("chaff", 100 + request).await);
    }
    assert!(!server.is_genuine("00000000", 50).await);
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut reader).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let counts = "<td>6</td><td>0</td><td>0</td><td>0</td><td>6</td><td>0–4</td>";
    loop {
        let page = visitor.get("/statistics").await;
        if page.body.contains(counts) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{page:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_source_may_not_try_without_end() {
    let smtp = Smtp::plain();
    let mut place = Place::new(&smtp);
    place.set("accounts.sign_ins_per_source_minute = 3");
    let server = place.start();
    let mut visitor = Visitor::new(&server);
    // The minute may end in between, once.
    let mut limited = 0;
    for n in 0..10 {
        let page = visitor.sign_in(&format!("name-{n}"), "x", "0").await;
        limited += usize::from(page.status == 429);
    }
    assert!((4..=7).contains(&limited), "{limited}");
}

#[tokio::test]
async fn sessions_end_with_the_account_and_by_time() {
    let (_smtp, place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    assert_eq!(visitor.get("/issue").await.status, 200);
    assert_eq!(visitor.get("/sign-in").await.location, "/");
    assert_eq!(visitor.get("/").await.location, "/issue");
    let db = rusqlite::Connection::open(place.path("management.db")).unwrap();
    let unused = db.execute("UPDATE session SET used = used - 20 * 60", []);
    assert_eq!(unused.unwrap(), 1);
    let page = visitor.get("/issue").await;
    assert_eq!(page.location, "/sign-in?after=timeout");
    let page = visitor.get(&page.location).await;
    assert!(page.body.contains("有効時間が過ぎました"), "{page:?}");

    let code = account.code();
    visitor.sign_in("hanako", &account.password, &code).await;
    assert_eq!(visitor.get("/issue").await.status, 200);
    place.account_text(&["disable", "hanako"]);
    assert_eq!(visitor.get("/issue").await.status, 303);
    let page = visitor.sign_in("hanako", &account.password, "000000").await;
    assert_eq!(page.status, 403);
}

#[tokio::test]
async fn browsers_are_told_to_be_strict() {
    let smtp = Smtp::plain();
    let mut place = Place::new(&smtp);
    place.set("web.insecure_cookies = false");
    let server = place.start();
    for path in ["/sign-in", "/", "/nowhere", "/style.css"] {
        let response = server.http.get(format!("{}{path}", server.base));
        let response = response.send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("script-src"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        let caching = header("cache-control");
        let expected = match path {
            "/style.css" => "max-age=3600",
            // As it says nothing of anybody, it may be kept for who goes back to it.
            "/nowhere" => "private, no-cache",
            _ => "no-store",
        };
        assert_eq!(caching, expected, "{path}");
    }
    let response = server.http.get(format!("{}/sign-in?lang=en", server.base));
    let response = response.send().await.unwrap();
    let cookies: Vec<&str> = response
        .headers()
        .get_all(SET_COOKIE)
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for cookie in &cookies {
        assert!(cookie.starts_with("__Host-sesshoku-"), "{cookie}");
        assert!(
            cookie.contains("; Path=/; HttpOnly; SameSite=Strict; Secure"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn the_page_and_the_interface_are_apart() {
    let (_smtp, _place, mut account, server) = with_hanako();
    let mut visitor = Visitor::new(&server);
    visitor.begin(&mut account).await;
    // A session is no token: other sites could make the browser use it.
    let page = visitor.post("/api/v1/processing-number", &[]).await;
    assert_eq!(page.status, 401);
    let session = visitor.cookies["sesshoku-session"].clone();
    let answer = server.issue(&session, json!({ "mail": MAIL })).await;
    assert_eq!(answer.status, 401);
    assert_eq!(visitor.get("/api/v1/processing-number").await.status, 405);
}
