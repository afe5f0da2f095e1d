//! Exports as they are fetched: ZIP files that may be anything.
#![no_main]

use gaen::export::{Limits, open, open_bare, write, write_bare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        let export = fuzz::export();
        let signed = write(&export, &[fuzz::signer()]).expect("an export");
        let bare = write_bare(&export).expect("an export");
        let limits = Limits::default();
        assert!(open(&signed, &limits).expect("a ZIP").verify(fuzz::pinned()).is_ok());
        fuzz::plant("export_zip", [signed, bare]);
    },
    |data: &[u8]| {
        let limits = Limits { archive: 65_536, bin: 65_536, sig: 4_096 };
        if let Ok(opened) = open(data, &limits) {
            let _ = opened.verify(fuzz::pinned());
        }
        if let Ok(opened) = open_bare(data, &limits) {
            let _ = opened.with_any_period();
        }
    }
);
