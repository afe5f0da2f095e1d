# One sentence per D-Bus error name.

error-consent-required = The terms must be agreed to first. Run: sesshoku agree
error-terms-version-mismatch = That is not the version of the terms in force. Please read them again.
error-busy = The same action is under way already. Please wait until it ends.
error-not-configured = No notification server that can do this is configured.
error-agreement-version-mismatch = That is not the version of the registration agreement in force. Please read it again.
error-invalid-date = The date is not usable: it must be of the last 14 days, written like 2020-08-01.
error-invalid-number = The processing number must be exactly eight digits.
error-no-keys = There is nothing to register: on the days in question this device sent no identifiers, or their keys were sent already.
error-clock-not-set = The clock is not set. Set the date and the time first.
error-paused = Three processing numbers were wrong, so registering is paused for a while. To see until when, run: sesshoku registration
error-pending = Another registration is waiting to be sent. To give it up, run: sesshoku registration forget
error-nothing-pending = There is no registration that waits to be sent.
error-number-required = The processing number has to be entered again. Run: sesshoku register
error-storage = The stored encounters could not be read or written.
error-shutting-down = sesshokud is shutting down.
error-denied = Only who sits in front of this device, or administers it, may do this. As an administrator, use sudo.
error-unreachable = sesshokud cannot be reached. Check that it is running (systemctl status sesshoku).
error-bus = The bus cannot be reached: { $detail }
error-failed = It failed: { $detail }
error-needs-flag = This is not a terminal, so there is nobody to ask. Add { $flag }.
error-input = An input file cannot be used: { $detail }
error-keys = The keys are refused: { $detail }
