//! Both roles of the server, answering requests without a listener. Each has a database in
//! a folder of its own, and a clock that stands still.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use gaen::time::UnixSeconds;
use sesshoku_server::clock::Clock;
use sesshoku_server::http::internal::Metrics;
use sesshoku_server::management::account::{self, Command};
use sesshoku_server::{management, notification};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use totp_rs::Totp;
use tower::ServiceExt;

/// What the notification server shows the management system.
pub const CREDENTIAL: &str = "check credential of 32 characters";
/// What a form says to be.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// 2020-08-17T00:00:00Z.
const NOW: UnixSeconds = UnixSeconds::new(1_597_622_400);
const ACCOUNT: &str = "hanako";
const PASSWORD: &str = "spring%20is%20the%20dawn%20that%20slowly%20whitens";

/// A role that answers requests.
pub struct Role {
    runtime: Runtime,
    router: Router,
    cookies: BTreeMap<String, String>,
    _dir: TempDir,
}

/// The management server, and somebody who is signed in.
pub struct Management {
    /// It; the cookies are sent with every request.
    pub role: Role,
    /// What a program shows that issues numbers.
    pub bearer: String,
    /// The token that is in every form of this session.
    pub form_token: String,
}

/// The notification server, whose management system cannot be reached.
pub fn notification() -> Role {
    Role::open(async |dir| {
        let path = |name: &str| dir.join(name).display().to_string();
        let key = crate::signer().private_key_pem().expect("a key");
        fs::write(path("key.pem"), key.as_bytes()).expect("written");
        fs::write(path("credential"), CREDENTIAL).expect("written");
        let config = format!(
            "[database]\nkind = 'sqlite'\npath = '{}'\n\
             [storage]\nkind = 'folder'\ndir = '{}'\n\
             [distribution]\nbase_url = 'https://cdn.example'\n\
             [signing]\nkey.file = '{}'\n\
             [management]\nurl = 'http://127.0.0.1:9'\ncredential.file = '{}'\n\
             [registration]\nanswer_milliseconds = 1\n\
             [limits]\nrequests_a_source_an_hour = 1000000\n",
            path("notification.db"),
            path("public"),
            path("key.pem"),
            path("credential"),
        );
        let config = toml::from_str(&config).expect("a configuration");
        let clock = Clock::set_at(NOW);
        let server = notification::open(config, clock, &Metrics::default()).await;
        (server.expect("a notification server").router(), ())
    })
    .0
}

/// The management server, whose mail goes into a folder.
pub fn management() -> Management {
    let (mut role, (bearer, printed)) = Role::open(async |dir| {
        let path = |name: &str| dir.join(name).display().to_string();
        fs::write(path("key"), "k".repeat(64)).expect("written");
        fs::write(path("credential"), CREDENTIAL).expect("written");
        fs::create_dir(path("mail")).expect("made");
        let config = format!(
            "database = {{ kind = 'sqlite', path = '{}' }}\n\
             web = {{ institution = 'みなと保健所', insecure_cookies = true }}\n\
             [secrets]\nkey.file = '{}'\ncheck_credential.file = '{}'\n\
             [mail]\nkind = 'folder'\nfrom = '保健所 <no-reply@health.example>'\ndir = '{}'\n\
             [numbers]\nguessing_per_day = 10000\n",
            path("management.db"),
            path("key"),
            path("credential"),
            path("mail"),
        );
        let config: management::Config = toml::from_str(&config).expect("a configuration");
        let clock = Clock::set_at(NOW);
        let print = async |command: Command| {
            let mut out = Vec::new();
            let done = command.run(&config, &clock, &mut out).await;
            done.expect("an account");
            String::from_utf8(out).expect("text")
        };
        let name = || ACCOUNT.to_owned();
        let account = print(Command::Add {
            name: name(),
            roles: vec![
                account::Role::Issue,
                account::Role::Administrate,
                account::Role::Statistics,
            ],
        })
        .await;
        let revoke = false;
        let bearer = print(Command::Token {
            name: name(),
            revoke,
        })
        .await;
        let bearer = bearer.trim().to_owned();
        let metrics = Metrics::default();
        let server = management::open(config.clone(), clock.clone(), &metrics).await;
        (
            server.expect("a management server").router(),
            (bearer, account),
        )
    });
    let word_after = |before: &str| {
        let (_, after) = printed.split_once(before).expect(before);
        after.split_whitespace().next().expect(before).to_owned()
    };
    let password = word_after("sign-in: ").replace('+', "%2B");
    let totp = Totp::from_url(word_after("app: ")).expect("a secret");
    let code = |step: u64| {
        totp.generate(u64::from(NOW.get()) - 30 + step * 30)
            .to_string()
    };
    role.sign_in(&password, &code(0));
    let token = role.token_on("/password");
    let form = format!("token={token}&current={password}&new={PASSWORD}&repeat={PASSWORD}");
    assert_eq!(role.submit("/password", form), 303);
    role.sign_in(PASSWORD, &code(1));
    let form_token = role.token_on("/issue");
    Management {
        role,
        bearer,
        form_token,
    }
}

impl Role {
    fn open<T>(open: impl AsyncFnOnce(&Path) -> (Router, T)) -> (Self, T) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        // In memory, where nothing waits for a disk.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.expect("a folder");
        let (router, beside) = runtime.block_on(open(dir.path()));
        let role = Self {
            runtime,
            router,
            cookies: BTreeMap::new(),
            _dir: dir,
        };
        (role, beside)
    }

    /// The status with which `request` is answered.
    pub fn answer(&self, request: Request<Body>) -> u16 {
        self.send(request).status().as_u16()
    }

    fn send(&self, mut request: Request<Body>) -> axum::response::Response {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        request.extensions_mut().insert(ConnectInfo(peer));
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let cookies = cookies.parse().expect("cookies");
        request.headers_mut().insert(COOKIE, cookies);
        let answer = self.router.clone().oneshot(request);
        self.runtime.block_on(answer).expect("an answer")
    }

    fn sign_in(&mut self, password: &str, code: &str) {
        let token = self.token_on("/sign-in");
        let form = format!("token={token}&name={ACCOUNT}&password={password}&code={code}");
        assert_eq!(self.submit("/sign-in", form), 303, "signed in");
    }

    fn submit(&mut self, path: &str, form: String) -> u16 {
        let request = Request::post(path).header(CONTENT_TYPE, FORM);
        self.visit(request.body(Body::from(form)).expect("a request"))
            .0
    }

    /// The token in the form that is shown there.
    fn token_on(&mut self, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let (status, page) = self.visit(request);
        assert_eq!(status, 200, "{path}");
        let (_, after) = page.rsplit_once("name=\"token\" value=\"").expect("a form");
        after.split('"').next().expect("a token").to_owned()
    }

    /// The status and the page with which `request` is answered; its cookies are kept.
    fn visit(&mut self, request: Request<Body>) -> (u16, String) {
        let answer = self.send(request);
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("text").split(';').next();
            let (name, value) = cookie.and_then(|it| it.split_once('=')).expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX);
        let body = self.runtime.block_on(body).expect("a page");
        (status, String::from_utf8(body.into()).expect("text"))
    }
}
