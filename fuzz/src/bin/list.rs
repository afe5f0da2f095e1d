//! The server's lists of exports: `list.json`, and the signed one.
#![no_main]

use std::sync::LazyLock;

use gaen::export::write;
use gaen::listing::{Limits, Listing, ListingEntry};
use gaen::time::UnixSeconds;
use libfuzzer_sys::fuzz_target;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey;
use sesshokud::sync::list::{Rules, from_signed, parse};
use url::Url;

const URL: &str = "https://cdn.example/c19r/440/list.json";

fn rules() -> Rules {
    Rules {
        other_hosts: false,
        insecure_http: false,
        max_entries: 100,
    }
}

fn listing() -> Listing {
    let entry = |name: &str| ListingEntry {
        url: format!("https://cdn.example/c19r/440/{name}.zip"),
        sha256: [1; 32],
        start: 1_597_536_000,
        end: 1_597_622_400,
        batch_num: 1,
        batch_size: 1,
        created: 1_597_622_400_000,
    };
    Listing {
        region: "440".to_owned(),
        sequence: 3,
        made: UnixSeconds::new(1_597_622_400),
        entries: vec![entry("1"), entry("2")],
    }
}

/// A field of a message of Protocol Buffers that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).expect("seven bits"));
    field.extend(bytes);
    field
}

/// `listing`, whatever it is, signed as a listing is.
fn signed(listing: &[u8]) -> Vec<u8> {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
        let pem = fuzz::signer().private_key_pem().expect("a key");
        SigningKey::from_pkcs8_pem(&pem).expect("a key")
    });
    let signature: Signature = KEY.sign(listing);
    let info = [
        field(3, b"v1"),
        field(4, b"440"),
        field(5, b"1.2.840.10045.4.3.2"),
    ]
    .concat();
    let batch = vec![0x10, 1, 0x18, 1];
    let signature = field(4, signature.to_der().as_bytes());
    let signature = [field(1, &info), batch, signature].concat();
    [field(1, listing), field(2, &field(1, &signature))].concat()
}

fn open(file: &[u8]) -> Option<Listing> {
    let limits = Limits {
        file: 65_536,
        entries: 100,
    };
    Listing::open(file, fuzz::pinned(), &limits).ok()
}

fuzz_target!(
    init: {
        let json = br#"[{"region":"440","url":"https://cdn.example/c19r/440/1.zip","created":1}]"#;
        let url = Url::parse(URL).expect("a URL");
        assert_eq!(parse(json, &url, "440", rules()).expect("a list").entries.len(), 1);
        let file = listing().sign(&[fuzz::signer()]);
        assert!(open(&file).is_some());
        let at = file.windows(16).position(|it| it == gaen::listing::HEADER).expect("there");
        let length = file[1..at].iter().rev();
        let length = length.fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        let alone = &file[at..at + length];
        assert!(open(&signed(alone)).is_some());
        // The first byte says which it is: of the last the listing alone, which is then
        // signed. Who has the key is not to be trusted with the device.
        let zip = write(&fuzz::export(), &[fuzz::signer()]).expect("an export");
        fuzz::plant("list", [
            [&[0], &json[..]].concat(),
            [&[1], &file[..]].concat(),
            [&[2], alone].concat(),
            [&[1], &zip[..]].concat(),
        ]);
    },
    |data: &[u8]| {
        let Some((which, data)) = data.split_first() else {
            return;
        };
        let url = Url::parse(URL).expect("a URL");
        let listing = match which % 3 {
            0 => {
                if let Ok(list) = parse(data, &url, "440", rules()) {
                    assert!(list.entries.len() + list.forbidden.len() <= 100);
                    for entry in &list.entries {
                        assert_eq!(entry.url.origin(), url.origin());
                    }
                }
                return;
            }
            1 => open(data),
            _ => open(&signed(data)),
        };
        if let Some(listing) = listing {
            let list = from_signed(&listing, &url, rules());
            assert!(list.entries.len() <= listing.entries.len());
            assert_eq!(open(&listing.sign(&[fuzz::signer()])), Some(listing));
        }
    }
);
