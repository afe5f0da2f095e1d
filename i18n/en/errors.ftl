# One sentence per D-Bus error name.

error-consent-required = The terms must be agreed to first. Run: sesshoku agree
error-terms-version-mismatch = That is not the version of the terms in force. Please read them again.
error-busy = The same action is under way already. Please wait until it ends.
error-not-configured = No notification server is configured.
error-storage = The stored encounters could not be read or written.
error-shutting-down = sesshokud is shutting down.
error-denied = You are not allowed to do this.
error-unreachable = sesshokud cannot be reached. Check that it is running (systemctl status sesshokud).
error-bus = The bus cannot be reached: { $detail }
error-failed = It failed: { $detail }
error-input = An input file cannot be used: { $detail }
error-keys = The keys are refused: { $detail }
