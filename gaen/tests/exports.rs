//! Exports through the front door: real ones, our own, and every way to be refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::export::{
    ArchiveError, BatchError, Export, ExportError, KeyError, Limits, PinnedKey, Signer, Unverified,
    check_complete, open, open_bare, write, write_bare,
};
use gaen::key::Tek;
use gaen::time::Interval;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

fn signer() -> Signer {
    Signer::generate("440", "v1", &mut ChaCha20Rng::seed_from_u64(1)).with_app_id("jp.example")
}

fn key(number: u8) -> DiagnosisKey {
    DiagnosisKey {
        tek: Tek::from_bytes([number; 16]),
        rolling_start: Interval::new(2_642_976),
        rolling_period: RollingPeriod::DAY,
        transmission_risk_level: 0,
        report_type: ReportType::ConfirmedTest,
        days_since_onset: Some(-3),
    }
}

fn export() -> Export {
    Export {
        start: 1_597_536_000,
        end: 1_597_622_400,
        region: "440".to_owned(),
        batch_num: 1,
        batch_size: 1,
        keys: (0..8).map(key).collect(),
        revised_keys: vec![DiagnosisKey {
            report_type: ReportType::Revoked,
            days_since_onset: None,
            ..key(9)
        }],
    }
}

fn verify(zip: &[u8], pinned: &[PinnedKey]) -> Result<Export, ExportError> {
    let verified = open(zip, &Limits::default()).and_then(|opened| opened.verify(pinned))?;
    Ok(verified.into_export())
}

/// Flips each bit of an export: it is refused, or says what it said.
fn no_flip_changes_what_it_says(zip: &[u8], pinned: &[PinnedKey]) {
    let said = verify(zip, pinned).unwrap();
    for_each_flip(zip, |flipped, at| {
        if let Ok(says) = verify(flipped, pinned) {
            assert_eq!(says, said, "bit {at}");
        }
    });
}

/// Shows `zip` with each of its bits flipped, and which it is.
fn for_each_flip(zip: &[u8], mut show: impl FnMut(&[u8], usize)) {
    let mut flipped = zip.to_vec();
    for at in 0..zip.len() * 8 {
        flipped[at / 8] ^= 1 << (at % 8);
        show(&flipped, at);
        flipped[at / 8] ^= 1 << (at % 8);
    }
}

fn cocoa() -> Option<(Vec<u8>, PinnedKey)> {
    let zip = common::shared("data/exports/cocoa-production-812.zip")?;
    let pem = common::shared("data/exports/cocoa-production-440-v1.pem")?;
    let pem = String::from_utf8(pem).unwrap();
    Some((zip, PinnedKey::from_pem("440", "v1", &pem).unwrap()))
}

#[test]
fn cocoas_production_export_verifies() {
    let Some((zip, pinned)) = cocoa() else { return };
    let verified = open(&zip, &Limits::default())
        .unwrap()
        .verify(std::slice::from_ref(&pinned))
        .unwrap();
    assert_eq!(verified.signed_by(), "440-v1");
    let export = verified.into_export();
    assert_eq!(export.region, "440");
    assert_eq!((export.start, export.end), (1_597_536_000, 1_597_622_400));
    assert_eq!((export.batch_num, export.batch_size), (1, 1));
    assert_eq!(export.keys.len(), 32);
    assert!(export.revised_keys.is_empty());
    for key in &export.keys {
        assert_eq!(key.transmission_risk_level, 0);
        assert_eq!(key.rolling_start, Interval::new(2_662_560));
        assert_eq!(key.rolling_period, RollingPeriod::DAY);
        assert_eq!(key.report_type, ReportType::ConfirmedTest);
        assert_eq!(key.days_since_onset, None);
    }
    assert_eq!(check_complete([&export]), Ok(()));
}

#[test]
fn no_flipped_bit_changes_what_cocoas_export_says() {
    let Some((zip, pinned)) = cocoa() else { return };
    no_flip_changes_what_it_says(&zip, &[pinned]);
}

#[test]
fn cocoas_export_cut_is_refused() {
    let Some((zip, pinned)) = cocoa() else { return };
    let pinned = [pinned];
    for length in 0..zip.len() {
        assert!(verify(&zip[..length], &pinned).is_err(), "{length}");
    }
}

