# Measuring what this device's radio is like.

calibration-configured = from the settings
calibration-model = known of this model
calibration-default = the default: nobody has measured it

calibrate-model = Model: { $model }
calibrate-no-model = Model: not in the list
calibrate-power = Sends as: { $power } dBm, confidence { $confidence } of 3 ({ $source })
calibrate-correction = Hears: corrected by { $correction } dB ({ $source })

calibrate-prepare =
    You need a phone that sends Exposure Notification adverts. Put it and this device 1 m apart, at the same height,
    away from metal and walls, with nobody in between. Other such phones have to be well away (10 m), or switched off.
calibrate-ask-power = Transmit power of that phone in dBm, as its calibration list has it (empty: not known):
calibrate-no-power = It must be a whole number between -50 and 20.
calibrate-turn = Position { $turn } of { $turns }: turn the phone by a quarter from the one before, step back, and press Enter.
calibrate-listening = Receiving for { $seconds } s…
calibrate-heard = Received at { $median } dBm ({ $samples } samples, half of them within { $spread } dB).
calibrate-nobody-heard = No phone was heard. Check that Exposure Notification is on in the phone, and Bluetooth in both.
calibrate-too-few-samples = The phone was heard too rarely. Perhaps it stopped, or is too far away.
calibrate-unsteady = The signal varied too much. Keep everything still while it listens, and people out of the way.
calibrate-another-near = Another phone was nearly as strong, or this one changed its code. Take others farther away and try again.
calibrate-turns-differ = The positions differ too much. Choose a more open place.
calibrate-out-of-range = The values are beyond anything a radio does. Check the distance and the transmit power.

calibrate-result = Overall: { $median } dBm; with the present correction, { $corrected } dBm.
calibrate-unusable = Nothing can be concluded from this measurement, and nothing is changed.
calibrate-nothing-expected = How strongly the phone should be heard is not known, so there is nothing to set. A device that this one heard can be told: sesshoku calibrate --heard-at
calibrate-written = Written to { $path }:
calibrate-to-write = To be written to /etc/sesshoku/sesshokud.toml.d/50-calibration.toml (--write does it):
calibrate-restart = It takes effect when sesshokud is restarted: systemctl restart sesshokud
