//! Hosting a room on a socket, for devices that are processes of their own.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::pace::Pace;
use crate::protocol::{Event, OnAir, Request};
use crate::world::{Happening, Member, World};

/// A connection's number.
type Guest = u64;

/// Hosts `world` for all who connect to `listener`, its time running at `pace`,
/// until the listener fails.
///
/// # Errors
/// Those of the listener.
pub async fn host(world: World, mut pace: Pace, listener: UnixListener) -> io::Result<()> {
    let mut room = Room {
        world,
        guests: BTreeMap::new(),
    };
    let (said, mut hears) = mpsc::unbounded_channel();
    let mut connected = 0;
    loop {
        let (now, next) = (room.world.now(), room.world.next());
        let passing = async {
            match next {
                Some(at) => pace.wait(now, at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            connection = listener.accept() => {
                connected += 1;
                room.admit(connected, connection?.0, said.clone());
            }
            Some((guest, request)) = hears.recv() => room.take(guest, request),
            () = passing => room.pass(),
        }
    }
}

struct Room {
    world: World,
    guests: BTreeMap<Guest, Connected>,
}

struct Connected {
    member: Option<Member>,
    events: mpsc::UnboundedSender<Event>,
}

impl Room {
    fn admit(
        &mut self,
        guest: Guest,
        connection: UnixStream,
        said: mpsc::UnboundedSender<(Guest, Option<Request>)>,
    ) {
        let (read, write) = connection.into_split();
        let (events, outgoing) = mpsc::unbounded_channel();
        tokio::spawn(read_all(guest, read, said));
        tokio::spawn(write_all(write, outgoing));
        let member = None;
        self.guests.insert(guest, Connected { member, events });
    }

    /// Does what a guest says; `None` is its leaving.
    fn take(&mut self, guest: Guest, request: Option<Request>) {
        let Some(connected) = self.guests.get_mut(&guest) else {
            return;
        };
        let Some(request) = request else {
            if let Some(member) = connected.member {
                self.world.leave(member);
            }
            self.guests.remove(&guest);
            return;
        };
        let answer = match (connected.member, request) {
            (None, Request::Join(name)) => match self.world.join(name.as_deref()) {
                Some(member) => {
                    connected.member = Some(member);
                    Some(Event::Welcome {
                        start: self.world.start().get(),
                        now: micros(self.world.now()),
                    })
                }
                None => Some(Event::Refused("no such device, or it is there".into())),
            },
            (None, Request::SetAdapter(name, adapter)) => {
                Some(if self.world.set_adapter(&name, adapter) {
                    Event::Done
                } else {
                    Event::Refused("no such device is there".into())
                })
            }
            (Some(member), Request::Broadcast(data)) => {
                self.world.broadcast(member, data.map(|OnAir(data)| data));
                None
            }
            (Some(member), Request::Listen(listening)) => {
                self.world.listen(member, listening);
                None
            }
            (Some(member), Request::Wait(until)) => {
                self.world.wait(member, until.map(Duration::from_micros));
                None
            }
            // One that is not waiting has its answer already.
            (Some(member), Request::Hold) => self.world.hold(member).then_some(Event::Held),
            (None, _) | (Some(_), Request::Join(_) | Request::SetAdapter(..)) => {
                Some(Event::Refused("not in this order".into()))
            }
        };
        if let Some(answer) = answer {
            let _ = connected.events.send(answer);
        }
    }

    fn pass(&mut self) {
        for (member, happening) in self.world.step() {
            let now = micros(self.world.now());
            let event = match happening {
                Happening::TimePassed => Event::Passed(now),
                Happening::Heard(adverts) => {
                    let adverts = adverts.into_iter().map(|(data, rssi)| (OnAir(data), rssi));
                    Event::Heard(now, adverts.collect())
                }
                Happening::Adapter(adapter) => Event::Adapter(adapter),
            };
            let mut guests = self.guests.values();
            if let Some(guest) = guests.find(|guest| guest.member == Some(member)) {
                let _ = guest.events.send(event);
            }
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

async fn read_all(
    guest: Guest,
    read: OwnedReadHalf,
    said: mpsc::UnboundedSender<(Guest, Option<Request>)>,
) {
    let mut lines = BufReader::new(read).lines();
    // What cannot be understood ends the connection.
    while let Ok(Some(line)) = lines.next_line().await
        && let Ok(request) = serde_json::from_str(&line)
    {
        if said.send((guest, Some(request))).is_err() {
            return;
        }
    }
    let _ = said.send((guest, None));
}

async fn write_all(mut write: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = outgoing.recv().await {
        let Ok(mut line) = serde_json::to_vec(&event) else {
            return;
        };
        line.push(b'\n');
        if write.write_all(&line).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use gaen::advert::ServiceData;
    use gaen::key::{Aem, Rpi};
    use gaen::time::UnixSeconds;

    use super::*;
    use crate::client::{Client, ClientError};

    const ROOM: &str = "
        start = 1600000000
        [[device]]
        name = 'a'
        [[device]]
        name = 'b'
        stay = [{ from_minute = 0, to_minute = 1, metres = 1.0 }]";

    fn data() -> ServiceData {
        ServiceData {
            rpi: Rpi::from_bytes([7; 16]),
            aem: Aem::from_bytes([8; 4]),
        }
    }

    #[tokio::test]
    async fn processes_hear_each_other_and_share_the_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room");
        let world = World::new(toml::from_str(ROOM).unwrap(), UnixSeconds::new(0));
        let listener = UnixListener::bind(&path).unwrap();
        let hub = tokio::spawn(host(world, Pace::new(0.0), listener));

        let mut a = Client::join(&path, Some("a")).await.unwrap();
        let mut b = Client::join(&path, Some("b")).await.unwrap();
        for name in ["a", "c"] {
            let refused = Client::join(&path, Some(name)).await;
            assert!(matches!(refused, Err(ClientError::Refused(_))), "{name}");
        }
        let mut server = Client::join(&path, None).await.unwrap();
        assert_eq!(server.start().get(), 1_600_000_000);

        b.broadcast(Some(data()));
        b.listen(true);
        a.listen(true);
        let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
        // A wait that is given up holds the time: the server waits in vain.
        tokio::select! {
            biased;
            _ = a.next(minutes(1)) => panic!("the others hold the time"),
            () = tokio::task::yield_now() => {}
        }
        tokio::select! {
            biased;
            _ = async { tokio::join!(b.next(None), server.next(minutes(1))) } => {
                panic!("a holds the time")
            }
            () = async { for _ in 0..1_000 { tokio::task::yield_now().await } } => {}
        }

        let hearing = async {
            let mut heard = 0;
            loop {
                match a.next(minutes(2)).await.unwrap() {
                    Happening::TimePassed => return heard,
                    Happening::Adapter(_) => panic!("nobody has switched anything"),
                    Happening::Heard(adverts) => {
                        assert!(adverts.iter().all(|it| *it == (data(), -70)));
                        heard += adverts.len();
                    }
                }
            }
        };
        let following = async {
            let mut times = 0;
            while server.now() < Duration::from_secs(120) {
                let until = Some(server.now() + Duration::from_secs(10));
                assert_eq!(server.next(until).await.unwrap(), Happening::TimePassed);
                times += 1;
            }
            times
        };
        let (heard, times) = tokio::select! {
            done = async { tokio::join!(hearing, following) } => done,
            _ = b.next(None) => panic!("b hears nobody and waits for nothing"),
        };
        assert!((239..=241).contains(&heard), "{heard}");
        assert_eq!(times, 12);
        assert_eq!(a.now(), server.now());

        let between = server.now() + Duration::from_nanos(1);
        tokio::select! {
            _ = async { tokio::join!(a.next(None), b.next(None)) } => panic!("nothing happens"),
            passed = server.next(Some(between)) => {
                assert_eq!(passed.unwrap(), Happening::TimePassed);
            }
        }
        assert!(server.now() >= between, "never too early");

        hub.abort();
        let _ = hub.await;
        assert!(matches!(
            a.next(None).await,
            Err(ClientError::Closed | ClientError::Io(_))
        ));
    }
}