fn content(zip: &[u8], name: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut content = Vec::new();
    let mut entry = archive.by_name(name).unwrap();
    std::io::copy(&mut entry, &mut content).unwrap();
    content
}

/// Files of a demonstration may not say of which time they are.
#[test]
fn a_missing_period_is_only_passed_over_where_it_is_asked_for() {
    let whole = write_bare(&export()).unwrap();
    let opened = open_bare(&whole, &Limits::default()).unwrap();
    let loose = opened.with_any_period().unwrap();
    assert_eq!((loose.export, loose.has_period), (export(), true));

    // The two times are the first fields, of 9 bytes each.
    for gone in [16..34, 16..25, 25..34] {
        let mut bin = content(&whole, "export.bin");
        bin.drain(gone);
        let zip = raw::zip(&[("export.bin", &bin)]);
        let opened = open_bare(&zip, &Limits::default()).unwrap();
        let loose = opened.clone().with_any_period().unwrap();
        let timeless = Export {
            start: 0,
            end: 0,
            ..export()
        };
        assert_eq!((loose.export, loose.has_period), (timeless, false));
        assert!(matches!(
            opened.without_verification(),
            Err(ExportError::Period)
        ));
    }
    let backwards = Export {
        start: 2,
        end: 1,
        ..export()
    };
    let opened = open_bare(&write_bare(&backwards).unwrap(), &Limits::default()).unwrap();
    assert!(matches!(opened.with_any_period(), Err(ExportError::Period)));
}

#[test]
fn googles_sample_opens() {
    let Some(zip) = common::shared("data/exports/google-sample-140-keys.zip") else {
        return;
    };
    let opened = open(&zip, &Limits::default()).unwrap();
    let refusal = opened.clone().verify(&[signer().pinned_key()]).unwrap_err();
    assert!(matches!(refusal, ExportError::UnknownKey { names } if names == ["310-v1"]));
    let export = opened.without_verification().unwrap();
    assert_eq!(export.region, "US");
    assert_eq!(export.keys.len(), 140);
    assert!(
        export
            .keys
            .iter()
            .all(|key| key.rolling_period == RollingPeriod::DAY)
    );
}

#[test]
fn our_own_exports_verify_and_say_the_same_or_nothing_with_any_bit_flipped() {
    let signer = signer();
    let zip = write(&export(), &[&signer]).unwrap();
    let pinned = [signer.pinned_key()];
    assert_eq!(verify(&zip, &pinned).unwrap(), export());
    assert_eq!(
        zip,
        write(&export(), &[&signer]).unwrap(),
        "the same each time"
    );
    no_flip_changes_what_it_says(&zip, &pinned);

    let from_pem = PinnedKey::from_pem("440", "v1", &signer.public_key_pem()).unwrap();
    assert_eq!(from_pem, signer.pinned_key());
}

#[test]
fn signatures_are_by_pinned_keys_of_that_name() {
    let (ours, zip) = {
        let signer = signer();
        let zip = write(&export(), &[&signer]).unwrap();
        (signer.pinned_key(), zip)
    };
    let rng = &mut ChaCha20Rng::seed_from_u64(2);
    let impostor = Signer::generate("440", "v1", rng);
    let cosigner = Signer::generate("441", "v2", rng);

    let refusal = verify(&zip, &[]).unwrap_err();
    assert!(matches!(refusal, ExportError::UnknownKey { names } if names == ["440-v1"]));
    let refusal = verify(&zip, &[cosigner.pinned_key()]).unwrap_err();
    assert!(matches!(refusal, ExportError::UnknownKey { .. }));
    let refusal = verify(&zip, &[impostor.pinned_key()]).unwrap_err();
    assert!(matches!(refusal, ExportError::Signature { key } if key == "440-v1"));

    // A key that is being replaced may be pinned beside its successor.
    assert!(verify(&zip, &[impostor.pinned_key(), ours.clone()]).is_ok());

    // One of several signatures is enough, whichever it is.
    let both = write(&export(), &[&cosigner, &signer()]).unwrap();
    assert!(verify(&both, std::slice::from_ref(&ours)).is_ok());
    assert!(verify(&both, &[cosigner.pinned_key()]).is_ok());
    let with_impostor = write(&export(), &[&impostor, &cosigner]).unwrap();
    assert!(verify(&with_impostor, &[ours]).is_err());
}

