# What `sesshoku doctor` says: a title and a sentence for each part that a warning depends on.

doctor-line = { $mark } { $check }: { $finding }
doctor-all-well = All is well.
doctor-notes = { $notes ->
    [one] Nothing is wrong. One thing is worth knowing.
   *[other] Nothing is wrong. { $notes } things are worth knowing.
}
doctor-faults = { $faults ->
    [one] One thing is wrong: warnings may fail.
   *[other] { $faults } things are wrong: warnings may fail.
}

doctor-service = Service
doctor-service-ok = sesshokud { $detail } is running.
doctor-service-away = It is not running: nothing is recorded.
    .advice = To start it now and with the device, run: sudo systemctl enable --now sesshoku
doctor-service-silent = It does not answer ({ $detail }).
    .advice = To restart it, run: sudo systemctl restart sesshoku
doctor-service-no-bus = The system bus cannot be reached.
    .advice = Check that dbus is installed and running.

doctor-policy = Bus policy
doctor-policy-ok = Programs can reach the service.
doctor-policy-refused = The system bus refuses calls of { $detail }.
    .advice = Install the package again: org.sesshoku.Tracing1.conf in /usr/share/dbus-1/system.d is missing or old.

doctor-agreement = Agreement
doctor-agreement-ok = The terms in force are agreed to.
doctor-recording = Recording
doctor-recording-simulated = Simulated ({ $detail }): no real contact is recorded.

doctor-listening = Receiving
doctor-listening-ok = Last received { $time }.
doctor-listening-old = Last received { $time }: too long ago.
    .advice = If the reason above does not explain it, restart Bluetooth: sesshoku restart-bluetooth
doctor-listening-never = Nothing received yet since the service started.

doctor-check = Check
    .advice = Connect to the internet. To check now, run: sesshoku check
doctor-check-ok = Last completed { $time }.
doctor-check-old = Last completed { $time }: more than a day ago.
doctor-check-never = No check was made yet.

doctor-deleting = Deleting
doctor-deleting-ok = What is deleted is gone from the disk.

doctor-permission = Permission
doctor-permission-ok = You may see the result.
doctor-permission-denied = You have to authenticate to see the result.
    .advice = The person at this device may see it without; over SSH and from services, an administrator's password is asked for.

doctor-bluetooth = bluetoothd
doctor-bluetooth-ok = Version { $detail } is running.
doctor-bluetooth-unknown = It is running.
doctor-bluetooth-away = It is not running.
    .advice = To start it, run: sudo systemctl enable --now bluetooth

doctor-adapter = Adapter
doctor-adapter-ok = Bluetooth Low Energy, with advertisement monitors.
doctor-adapter-plain = Bluetooth Low Energy, without advertisement monitors: distances are less exact.
    .advice = Where bluetoothd runs with --experimental, each device nearby is measured more often.

doctor-clock = Clock
doctor-clock-ok = It is kept in time.
doctor-clock-alone = Nothing keeps it in time.
    .advice = To have it kept, run: sudo timedatectl set-ntp true
doctor-clock-unknown = Nobody can say whether it is kept in time.
    .advice = Make sure that a time service such as systemd-timesyncd or chrony runs.

doctor-sleep = Sleep
doctor-sleep-ok = The device sleeps only once nothing is being sent.
doctor-sleep-unguarded = The service does not learn when the device sleeps.
    .advice = If it has just started, look again. Otherwise restart it: sudo systemctl restart sesshoku
doctor-sleep-unknown = There is no logind to tell when the device sleeps.

doctor-disk = Disk
doctor-disk-ok = { $detail } MiB are free.
doctor-disk-full = Only { $detail } MiB are free.
    .advice = Delete something else: with a full disk nothing is recorded.

doctor-notifications = Notifications
doctor-notifications-ok = They come through.
doctor-notifications-off = They are switched off.
    .advice = They can be switched on in the window's settings.
doctor-notifications-no-session = There is no desktop here to show them.
doctor-notifications-no-agent = The program that shows them is not running.
    .advice = To start it, run: systemctl --user enable --now sesshoku-notify
doctor-notifications-no-desktop = Nothing on this desktop shows any.
    .advice = Install a notification service, or open the window now and then.

doctor-operator = Who runs the service
doctor-operator-ok = The other party of the terms is named: { $detail }
doctor-operator-none = No operator is named.
    .advice = Before people use it, name the operator in /etc/sesshoku/operator.toml; a sample is in /usr/share/doc/sesshoku/examples.
doctor-operator-sample = The operator's file is still the sample.
    .advice = Before people use it, name the true operator in /etc/sesshoku/operator.toml, and take the line “sample” out.
doctor-operator-incomplete = The operator's file does not say: { $detail }
doctor-operator-unusable = The operator's file cannot be used: { $detail }
