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
        assert_eq!((page.status, &*page.location), (303, "/issue"));
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
        assert_eq!((page.status, &*page.location), (303, "/issue"));
    }

    /// Comes to the page that confirms, and returns its fields.
    async fn confirm(&mut self, recipient: &str) -> Vec<(&'static str, String)> {
        let token = self.get("/issue").await.field("token");
        let fields = [
            ("token", &*token),
            ("recipient", recipient),
            ("language", "ja"),
        ];
        let page = self.post("/issue", &fields).await;
        assert_eq!(page.status, 200, "{page:?}");
        ["token", "form", "recipient", "language"]
            .map(|name| (name, page.field(name)))
            .to_vec()
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
    let issued = format!("/issued/{}", fields[1].1);
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
    assert_eq!(visitor.get("/sign-in").await.location, "/issue");
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
        assert_eq!(caching == "no-store", path != "/style.css", "{path}");
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