#[test]
fn unsigned_exports_open_only_when_asked_for() {
    let bare = write_bare(&export()).unwrap();
    assert!(matches!(
        open(&bare, &Limits::default()).unwrap_err(),
        ExportError::Archive(ArchiveError::MissingEntry("export.sig"))
    ));
    let opened = open_bare(&bare, &Limits::default()).unwrap();
    let refusal = opened.clone().verify(&[signer().pinned_key()]).unwrap_err();
    assert!(matches!(refusal, ExportError::Unsigned));
    assert_eq!(opened.without_verification().unwrap(), export());

    let no_signatures = write(&export(), &[]).unwrap();
    let refusal = verify(&no_signatures, &[signer().pinned_key()]).unwrap_err();
    assert!(matches!(refusal, ExportError::Unsigned));
}

#[test]
fn batches_must_be_complete() {
    let batch = |batch_num, batch_size| Export {
        batch_num,
        batch_size,
        ..export()
    };
    let other_region = Export {
        region: "441".to_owned(),
        ..batch(2, 2)
    };
    let other_end = Export {
        end: 1_597_622_401,
        ..batch(2, 2)
    };
    for (batches, expected) in [
        (vec![batch(1, 1)], Ok(())),
        (vec![batch(2, 3), batch(3, 3), batch(1, 3)], Ok(())),
        (vec![], Err(BatchError::Empty)),
        (vec![batch(1, 2)], Err(BatchError::Missing(2))),
        (vec![batch(1, 3), batch(3, 3)], Err(BatchError::Missing(2))),
        (vec![batch(1, u32::MAX)], Err(BatchError::Missing(2))),
        (vec![batch(1, 2), batch(1, 2)], Err(BatchError::Missing(2))),
        (vec![batch(1, 1), batch(1, 1)], Ok(())),
        (vec![batch(1, 2), batch(2, 2), batch(1, 2)], Ok(())),
        (vec![batch(1, 2), batch(2, 3)], Err(BatchError::Mixed)),
        (vec![batch(1, 2), other_region], Err(BatchError::Mixed)),
        (vec![batch(1, 2), other_end], Err(BatchError::Mixed)),
    ] {
        assert_eq!(check_complete(&batches), expected);
    }
}

/// Messages written by hand, for what the writer refuses to write.
mod raw {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;

    pub(super) const HEADER: &[u8] = b"EK Export v1    ";
    pub(super) const PERIOD: &[u8] = &[
        0x09, 1, 0, 0, 0, 0, 0, 0, 0, // start_timestamp
        0x11, 2, 0, 0, 0, 0, 0, 0, 0, // end_timestamp
    ];

    /// A field that holds `content`, of less than 128 bytes.
    pub(super) fn field(tag: u8, content: &[u8]) -> Vec<u8> {
        [
            &[tag << 3 | 2, u8::try_from(content.len()).unwrap()],
            content,
        ]
        .concat()
    }

    /// A key with `data`, followed by the fields of `rest`.
    pub(super) fn key(data: &[u8], rest: &[u8]) -> Vec<u8> {
        field(7, &[&field(1, data), rest].concat())
    }

    pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        zip_with(entries, SimpleFileOptions::default())
    }

    pub(super) fn zip_with(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }
}

fn parse_raw(bin: &[u8]) -> Result<Export, ExportError> {
    open_bare(&raw::zip(&[("export.bin", bin)]), &Limits::default())
        .and_then(Unverified::without_verification)
}

