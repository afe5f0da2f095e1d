//! Several daemons in one simulated room: real programs with a time of their own.

use std::collections::BTreeMap;

use anyhow::ensure;
use gaen::key::Rpi;
use gaen::time::UnixSeconds;
use sesshoku_tests::local::{Place, wait_for};
use sesshoku_tests::room::{OPENING, Room, SHOP};
use sesshokud::store::{DeviceKey, Store};

/// The signal strengths at which each identifier was heard.
fn heard(place: &Place) -> anyhow::Result<BTreeMap<Rpi, Vec<i8>>> {
    let dir = place.state_dir();
    let store = Store::open(&dir, &DeviceKey::load(&dir, None)?)?;
    let mut heard: BTreeMap<Rpi, Vec<i8>> = BTreeMap::new();
    store
        .reader()?
        .for_each_sighting(UnixSeconds::new(0), &mut |sighting| {
            heard.entry(sighting.rpi).or_default().push(sighting.rssi);
        })?;
    Ok(heard)
}

#[test]
fn daemons_in_a_room_hear_each_other_by_their_distance() -> anyhow::Result<()> {
    let room = Room::open(SHOP, 1_200.0)?;
    let devices = ["positive", "near", "far"]
        .into_iter()
        .map(|name| room.enter(name, ""))
        .collect::<anyhow::Result<Vec<_>>>()?;
    devices[0].wait_until(OPENING + 45 * 60)?;
    let mut strengths = Vec::new();
    for device in devices {
        let heard = heard(&device.end()?)?;
        // An identifier lasts 10 to 20 minutes, and who is near is heard as one is.
        ensure!(
            heard
                .values()
                .all(|rssi| rssi.iter().all(|it| *it == rssi[0])),
            "{heard:?}"
        );
        let mut of_each: Vec<i8> = heard.values().map(|rssi| rssi[0]).collect();
        of_each.sort_unstable();
        of_each.dedup();
        strengths.push(of_each);
    }
    // −20 dBm less the attenuation at 0.8, 25 and 25.8 metres.
    assert_eq!(strengths, [[-119, -68], [-120, -68], [-120, -119]]);
    Ok(())
}

#[test]
fn a_device_whose_room_is_gone_says_so() -> anyhow::Result<()> {
    let room = Room::open(
        SHOP.split("[[device]]")
            .take(2)
            .collect::<Vec<_>>()
            .join("[[device]]")
            .as_str(),
        60.0,
    )?;
    let device = room.enter("positive", "")?;
    room.close()?;
    wait_for("the device to notice", || {
        let status = device.place.json(&["status"])?;
        Ok((status["reason"] == "adapter-absent").then_some(()))
    })?;
    device.end()?;
    Ok(())
}
