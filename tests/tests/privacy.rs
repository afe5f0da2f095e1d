//! docs/privacy.md has a row for every field there is: of what crosses the bus, of every
//! request to a server, of every table, and of what is sealed on the device. And every
//! program shows the texts that are in force.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, ensure};
use gaen::registration::Diagnosis;
use serde_json::Value;
use sesshoku_core::records::{AGREEMENT_VERSION, PLACE_AGREEMENT_VERSION, TERMS_VERSION};
use sesshoku_i18n as i18n;
use sesshoku_tests::local::root;

/// The headings of each table's columns.
const COLUMNS: &str = "| what | where | how long | who sees it | fields |";
/// The types of SQL that columns have.
const SQL_TYPES: &[&str] = &["BLOB", "BYTEA", "INTEGER", "BIGINT", "TEXT", "BOOLEAN"];
/// The types of D-Bus that the documented members have.
const BUS_TYPES: &[&str] = &[
    "s", "as", "t", "u", "n", "an", "b", "d", "aa{sv}", "aa(uuy)",
];
/// The records of the core that are put together from the stored ones, and not stored.
const NOT_STORED: &[&str] = &[
    "Coverage",
    "CycleHeader",
    "ExposureChanges",
    "Exposures",
    "Listened",
];

#[test]
fn every_field_has_a_row_and_every_row_a_field() -> anyhow::Result<()> {
    let mut fields = BTreeSet::new();
    for file in files("dbus-api/interfaces")? {
        fields.extend(of_interface(&read(&file)?)?);
    }
    let diagnosis: Diagnosis = serde_json::from_str(
        r#"{"keys":[{"keyData":"","rollingStartNumber":1}],"onsetOfSymptomOrTestDate":""}"#,
    )?;
    of_json("diagnosis", &serde_json::to_value(&diagnosis)?, &mut fields);
    for file in [
        "api.rs",
        "web/mod.rs",
        "web/accounts.rs",
        "web/bulk.rs",
        "web/sent.rs",
    ] {
        let source = read(&format!("server/src/management/{file}"))?;
        fields.extend(of_structs(&source, |attributes, _| {
            attributes.contains("Deserialize")
        }));
    }
    for (database, file) in [
        ("device", "daemon/src/store/schema.rs"),
        ("notification", "server/src/notification/store/sqlite.rs"),
        ("notification", "server/src/notification/store/postgres.rs"),
        ("management", "server/src/management/store/schema.rs"),
    ] {
        fields.extend(of_tables(database, &read(file)?)?);
    }
    for server in ["notification", "management"] {
        fields.extend(of_clock(server, &read("server/src/database/time.rs")?)?);
    }
    for file in files("core/src/records")? {
        let is_stored = |_: &str, name: &str| !NOT_STORED.contains(&name);
        fields.extend(of_structs(&read(&file)?, is_stored));
    }

    let documented = documented(&read("docs/privacy.md")?)?;
    let missing: Vec<_> = fields.difference(&documented).collect();
    ensure!(
        missing.is_empty(),
        "docs/privacy.md has no row: {missing:?}"
    );
    let stale: Vec<_> = documented.difference(&fields).collect();
    ensure!(stale.is_empty(), "docs/privacy.md has too much: {stale:?}");
    Ok(())
}

