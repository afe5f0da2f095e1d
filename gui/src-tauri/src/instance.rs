//! One window in a session: a second start shows the first.

use zbus::fdo::{RequestNameFlags, RequestNameReply};
use zbus::{Connection, interface};

/// The name that the window has on the session bus.
const NAME: &str = "org.sesshoku.Window1";
const PATH: &str = "/org/sesshoku/Window1";

struct Window<F> {
    show: F,
}

#[interface(name = "org.sesshoku.Window1")]
impl<F: Fn(&str) + Send + Sync + 'static> Window<F> {
    /// Brings the window to the front, on `page`; an empty page leaves it where it is.
    fn show(&self, page: &str) {
        (self.show)(page);
    }
}

/// Whether this is the first window, which then is shown by `show` when another one
/// is started; the other one has been asked otherwise. Without a session bus every
/// window is the first.
pub(crate) async fn is_first(page: &str, show: impl Fn(&str) + Send + Sync + 'static) -> bool {
    take_name(page, show).await.unwrap_or(true)
}

async fn take_name(page: &str, show: impl Fn(&str) + Send + Sync + 'static) -> zbus::Result<bool> {
    let connection = Connection::session().await?;
    connection.object_server().at(PATH, Window { show }).await?;
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    match connection.request_name_with_flags(NAME, flags).await {
        Ok(RequestNameReply::Exists) | Err(zbus::Error::NameTaken) => {
            connection
                .call_method(Some(NAME), PATH, Some(NAME), "Show", &page)
                .await?;
            Ok(false)
        }
        Ok(_) => {
            // It lives as long as the window.
            std::mem::forget(connection);
            Ok(true)
        }
        Err(error) => Err(error),
    }
}
