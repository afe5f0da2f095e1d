//! Measuring what this device's radio is like, with a phone one metre away.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use sesshoku_dbus_api::Calibration1Proxy;
use zbus::proxy::CacheProperties;

use crate::args::{Bus, Calibrate};
use crate::bus;
use crate::calibration::{ATTENUATION_AT_ONE_METRE, Current, Report, Settings, Turn};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::text::Text;
use sesshoku_i18n::args;

/// How much longer than the measurement its answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Shows what holds, guides through the measurement, and shows or writes what to set.
pub(crate) async fn calibrate(
    bus: &Bus,
    output: &Output,
    what: &Calibrate,
) -> Result<Exit, Failure> {
    let connection = bus::connect_patiently(bus).await?;
    let proxy = Calibration1Proxy::builder(&connection)
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    let current = current(&proxy).await?;
    let text = output.text();
    output.tell(&text.calibration(&current))?;
    let mut report = match what.heard_at {
        Some(heard_at) => Report::of_being_heard(current, heard_at),
        None => {
            let expected = expected(output, what)?;
            let turns = measure(&proxy, output, what).await?;
            Report::of_phone(current, turns, expected)
        }
    };
    if let Some(settings) = report.settings.as_ref().filter(|_| what.write) {
        write(&what.file, settings)?;
        report.written = Some(what.file.display().to_string());
    }
    output.print(&report, Text::calibrated)?;
    Ok(if report.problem.is_none() {
        Exit::Done
    } else {
        Exit::Refused
    })
}

async fn current(proxy: &Calibration1Proxy<'_>) -> Result<Current, Failure> {
    Ok(Current {
        model: Some(proxy.model().await?).filter(|model| !model.is_empty()),
        tx_power: proxy.tx_power().await?,
        tx_power_source: proxy.tx_power_source().await?,
        confidence: proxy.confidence().await?,
        rssi_correction: proxy.rssi_correction().await?,
        rssi_correction_source: proxy.rssi_correction_source().await?,
    })
}

/// How strongly the phone should be heard one metre away, in dBm.
fn expected(output: &Output, what: &Calibrate) -> Result<Option<i16>, Failure> {
    if let Some(power) = what.phone_power {
        return Ok(Some(power - ATTENUATION_AT_ONE_METRE));
    }
    if what.expected.is_some() || what.yes {
        return Ok(what.expected);
    }
    require_terminal()?;
    let catalogue = output.text().catalogue();
    loop {
        let answer = output::read_line(&catalogue.text("calibrate-ask-power"))?;
        if answer.trim().is_empty() {
            return Ok(None);
        }
        match answer.trim().replace('−', "-").parse::<i16>() {
            Ok(power) if (-50..=20).contains(&power) => {
                return Ok(Some(power - ATTENUATION_AT_ONE_METRE));
            }
            Ok(_) | Err(_) => output.tell(&catalogue.text("calibrate-no-power"))?,
        }
    }
}

async fn measure(
    proxy: &Calibration1Proxy<'_>,
    output: &Output,
    what: &Calibrate,
) -> Result<Vec<Turn>, Failure> {
    let text = output.text();
    output.tell(&text.catalogue().text("calibrate-prepare"))?;
    let mut turns = Vec::new();
    for turn in 1..=what.turns {
        let where_it_lies = args! { "turn" => turn, "turns" => what.turns };
        if !what.yes {
            require_terminal()?;
            output::read_line(&text.say("calibrate-turn", &where_it_lies))?;
        }
        let seconds = args! { "seconds" => what.seconds };
        output.tell(&text.say("calibrate-listening", &seconds))?;
        // Simulated time may be slower than real time.
        let limit = ANSWER_WITHIN + 10 * Duration::from_secs(what.seconds.into());
        let measured = tokio::time::timeout(limit, proxy.measure(what.seconds));
        let measured = measured.await.map_err(|_| no_answer())??;
        let measured = Turn::of(&measured);
        output.tell(&text.turn(&measured))?;
        turns.push(measured);
    }
    Ok(turns)
}

fn no_answer() -> Failure {
    Failure::Bus(zbus::Error::from(io::Error::from(io::ErrorKind::TimedOut)))
}

fn require_terminal() -> Result<(), Failure> {
    if output::can_ask() {
        Ok(())
    } else {
        Err(Failure::NeedsFlag("--yes"))
    }
}

/// Writes `settings` into `file` beside those that are in it, as a whole or not at all.
fn write(file: &Path, settings: &Settings) -> Result<(), Failure> {
    let cannot = |source| Failure::Write(file.to_owned(), source);
    let before = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(cannot(error)),
    };
    let mut table: toml::Table = before
        .parse()
        .map_err(|error: toml::de::Error| cannot(io::Error::other(error)))?;
    let section = table
        .entry("calibration")
        .or_insert_with(|| toml::Table::new().into());
    let toml::Value::Table(section) = section else {
        return Err(cannot(io::ErrorKind::InvalidData.into()));
    };
    let added = toml::Table::try_from(settings).map_err(|error| cannot(io::Error::other(error)))?;
    section.extend(added);
    let dir = file.parent().unwrap_or(Path::new("."));
    let written = || {
        fs::create_dir_all(dir)?;
        let mut new = tempfile::NamedTempFile::new_in(dir)?;
        new.write_all(table.to_string().as_bytes())?;
        // Settings are for everybody to read.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        new.as_file().set_permissions(mode)?;
        new.as_file().sync_all()?;
        new.persist(file).map(drop).map_err(|error| error.error)
    };
    written().map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("conf.d/50-calibration.toml");
        let correction = Settings {
            rssi_correction: Some(-6),
            ..Settings::default()
        };
        write(&file, &correction).unwrap();
        let power = Settings {
            tx_power: Some(-18),
            confidence: Some(1),
            ..Settings::default()
        };
        write(&file, &power).unwrap();
        let table: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
        let expected: toml::Table =
            "[calibration]\nrssi_correction = -6\ntx_power = -18\nconfidence = 1"
                .parse()
                .unwrap();
        assert_eq!(table, expected);

        fs::write(&file, "calibration = 3").unwrap();
        assert!(matches!(write(&file, &power), Err(Failure::Write(..))));
        assert_eq!(fs::read_to_string(&file).unwrap(), "calibration = 3");
    }
}
