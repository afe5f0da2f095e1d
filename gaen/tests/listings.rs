//! Signed listings through the front door, and every way to be refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use gaen::export::{Export, ExportError, PinnedKey, Signer, open, write};
use gaen::listing::{EntryError, HEADER, Limits, Listing, ListingEntry, ListingError};
use gaen::time::UnixSeconds;
use proptest::prelude::*;
use prost::Message;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

fn signer(version: &str, seed: u64) -> Signer {
    Signer::generate("440", version, &mut ChaCha20Rng::seed_from_u64(seed))
}

fn entry(number: u8) -> ListingEntry {
    ListingEntry {
        url: format!("https://cdn.example/c19r/440/{number}.zip"),
        sha256: [number; 32],
        start: 1_597_449_600,
        end: 1_597_536_000,
        batch_num: 1,
        batch_size: 1,
        created: 1_597_536_000_000,
    }
}

fn listing() -> Listing {
    Listing {
        region: "440".to_owned(),
        sequence: 7,
        made: UnixSeconds::new(1_597_536_100),
        entries: (1..=3).map(entry).collect(),
    }
}

fn read(file: &[u8], pinned: &[PinnedKey]) -> Result<Listing, ListingError> {
    Listing::open(file, pinned, &Limits::default())
}

/// The outer message, to take it apart.
#[derive(Clone, PartialEq, Message)]
struct Signed {
    #[prost(bytes = "vec", tag = "1")]
    listing: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    signatures: Vec<u8>,
}

#[test]
fn a_signed_listing_says_what_was_signed() {
    let (old, new) = (signer("v1", 1), signer("v2", 2));
    for listing in [
        listing(),
        Listing {
            entries: Vec::new(),
            ..listing()
        },
    ] {
        let file = listing.sign(&[&old, &new]);
        for pinned in [old.pinned_key(), new.pinned_key()] {
            assert_eq!(read(&file, &[pinned]).unwrap(), listing);
        }
    }
}

/// Not all is signed: what a signature says of itself beside the key's name, and which
/// fields are there to be skipped, may change.
#[test]
fn no_flipped_bit_changes_what_a_listing_says() {
    let signer = signer("v1", 1);
    let pinned = [signer.pinned_key()];
    let file = listing().sign(&[&signer]);
    let mut flipped = file.clone();
    for index in 0..file.len() {
        for bit in 0..8 {
            flipped[index] ^= 1 << bit;
            if let Ok(read) = read(&flipped, &pinned) {
                assert_eq!(read, listing(), "byte {index}, bit {bit}");
            }
            flipped[index] ^= 1 << bit;
        }
        assert!(read(&file[..index], &pinned).is_err(), "cut at {index}");
    }
}

#[test]
fn who_signs_a_listing_follows_the_rules_of_exports() {
    let (known, other) = (signer("v1", 1), signer("v1", 2));
    let pinned = [known.pinned_key()];
    let file = listing().sign(&[&other]);
    assert!(matches!(
        read(&file, &pinned),
        Err(ListingError::Signature { key }) if key == "440-v1"
    ));
    let file = listing().sign(&[&signer("v9", 1)]);
    assert!(matches!(
        read(&file, &pinned),
        Err(ListingError::UnknownKey { names }) if names == ["440-v9"]
    ));
    assert!(matches!(
        read(&listing().sign(&[]), &pinned),
        Err(ListingError::Unsigned)
    ));
    let signed = Signed::decode(listing().sign(&[&known]).as_slice()).unwrap();
    let oid = b"1.2.840.10045.4.3.2";
    let at = signed
        .signatures
        .windows(oid.len())
        .position(|it| it == oid)
        .unwrap();
    let mut other_algorithm = signed.clone();
    other_algorithm.signatures[at + oid.len() - 1] = b'3';
    assert!(matches!(
        read(&other_algorithm.encode_to_vec(), &pinned),
        Err(ListingError::Algorithm { key }) if key == "440-v1"
    ));
    let garbage = Signed {
        signatures: vec![0xff; 3],
        ..signed
    };
    assert!(matches!(
        read(&garbage.encode_to_vec(), &pinned),
        Err(ListingError::SignatureMessage(_))
    ));
}

