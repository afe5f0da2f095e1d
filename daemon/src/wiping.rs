//! Memory that is wiped when it is given back.
//!
//! Types that hold secrets wipe themselves, but what they are read from and written
//! to does not: buffers of the bus, of HTTP and TLS, of JSON. A processing number must
//! not outlive its use in any of them. The bus's buffer for incoming messages is never
//! given back, so that the number does not come in a message, but through a pipe.

use std::alloc::{GlobalAlloc, Layout, System};

use nix::libc;

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
