//! The window's own process without a GL driver.

use std::ffi::{c_char, c_int, c_void};
use std::{env, mem, ptr};

use gtk::glib::{self, BoolError};

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

/// By the first use of EGL. The library stays, for WebKit.
fn look_for_drivers() {
    // SAFETY: The names are C strings. WebKit loads the same library for the same use.
    let query = unsafe {
        let library = libc::dlopen(c"libEGL.so.1".as_ptr(), libc::RTLD_LAZY);
        if library.is_null() {
            return;
        }
        libc::dlsym(library, c"eglQueryString".as_ptr())
    };
    if query.is_null() {
        return;
    }
    // SAFETY: EGL declares it so, and lets it be asked without a display.
    unsafe {
        let query = mem::transmute::<*mut c_void, QueryString>(query);
        query(ptr::null_mut(), EGL_EXTENSIONS);
    }
}