/// The same key signs both; neither may be taken for the other.
#[test]
fn an_exports_signature_is_none_of_a_listing_nor_the_reverse() {
    let signer = signer("v1", 1);
    let pinned = [signer.pinned_key()];
    let export = Export {
        start: 1,
        end: 2,
        region: "440".to_owned(),
        batch_num: 1,
        batch_size: 1,
        keys: Vec::new(),
        revised_keys: Vec::new(),
    };
    let zip = write(&export, &[&signer]).unwrap();
    let (bin, sig) = unzip(&zip);
    let as_listing = Signed {
        listing: bin,
        signatures: sig,
    };
    assert!(matches!(
        read(&as_listing.encode_to_vec(), &pinned),
        Err(ListingError::Header)
    ));

    let signed = Signed::decode(listing().sign(&[&signer]).as_slice()).unwrap();
    assert!(signed.listing.starts_with(&HEADER));
    let as_export = zip_of(&signed.listing, &signed.signatures);
    let refused = open(&as_export, &gaen::export::Limits::default())
        .unwrap()
        .verify(&pinned);
    assert!(matches!(refused, Err(ExportError::Header)), "{refused:?}");
}

#[test]
fn a_listing_is_bounded_before_it_is_read() {
    let signer = signer("v1", 1);
    let pinned = [signer.pinned_key()];
    let file = listing().sign(&[&signer]);
    let open = |limits: Limits| Listing::open(&file, &pinned, &limits);
    let exact = Limits {
        file: file.len(),
        entries: 3,
    };
    assert!(open(exact).is_ok());
    let short = Limits {
        file: file.len() - 1,
        ..exact
    };
    assert!(matches!(open(short), Err(ListingError::TooLong { .. })));
    let few = Limits {
        entries: 2,
        ..exact
    };
    assert!(matches!(
        open(few),
        Err(ListingError::TooManyEntries { limit: 2 })
    ));
}

#[test]
fn what_is_signed_must_make_sense_all_the_same() {
    let signer = signer("v1", 1);
    let pinned = [signer.pinned_key()];
    let refusal = |listing: Listing| read(&listing.sign(&[&signer]), &pinned).unwrap_err();
    assert!(matches!(
        refusal(Listing {
            sequence: 0,
            ..listing()
        }),
        ListingError::Sequence
    ));
    assert!(matches!(
        refusal(Listing {
            made: UnixSeconds::new(0),
            ..listing()
        }),
        ListingError::Made
    ));
    type Change = fn(&mut ListingEntry);
    let cases: [(Change, EntryError); 7] = [
        (|entry| entry.url.clear(), EntryError::Url),
        (
            |entry| entry.url = self::entry(1).url,
            EntryError::Duplicate,
        ),
        (|entry| entry.start = entry.end + 1, EntryError::Period),
        (
            |entry| (entry.start, entry.end) = (0, 0),
            EntryError::Period,
        ),
        (|entry| entry.batch_num = 0, EntryError::BatchNumber),
        (|entry| entry.batch_num = 2, EntryError::BatchNumber),
        (|entry| entry.batch_size = 0, EntryError::BatchNumber),
    ];
    for (change, expected) in cases {
        let mut changed = listing();
        change(&mut changed.entries[2]);
        let refused = refusal(changed);
        assert!(
            matches!(&refused, ListingError::Entry { index: 2, source } if *source == expected),
            "{refused}"
        );
    }
}

proptest! {
    #[test]
    fn any_listing_comes_back(
        region in "[0-9a-z-]{1,8}",
        sequence in 1..=u64::MAX,
        made in 1..=u32::MAX,
        entries in proptest::collection::btree_map("[ -~]{1,40}", any::<([u8; 32], u32, u32, u64)>(), 0..20),
    ) {
        let signer = signer("v1", 1);
        let listing = Listing {
            region,
            sequence,
            made: UnixSeconds::new(made),
            entries: entries
                .into_iter()
                .map(|(url, (sha256, start, length, created))| ListingEntry {
                    url,
                    sha256,
                    start: start.into(),
                    end: u64::from(start) + u64::from(length) + 1,
                    batch_num: 1 + length % 3,
                    batch_size: 3,
                    created,
                })
                .collect(),
        };
        let file = listing.sign(&[&signer]);
        prop_assert_eq!(read(&file, &[signer.pinned_key()]).unwrap(), listing);
    }

    /// Also bytes that are signed: whoever has the key may still be mistaken.
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
    ) {
        let signer = signer("v1", 1);
        let pinned = [signer.pinned_key()];
        let _ = read(&bytes, &pinned);
        let mut file = listing().sign(&[&signer]);
        let from = at.index(file.len());
        for (byte, new) in file[from..].iter_mut().zip(&bytes) {
            *byte = *new;
        }
        let _ = read(&file, &pinned);
    }
}

fn unzip(zip: &[u8]) -> (Vec<u8>, Vec<u8>) {
    use std::io::Read;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut file = |name| {
        let mut bytes = Vec::new();
        archive
            .by_name(name)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    };
    (file("export.bin"), file("export.sig"))
}

fn zip_of(bin: &[u8], sig: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("export.bin", bin), ("export.sig", sig)] {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
