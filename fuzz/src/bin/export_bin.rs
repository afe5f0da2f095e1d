//! What is in an export: the file of keys, beside a file of signatures.
#![no_main]

use std::io::{Cursor, Read, Write};

use gaen::export::{Limits, check_complete, open, open_bare, write};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// A ZIP file of these.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, contents) in files {
        zip.start_file(*name, options).expect("a file");
        zip.write_all(contents).expect("written");
    }
    zip.finish().expect("a ZIP").into_inner()
}

fuzz_target!(
    init: {
        let signed = write(&fuzz::export(), &[fuzz::signer()]).expect("an export");
        let mut archive = ZipArchive::new(Cursor::new(signed)).expect("a ZIP");
        let mut file = |name: &str| {
            let mut contents = Vec::new();
            let mut file = archive.by_name(name).expect("there");
            file.read_to_end(&mut contents).expect("read");
            contents
        };
        let (bin, sig) = (file("export.bin"), file("export.sig"));
        let opened = open_bare(&zip(&[("export.bin", &bin)]), &Limits::default());
        assert!(opened.expect("a ZIP").without_verification().is_ok());
        // The first byte says which of the two it is.
        fuzz::plant("export_bin", [[&[0], &bin[..]].concat(), [&[1], &sig[..]].concat()]);
    },
    |data: &[u8]| {
        let Some((which, data)) = data.split_first() else {
            return;
        };
        let limits = Limits::default();
        if which % 2 == 0 {
            let opened = open_bare(&zip(&[("export.bin", data)]), &limits).expect("a ZIP");
            if let Ok(export) = opened.without_verification() {
                let _ = check_complete([&export]);
                let written = write(&export, &[fuzz::signer()]);
                if let Ok(written) = written {
                    let again = open(&written, &limits).expect("ours");
                    assert!(again.without_verification().expect("ours") == export);
                }
            }
        } else {
            let zip = zip(&[("export.bin", b"EK Export v1    "), ("export.sig", data)]);
            let opened = open(&zip, &limits).expect("a ZIP");
            assert!(opened.verify(fuzz::pinned()).is_err());
        }
    }
);
