//! Every scene of the page, played by its mock in the real window, as a screen reader has it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use serde::Deserialize;
use sesshoku_tests::local::{Place, root, wait_up_to};

use crate::driver::{Display, Window};
use crate::reader::{Object, Reader};

/// The languages that are played. Each takes minutes here; the others are played in Chromium alone.
const LANGUAGES: [&str; 2] = ["ja", "en"];
/// How long what is painted may be missing from what is read.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Every text that is painted, in order. What a dialog covers is not to be read.
const PAINTED: &str = "
    const texts = [];
    let last = null;
    const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    while (all.nextNode()) {
        const node = all.currentNode;
        if (node.nodeType === Node.ELEMENT_NODE) {
            if (node.tagName === 'SELECT') texts.push(node.selectedOptions[0].text);
            if (node.tagName === 'INPUT' && node.type === 'text') texts.push(node.value);
            continue;
        }
        const parent = node.parentElement;
        const range = document.createRange();
        range.selectNodeContents(node);
        if (range.getClientRects().length === 0 || parent.closest('[inert], .visually-hidden')) continue;
        if (parent === last) texts.push(texts.pop() + node.data);
        else texts.push(node.data);
        last = parent;
    }
    return texts;";

#[derive(Debug, Deserialize)]
struct Scene {
    name: String,
    query: String,
    presses: Vec<String>,
}

/// The page with its mock as one script, and its scenes.
fn build() -> anyhow::Result<(String, Vec<Scene>)> {
    let dir = tempfile::tempdir()?;
    let built = Command::new("node")
        .arg(root().join("gui/scripts/in-window.mjs"))
        .arg(dir.path())
        .args(LANGUAGES)
        .stdin(Stdio::null())
        .output()?;
    ensure!(built.status.success(), "{built:?}");
    let page = fs::read_to_string(dir.path().join("page.js"))?;
    let scenes = fs::read_to_string(dir.path().join("scenes.json"))?;
    Ok((page, serde_json::from_str(&scenes)?))
}

/// Shows a scene instead of whatever the window shows.
fn play(window: &Window, scene: &Scene, lang: &str) -> anyhow::Result<()> {
    window.run(&format!(
        "const app = document.createElement('div');
         app.id = 'app';
         document.getElementById('app').replaceWith(app);
         history.replaceState(null, '', '?{}&lang={lang}');
         window.play();",
        scene.query
    ))?;
    for press in &scene.presses {
        match press.strip_prefix('#').and_then(|it| it.split_once('=')) {
            Some(("number", text)) => window.type_into("number", text)?,
            Some((list, value)) => window.choose(list, value)?,
            None => window.press(press)?,
        }
    }
    window.wait_until(
        "return document.querySelector('h1') !== null && document.querySelector('.empty[role=status]') === null",
        true,
    )
}

/// Without space and marks of where a line may break.
fn bare(text: &str) -> String {
    let is_mark = |it: char| it.is_whitespace() || it == '\u{200b}' || it == '\u{fffc}';
    text.chars().filter(|it| !is_mark(*it)).collect()
}

/// What of `painted` is not in `page`, in that order, and what can be reached but is nothing.
fn faults(page: &Object, painted: &[String]) -> Vec<String> {
    let all = bare(&page.read());
    let mut rest = all.as_str();
    let mut faults = Vec::new();
    for text in painted.iter().map(|it| bare(it)) {
        match rest.find(&text) {
            Some(at) => rest = &rest[at + text.len()..],
            None => faults.push(format!("not there: {text}")),
        }
    }
    faults.extend(
        page.nameless()
            .into_iter()
            .map(|it| format!("is nothing: {it}")),
    );
    faults
}

#[test]
fn a_screen_reader_has_every_text_that_is_painted() -> anyhow::Result<()> {
    let (page, scenes) = build()?;
    let place = Place::new()?;
    let display = Display::start()?;
    let reader = Reader::start(&display, &place)?;
    let window = Window::open_to_reader(&display, &place, "C.UTF-8")?;
    window.wait_for_state("away")?;
    window.run(&format!("window.play = () => {{ {page} }};"))?;
    let mut all = Vec::new();
    for lang in LANGUAGES {
        for scene in &scenes {
            play(&window, scene, lang)?;
            let painted: Vec<String> = serde_json::from_value(window.run(PAINTED)?)?;
            ensure!(painted.len() > 1, "{} is empty", scene.name);
            let mut found = Vec::new();
            // An object may go while it is read.
            let read = wait_up_to(READ_WITHIN, "the texts", || {
                found = match reader.page() {
                    Ok(page) => faults(&page, &painted),
                    Err(error) => vec![format!("{error:#}")],
                };
                Ok(found.is_empty().then_some(()))
            });
            if read.is_err() {
                all.push(format!("{} in {lang}: {found:#?}", scene.name));
            }
        }
    }
    ensure!(all.is_empty(), "{}", all.join("\n"));
    window.close()
}
