//! Compiles the built page in. It is built by `npm run build` in `gui/`.

use std::path::Path;

/// What the page may call; each is allowed by name in `capabilities/`.
const COMMANDS: &[&str] = &[
    "status",
    "agree",
    "withdraw",
    "check",
    "exposure",
    "register",
    "retry",
    "forget",
    "start_service",
    "turn_bluetooth_on",
    "restart_bluetooth",
    "hide_bluetooth",
    "export",
    "exported",
    "delete_exported",
    "guidance",
    "environment",
    "choose",
    "wanted_page",
    "linked_number",
    "close",
];

fn main() {
    println!("cargo:rerun-if-changed=../dist");
    assert!(
        Path::new("../dist/index.html").exists(),
        "the page is not built: run `make gui`, or in gui/: npm ci && npm run build"
    );
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))
        .expect("tauri.conf.json and capabilities/ are in order");
}