#[test]
fn every_kind_of_field_is_found() -> anyhow::Result<()> {
    let found = |fields: BTreeSet<String>| fields.into_iter().collect::<Vec<_>>().join(" ");
    let interface = "
      <interface name=\"org.sesshoku.A1\">
        <!--
          Get:
          @it: no field

            score   d     a figure
            a word in a sentence
        -->
        <method name=\"Get\">
          <arg name=\"day\" type=\"s\" direction=\"in\"/>
          <arg name=\"it\" type=\"a{sv}\" direction=\"out\"/>
        </method>
        <!--
          none    no field, but a value
        -->
        <property name=\"State\" type=\"s\" access=\"read\"/>
        <!--
          heard   how many
        -->
        <property name=\"Counts\" type=\"a{st}\" access=\"read\"/>
        <signal name=\"Changed\"/>";
    assert_eq!(
        found(of_interface(interface)?),
        "A1.Changed A1.Counts A1.State A1.day A1.heard A1.score"
    );

    let tables = "
      CREATE TABLE a (
          id   INTEGER PRIMARY KEY,
          x BYTEA,
          PRIMARY KEY (id)
      ) STRICT;
      CREATE TABLE gone (
          y TEXT
      );
      ALTER TABLE a ADD COLUMN z BIGINT;
      DROP TABLE gone;";
    assert_eq!(found(of_tables("d", tables)?), "d.a.id d.a.x d.a.z");
    assert!(of_tables("d", "CREATE TABLE a (x TEXT);").is_err());

    let structs = "
/// A comment.
#[derive(Deserialize)]
pub(super) struct A {
    /// A comment.
    #[serde(default)]
    pub(super) x: u8,
    y: Vec<u8>,
}

struct B {
    z: u8,
}";
    let sent = |attributes: &str, _: &str| attributes.contains("Deserialize");
    assert_eq!(found(of_structs(structs, sent)), "A.x A.y");
    assert_eq!(found(of_structs(structs, |_, name| name == "B")), "B.z");

    let table = format!("{COLUMNS}\n|---|---|---|---|---|\n| a `b` | c | d | e | `f.g` `h.i` |\n");
    assert_eq!(found(documented(&table)?), "f.g h.i");
    assert!(documented(&format!("{table}| a | b | c | `d.e` |\n")).is_err());
    assert!(documented(&format!("{table}| a | b | c | d | `f.g` |\n")).is_err());
    Ok(())
}

#[test]
fn every_program_has_the_texts_in_force() -> anyhow::Result<()> {
    assert_eq!(i18n::TERMS_VERSION, TERMS_VERSION);
    assert_eq!(i18n::REGISTRATION_VERSION, AGREEMENT_VERSION);
    assert_eq!(i18n::PLACE_VERSION, PLACE_AGREEMENT_VERSION);
    for (file, line) in [
        (
            "gui/src/lib/i18n.svelte.ts",
            format!("export const TERMS_VERSION = \"{TERMS_VERSION}\";"),
        ),
        (
            "gui/src/lib/i18n.svelte.ts",
            format!("export const REGISTRATION_VERSION = \"{AGREEMENT_VERSION}\";"),
        ),
        (
            "packaging/kiosk/50-kiosk.toml",
            format!("#agreed_terms = \"{TERMS_VERSION}\""),
        ),
        (
            "docs/kiosk.md",
            format!("agreed_terms = \"{TERMS_VERSION}\""),
        ),
    ] {
        let text = read(file)?;
        ensure!(text.lines().any(|it| it.trim() == line), "{file}: {line}");
    }
    for language in i18n::Language::ALL {
        for document in files(&format!("i18n/{}/documents", language.tag()))? {
            let ending = format!("-{TERMS_VERSION}.md");
            ensure!(document.ends_with(&ending), "{document}");
        }
    }
    Ok(())
}

fn read(file: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(file)).with_context(|| file.to_owned())
}

/// The files of a folder, as [`read`] takes them.
fn files(folder: &str) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).with_context(|| folder.to_owned())? {
        files.push(format!("{folder}/{}", entry?.file_name().to_string_lossy()));
    }
    ensure!(!files.is_empty(), "{folder} is empty");
    Ok(files)
}

/// What the tables of docs/privacy.md name.
fn documented(text: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut fields = BTreeSet::new();
    let is_row = |line: &&str| line.starts_with('|') && !line.starts_with("|-");
    for row in text.lines().filter(is_row).filter(|row| *row != COLUMNS) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        ensure!(cells.len() == 5 && !cells[0].is_empty(), "{row}");
        ensure!(!cells[1].is_empty() && !cells[3].is_empty(), "{row}");
        for field in cells[4].split('`').skip(1).step_by(2) {
            ensure!(fields.insert(field.to_owned()), "{field} has two rows");
        }
    }
    Ok(fields)
}

