//! The window's own process without a GL driver.

use std::ffi::{c_char, c_int, c_void};
use std::{env, mem, ptr};

use gtk::glib::{self, BoolError};
use libloading::Library;

/// Where libglvnd, through which Linux has EGL, looks for drivers instead of everywhere.
const DRIVERS: &str = "__EGL_VENDOR_LIBRARY_FILENAMES";
const EGL_EXTENSIONS: c_int = 0x3055;

type QueryString = unsafe extern "C" fn(display: *mut c_void, name: c_int) -> *const c_char;

/// Lets EGL look for drivers where there are none. WebKit would load one only to ask it
/// for the device that the page's process could draw with. EGL looks once, when it is
/// first used; the page's process, which does not start without a driver, finds its own.
///
/// # Errors
/// When the environment cannot be changed.
pub(crate) fn do_without() -> Result<(), BoolError> {
    let before = env::var_os(DRIVERS);
    glib::setenv(DRIVERS, "/dev/null", true)?;
    look_for_drivers();
    match before {
        Some(before) => glib::setenv(DRIVERS, before, true)?,
        None => glib::unsetenv(DRIVERS),
    }
    Ok(())
}

/// By the first use of EGL; where there is none, there is nothing to look for.
fn look_for_drivers() {
    // SAFETY: WebKit loads the same library for the same use.
    let Ok(egl) = (unsafe { Library::new("libEGL.so.1") }) else {
        return;
    };
    // SAFETY: EGL declares it so, and lets it be asked without a display.
    unsafe {
        if let Ok(query) = egl.get::<QueryString>(c"eglQueryString") {
            query(ptr::null_mut(), EGL_EXTENSIONS);
        }
    }
    // It stays, for WebKit.
    mem::forget(egl);
}
