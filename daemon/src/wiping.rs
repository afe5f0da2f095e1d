//! Memory that is wiped when it is given back.
//!
//! Types that hold secrets wipe themselves, but what they are read from and written
//! to does not: buffers of the bus, of HTTP and TLS, of JSON. A processing number must
//! not outlive its use in any of them. The bus's buffer for incoming messages is never
//! given back, so that the number does not come in a message, but through a pipe.

use std::alloc::{GlobalAlloc, Layout, System};

use nix::libc;

/// What is at least this large, in bytes, is a mapping of its own.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 128 * 1024;

/// The system's allocator, with everything wiped that is freed.
#[derive(Debug)]
pub struct WipingAllocator;

// SAFETY: all memory is the system allocator's, under its own layout. Reallocation is
// the trait's own: allocate, copy, free.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the promises of `alloc`, which are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the promises of `alloc_zeroed`, which are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` is an allocation of this size, which nobody uses any more.
        unsafe { libc::explicit_bzero(memory.cast(), layout.size()) };
        // SAFETY: it comes from the system's allocator, with this layout.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// Has the system's allocator give back what is freed.
///
/// glibc begins so and forgets it: once something large was freed, it keeps as much, in
/// each thread's arena anew. A check frees exports, keys and filters of megabytes, on
/// whichever thread there was, and a daemon that runs for months would hold all of it. musl
/// gives back what is large by itself.
pub fn give_back_what_is_freed() {
    // SAFETY: sets numbers that malloc goes by from now on, under its own lock.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
    }
}