/// Properties, signals, arguments, and the documented members of what has some.
fn of_interface(xml: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut fields = BTreeSet::new();
    let mut interface = None;
    // Lines of the last comment that name something, if it is a dictionary of numbers.
    let mut names = Vec::new();
    for line in xml.lines().map(str::trim) {
        let attribute = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}=\""))?;
            rest.split('"').next()
        };
        if line.starts_with("<!--") {
            names.clear();
        } else if line.starts_with("<interface ") {
            let name = attribute("name").and_then(|name| name.rsplit('.').next());
            interface = name.map(str::to_owned);
        } else if let Some(interface) = &interface {
            let mut add = |name: &str| fields.insert(format!("{interface}.{name}"));
            let kind = attribute("type").unwrap_or_default();
            if line.starts_with('<') {
                let is_method = line.starts_with("<method ") || line.starts_with("<annotation ");
                let is_whole = line.starts_with("<arg ") && kind.contains('{');
                if let Some(name) = attribute("name").filter(|_| !is_method && !is_whole) {
                    add(name);
                }
                if kind == "a{st}" {
                    names.drain(..).for_each(|name: String| {
                        add(&name);
                    });
                }
            } else if let Some((name, rest)) = line.split_once("  ") {
                let is_name = name
                    .chars()
                    .all(|it| it.is_ascii_lowercase() || "_-".contains(it));
                let kind = rest.trim_start().split("  ").next().unwrap_or_default();
                if is_name && BUS_TYPES.contains(&kind) {
                    add(name);
                } else if is_name {
                    names.push(name.to_owned());
                }
            }
        }
    }
    ensure!(!fields.is_empty(), "no interface: {xml}");
    Ok(fields)
}

/// The names of a JSON object, and of the objects in it.
fn of_json(prefix: &str, value: &Value, fields: &mut BTreeSet<String>) {
    if let Some(object) = value.as_object() {
        for (name, value) in object {
            let name = format!("{prefix}.{name}");
            of_json(&name, value, fields);
            fields.insert(name);
        }
    }
    for value in value.as_array().into_iter().flatten() {
        of_json(prefix, value, fields);
    }
}

/// The named fields of the structs that `counts` by their attributes and name.
fn of_structs(source: &str, counts: impl Fn(&str, &str) -> bool) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let mut attributes = String::new();
    let mut current = None;
    for line in source.lines() {
        if line.starts_with("#[") {
            attributes.push_str(line);
        } else if let Some(name) = declared(line, "struct ").and_then(|it| it.strip_suffix(" {")) {
            current = counts(&attributes, name).then(|| name.to_owned());
            attributes.clear();
        } else if line.starts_with('}') {
            current = None;
        } else if let (Some(name), Some(field)) = (&current, line.strip_prefix("    ")) {
            let field = declared(field, "").and_then(|field| field.split_once(": "));
            if let Some((field, _)) = field.filter(|(field, _)| is_word(field)) {
                fields.insert(format!("{name}.{field}"));
            }
        } else if !line.starts_with("//") {
            attributes.clear();
        }
    }
    fields
}

/// What follows `word`, however visible it is.
fn declared<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let line = ["pub ", "pub(super) ", "pub(crate) "]
        .iter()
        .find_map(|visible| line.strip_prefix(visible))
        .unwrap_or(line);
    line.strip_prefix(word)
}

fn is_word(text: &str) -> bool {
    let is_part = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    !text.is_empty() && text.chars().all(is_part)
}

/// The columns of the tables that migrations make, but for those they drop.
fn of_tables(database: &str, source: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut fields = BTreeSet::new();
    let mut table = None;
    for line in source.lines().map(str::trim) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["CREATE", "TABLE", name, "("] => table = Some(name),
            ["ALTER", "TABLE", name, "ADD", "COLUMN", column, ..] => {
                fields.insert(format!("{database}.{name}.{column}"));
            }
            ["DROP", "TABLE", name] => {
                let dropped = format!("{database}.{}.", name.trim_end_matches(';'));
                fields.retain(|field| !field.starts_with(&dropped));
            }
            [column, kind, ..] if SQL_TYPES.contains(&kind.trim_end_matches(',')) => {
                let table = table.with_context(|| format!("of which table: {line}"))?;
                fields.insert(format!("{database}.{table}.{column}"));
            }
            _ if line.starts_with(')') => table = None,
            _ => ensure!(!line.contains("CREATE TABLE"), "cannot read: {line}"),
        }
    }
    ensure!(!fields.is_empty(), "no table of {database}");
    Ok(fields)
}

/// The columns of the table that both servers have from one macro.
fn of_clock(server: &str, source: &str) -> anyhow::Result<BTreeSet<String>> {
    let columns = source.lines().zip(source.lines().skip(1));
    let fields: BTreeSet<_> = columns
        .filter(|(_, next)| next.trim() == "$integer,")
        .filter_map(|(line, _)| line.trim().strip_suffix(" \",")?.rsplit([' ', '(']).next())
        .map(|column| format!("{server}.clock.{column}"))
        .collect();
    ensure!(!fields.is_empty(), "no clock");
    Ok(fields)
}
