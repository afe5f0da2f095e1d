# The state of recording and why. Keys are the D-Bus names of RunState, RunReason, ConsentState and OverwriteDoubt.

state-no-consent = stopped (not agreed to)
state-running = recording
state-degraded = partly working
state-stopped = not recording

reason-ready = Sending and receiving both work.
reason-starting = It has just started and is getting ready.
reason-consent-missing = Nothing is sent, received or recorded until you agree to the terms of use and the privacy policy.
    .advice = To begin, run: sesshoku agree
reason-consent-outdated = The terms of use have changed. Nothing is sent, received or recorded until you agree to the new version.
    .advice = To read what changed, run: sesshoku agree
reason-adapter-absent = No Bluetooth adapter was found.
    .advice = Check that the adapter is plugged in and the bluetooth service is running.
reason-adapter-incapable = This Bluetooth adapter cannot be used: it does not have Bluetooth Low Energy.
    .advice = An adapter with Bluetooth 4.0 or newer is needed.
reason-adapter-off = Bluetooth is switched off.
    .advice = Switch Bluetooth on. Nothing is recorded while it is off.
reason-adapter-blocked = Bluetooth is blocked.
    .advice = Check airplane mode and the device's kill switch.
reason-privacy-discoverable = Sending is paused because this device is discoverable: its fixed address would be visible to everyone nearby.
    .advice = Close the Bluetooth settings, or turn discoverable mode off.
reason-privacy-connectable = Sending is paused because this device is accepting connections: its fixed address would be visible to everyone nearby.
    .advice = Stop the other program that is accepting connections.
reason-privacy-exposed = Sending is paused because this device's fixed address may be visible to everyone nearby: its adapter keeps showing it after it was discoverable or accepting connections.
    .advice = Switch Bluetooth off and on again: only that ends it. To do so, run: sesshoku restart-bluetooth
reason-privacy-resolvable = Sending is paused because Bluetooth uses addresses that your paired devices recognise, and that change later than your codes: this device could be recognised.
    .advice = Remove the line Privacy from /etc/bluetooth/main.conf, and restart the bluetooth service.
reason-adapter-searching = Sending is paused because another program is searching for Bluetooth devices without a pause, and until it stops, this adapter cannot change its address.
    .advice = Close the Bluetooth settings, or any other program that is searching. Sending resumes within a minute after that.
reason-broadcast-failed = The Bluetooth adapter is not sending.
    .advice = Switch Bluetooth off and on again. To do so, run: sesshoku restart-bluetooth
reason-scan-failed = The Bluetooth adapter is not receiving.
    .advice = Switch Bluetooth off and on again. To do so, run: sesshoku restart-bluetooth
reason-storage-failed = Received codes cannot be stored.
    .advice = Check that there is free space on the disk.
reason-clock-not-set = The clock is wrong, so the codes would be wrong as well.
    .advice = Set the date and time.
reason-key-lost = The key that opens the records (the device key) is missing, so they cannot be read. Nothing runs until the key is back, or you start again.
    .advice = To start with empty records, run: sesshoku agree (on a kiosk: sesshoku erase). If the key may still be somewhere, bring it back first.
reason-log-ended = The recorded log has been played to its end.

consent-none = not agreed
consent-agreed = agreed
consent-outdated = agreed to an earlier version (the terms have changed)

doubt-copy-on-write = What was deleted may still be on the disk: the state folder is on btrfs, which keeps old copies of what is overwritten.
    .advice = The administrator can stop the daemon, copy wrapping.key in that folder into an empty file that chattr +C was run on, and put the copy in its place.
doubt-journal = What was deleted may still be on the disk: the file system of the state folder writes everything to its journal first.
    .advice = The administrator can mount it without data=journal.
doubt-file-system = What was deleted may still be on the disk: the file system of the state folder does not overwrite in place, or it is not known whether it does.
    .advice = The administrator can move the state folder to ext4 or XFS.

# A name from a newer daemon that this version does not know.
name-unknown = unknown ({ $name })
