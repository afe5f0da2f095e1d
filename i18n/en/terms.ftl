# The summary shown before agreement. The version changes with the terms.

terms-title = The terms of use and the privacy policy in short (version { $version })
terms-sends = Over Bluetooth, this device sends a random identifier that changes every 10 to 20 minutes, and listens for those of devices nearby.
terms-keeps = What is heard is stored encrypted, on this device only, and deleted after 14 days. No name, phone number or location is used, and no record leaves the device.
terms-checks = About once a day it fetches the keys of people who registered as positive from the notification server, and compares them on this device.
terms-limits = A "contact" is likely to have been within about 1 m for 15 minutes or longer, as estimated from signal strength. Its accuracy is not guaranteed.
terms-withdraw = You can withdraw at any time (sesshoku withdraw). That deletes everything recorded on this device beyond recovery.
terms-minor = If you are a minor, please ask a guardian for agreement first.
terms-version = Version { $version }