#[test]
fn messages_are_checked() {
    let whole = [raw::HEADER, raw::PERIOD].concat();
    let read = parse_raw(&whole).unwrap();
    assert_eq!((read.start, read.end), (1, 2));
    assert_eq!(
        (read.batch_num, read.batch_size),
        (1, 1),
        "where neither is given"
    );

    let with = |rest: &[u8]| parse_raw(&[&whole, rest].concat());
    assert!(with(&[0x20, 2, 0x28, 2]).is_ok(), "batch 2 of 2");
    for (batch, what) in [
        (&[0x20, 0, 0x28, 1][..], "batch 0"),
        (&[0x20, 2, 0x28, 1], "batch 2 of 1"),
        (&[0x28, 1], "a number of batches alone"),
        (&[0x20, 1, 0x28, 0], "no batches"),
    ] {
        assert!(
            matches!(with(batch), Err(ExportError::BatchNumber)),
            "{what}"
        );
    }

    for (bin, what) in [
        (&b""[..], "empty"),
        (b"EK Export v2    ", "another version"),
        (b"EK Export v1", "cut"),
    ] {
        assert!(matches!(parse_raw(bin), Err(ExportError::Header)), "{what}");
    }
    assert!(matches!(parse_raw(raw::HEADER), Err(ExportError::Period)));
    let backwards = [
        raw::HEADER,
        &raw::PERIOD[..9],
        &[0x11, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    assert!(matches!(parse_raw(&backwards), Err(ExportError::Period)));

    assert!(matches!(
        with(&[0x3a, 0x20, 0]),
        Err(ExportError::Message(_) | ExportError::Framing)
    ));
    assert!(
        matches!(with(&[0x38, 1]), Err(ExportError::Framing)),
        "a key as a number"
    );
    assert!(with(&raw::field(99, b"from a later version")[..]).is_ok());
}

#[test]
fn keys_are_checked() {
    let with = |key: &[u8]| parse_raw(&[raw::HEADER, raw::PERIOD, key].concat());
    let start = &[0x18, 0xa0, 0xc1, 0xa2, 0x01][..];
    let tek = [7; 16];

    let plain = with(&raw::key(&tek, start)).unwrap();
    let [key] = &plain.keys[..] else {
        panic!("one key")
    };
    assert_eq!(key.rolling_start, Interval::new(2_662_560));
    assert_eq!(
        key.rolling_period,
        RollingPeriod::DAY,
        "where it is missing"
    );
    assert_eq!(
        key.report_type,
        ReportType::ConfirmedTest,
        "where it is missing"
    );
    assert_eq!(key.days_since_onset, None);

    let negative_onset = with(&raw::key(&tek, &[start, &[0x30, 0x05]].concat())).unwrap();
    assert_eq!(negative_onset.keys[0].days_since_onset, Some(-3));

    let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    for (key, expected) in [
        (raw::key(&tek[..15], start), KeyError::Length(15)),
        (raw::key(&[7; 17], start), KeyError::Length(17)),
        (raw::field(7, start), KeyError::Length(0)),
        (raw::key(&tek, &[]), KeyError::RollingStart),
        (
            raw::key(&tek, &[&[0x18][..], &minus_one].concat()),
            KeyError::RollingStart,
        ),
        (
            raw::key(&tek, &[0x18, 0xff, 0xff, 0xff, 0xff, 0x07]),
            KeyError::RollingStart,
        ),
        (
            raw::key(&tek, &[start, &[0x20, 0]].concat()),
            KeyError::RollingPeriod(0),
        ),
        (
            raw::key(&tek, &[start, &[0x20, 0x91, 0x01]].concat()),
            KeyError::RollingPeriod(145),
        ),
        (
            raw::key(&tek, &[start, &[0x20], &minus_one].concat()),
            KeyError::RollingPeriod(-1),
        ),
    ] {
        let after_a_good_one = [raw::key(&tek, start), key.clone()].concat();
        let refusal = with(&after_a_good_one).unwrap_err();
        assert!(
            matches!(refusal, ExportError::Key { index: 1, source } if source == expected),
            "{refusal:?} {expected:?}"
        );
        let mut revised = key;
        revised[0] = 8 << 3 | 2;
        let refusal = with(&revised).unwrap_err();
        assert!(
            matches!(refusal, ExportError::Key { index: 0, .. }),
            "{refusal:?}"
        );
    }
}

#[test]
fn archives_hold_an_export_and_nothing_else() {
    use ArchiveError::{DuplicateEntry, ForeignEntry, MissingEntry};
    let refusal = |entries: &[(&str, &[u8])]| refusal(&raw::zip(entries), &Limits::default());
    let (bin, sig) = (("export.bin", &b"x"[..]), ("export.sig", &b"y"[..]));
    assert!(open(&raw::zip(&[bin, sig]), &Limits::default()).is_ok());
    assert!(
        open(&raw::zip(&[sig, bin]), &Limits::default()).is_ok(),
        "either order"
    );
    assert!(matches!(refusal(&[]), MissingEntry("export.sig")));
    assert!(matches!(refusal(&[bin]), MissingEntry("export.sig")));
    assert!(matches!(refusal(&[sig]), MissingEntry("export.bin")));
    for name in [
        "Export.bin",
        "export.bin ",
        "./export.bin",
        "a/export.bin",
        "../export.bin",
        "/export.bin",
        "export.bin/",
        "export.bin\0",
        "",
        "README",
    ] {
        for entries in [&[(name, &b"x"[..]), sig][..], &[bin, sig, (name, b"")]] {
            let refusal = refusal(entries);
            assert!(matches!(refusal, ForeignEntry), "{name:?}: {refusal:?}");
        }
    }

    // The library refuses to write a name twice, so two are made the same after.
    let mut twice = raw::zip(&[bin, ("export.sin", b"x")]);
    let places: Vec<_> = (0..twice.len() - 10)
        .filter(|&at| twice[at..].starts_with(b"export.sin"))
        .collect();
    for at in places {
        twice[at..at + 10].copy_from_slice(b"export.bin");
    }
    let refusal = self::refusal(&twice, &Limits::default());
    assert!(matches!(refusal, DuplicateEntry), "{refusal:?}");
}

/// Why this archive is refused.
fn refusal(zip: &[u8], limits: &Limits) -> ArchiveError {
    match open(zip, limits) {
        Err(ExportError::Archive(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn archives_of_other_programs_hold_what_was_put_in() {
    let read = |zip: &[u8]| open(zip, &Limits::default())?.with_any_period();
    let mut first = None;
    for (name, zip) in [
        ("7-Zip", &include_bytes!("data/archives/7z.zip")[..]),
        ("bsdtar", include_bytes!("data/archives/bsdtar.zip")),
        // Filled up with zeros to a tape's block.
        (
            "bsdtar, streamed",
            include_bytes!("data/archives/bsdtar-streamed.zip"),
        ),
        ("Info-ZIP", include_bytes!("data/archives/infozip.zip")),
        (
            "Info-ZIP, streamed",
            include_bytes!("data/archives/infozip-streamed.zip"),
        ),
        // One file is readable by its owner alone; the archive has a comment.
        (
            "Info-ZIP, differing modes",
            include_bytes!("data/archives/infozip-modes.zip"),
        ),
        (
            "Info-ZIP, ZIP64",
            include_bytes!("data/archives/infozip-zip64.zip"),
        ),
        (
            "Info-ZIP 2",
            include_bytes!("data/archives/infozip-2-layout.zip"),
        ),
        (
            "Apple's ditto",
            include_bytes!("data/archives/ditto-layout.zip"),
        ),
        ("Java", include_bytes!("data/archives/java.zip")),
        (
            "Java, one entry stored",
            include_bytes!("data/archives/java-mixed.zip"),
        ),
        (
            "Python",
            include_bytes!("data/archives/python-deflated.zip"),
        ),
        (
            "Python, stored",
            include_bytes!("data/archives/python-stored.zip"),
        ),
        (
            "Python, streamed",
            include_bytes!("data/archives/python-streamed.zip"),
        ),
    ] {
        let held = read(zip).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let first = first.get_or_insert_with(|| held.clone());
        assert_eq!(&held, first, "{name}");
        for_each_flip(zip, |flipped, at| {
            if let Ok(held) = read(flipped) {
                assert_eq!(&held, first, "{name}, bit {at}");
            }
        });
    }
    assert_eq!(first.unwrap().export.keys.len(), 4);
    if let Some(zip) = common::shared("data/exports/google-sample-140-keys.zip") {
        assert_eq!(read(&zip).unwrap().export.keys.len(), 140, "Go");
    }
}

#[test]
fn archives_of_other_options_open() {
    use zip::CompressionMethod::{Deflated, Stored};
    use zip::write::SimpleFileOptions;
    let content = vec![b'a'; 5000];
    let entries: [(&str, &[u8]); 2] = [("export.bin", &content), ("export.sig", b"y")];
    for options in [
        SimpleFileOptions::default().compression_method(Stored),
        SimpleFileOptions::default()
            .compression_method(Deflated)
            .compression_level(Some(1)),
        SimpleFileOptions::default()
            .compression_method(Deflated)
            .compression_level(Some(9)),
        SimpleFileOptions::default().unix_permissions(0o644),
    ] {
        let zip = raw::zip_with(&entries, options);
        assert!(open(&zip, &Limits::default()).is_ok(), "{options:?}");
    }
}

#[test]
fn limits_hold_before_anything_is_unpacked() {
    let zip = raw::zip(&[("export.bin", &[0; 1_000_000]), ("export.sig", b"y")]);
    assert!(zip.len() < 2000, "a bomb");
    let limits = Limits {
        archive: 2000,
        bin: 1_000_000,
        sig: 1,
    };
    assert!(open(&zip, &limits).is_ok());
    let limits_of = |limits| refusal(&zip, &limits).to_string();
    let shorter = Limits {
        bin: 999_999,
        ..limits
    };
    assert_eq!(
        limits_of(shorter),
        "export.bin would be longer than 999999 bytes"
    );
    let shorter = Limits { sig: 0, ..limits };
    assert_eq!(
        limits_of(shorter),
        "export.sig would be longer than 0 bytes"
    );
    let archive = zip.len() - 1;
    assert_eq!(
        limits_of(Limits { archive, ..limits }),
        format!("the file is longer than {archive} bytes")
    );
}

#[test]
fn a_lying_length_is_refused_and_no_more_is_unpacked() {
    let zip = raw::zip(&[("export.bin", &[0; 1_000_000]), ("export.sig", b"y")]);
    let held = 1_000_000_u32.to_le_bytes();
    let places: Vec<_> = (0..zip.len() - 4)
        .filter(|&at| zip[at..].starts_with(&held))
        .collect();
    assert_eq!(places.len(), 2, "in both headers");
    for says in [0_u32, 10, 999_999, 1_000_001, 16 * 1024 * 1024] {
        let mut lies = zip.clone();
        for &at in &places {
            lies[at..at + 4].copy_from_slice(&says.to_le_bytes());
        }
        let refusal = refusal(&lies, &Limits::default());
        let is_more = matches!(refusal, ArchiveError::Entry { .. });
        let is_less = matches!(refusal, ArchiveError::Length("export.bin"));
        assert!(
            if says < 1_000_000 { is_more } else { is_less },
            "{refusal:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn opening_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = open(&bytes, &Limits::default());
    }

    #[test]
    fn opening_a_damaged_export_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut zip = write(&export(), &[&signer()]).unwrap();
        for (place, byte) in damage {
            let at = place.index(zip.len());
            zip[at] = byte;
        }
        if let Ok(opened) = open_bare(&zip, &Limits::default()) {
            let _ = opened.clone().without_verification();
            let _ = opened.verify(&[signer().pinned_key()]);
        }
    }

    #[test]
    fn reading_any_message_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_raw(&[raw::HEADER, &bytes].concat());
        let _ = parse_raw(&[raw::HEADER, raw::PERIOD, &bytes].concat());
        let zip = raw::zip(&[("export.bin", raw::HEADER), ("export.sig", &bytes)]);
        let _ = verify(&zip, &[signer().pinned_key()]);
    }

    #[test]
    fn exports_round_trip(
        keys in prop::collection::vec(
            (any::<[u8; 16]>(), 0..7_000_000_u32, 1..=144_u32, any::<i32>(), 1..=5_i32, any::<Option<i32>>()),
            0..40,
        ),
        split in any::<prop::sample::Index>(),
        region in "[0-9A-Z]{0,6}",
        (start, length) in (0..u64::from(u32::MAX), 0..u64::from(u32::MAX)),
        (batch_num, more) in (1..100_u32, 0..100_u32),
    ) {
        let mut keys: Vec<_> = keys
            .into_iter()
            .map(|(tek, rolling_start, period, risk, report_type, onset)| DiagnosisKey {
                tek: Tek::from_bytes(tek),
                rolling_start: Interval::new(rolling_start),
                rolling_period: RollingPeriod::new(period).unwrap(),
                transmission_risk_level: risk,
                report_type: ReportType::from_number(report_type),
                days_since_onset: onset,
            })
            .collect();
        let revised_keys = keys.split_off(if keys.is_empty() { 0 } else { split.index(keys.len()) });
        let export = Export {
            start,
            end: start + length,
            region,
            batch_num,
            batch_size: batch_num + more,
            keys,
            revised_keys,
        };
        let signer = signer();
        let zip = write(&export, &[&signer]).unwrap();
        prop_assert_eq!(verify(&zip, &[signer.pinned_key()]).unwrap(), export);
    }
}
