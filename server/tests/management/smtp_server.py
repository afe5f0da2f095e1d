"""A real SMTP server on a free port of loopback.

Prints its port, then every message it took as one line of JSON. By the name before
the @, it refuses for good (refused), first says to come back later (later), or
takes long to answer (slow).

    smtp_server.py plain|tls|starttls [CERTIFICATE KEY]
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = b"worker", b"open sesame"


class Handler:
    def __init__(self):
        self.put_off = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "refused":
            return f"550 5.1.1 <{address}>: nobody of that name"
        if name == "later" and self.put_off < 1:
            self.put_off += 1
            return f"451 4.3.0 <{address}>: come back later"
        if name == "slow":
            await asyncio.sleep(2)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        line = {
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("sslcontext") is not None,
            "signed_in": bool(session.authenticated),
            "subject": message["Subject"],
            "auto_submitted": message["Auto-Submitted"],
            "text": message.get_content(),
        }
        print(json.dumps(line), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (USER, PASSWORD))


def main():
    kind, *files = sys.argv[1:]
    context = None
    options = {}
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    if kind == "starttls":
        options = {
            "tls_context": context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": authenticate,
        }
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    handler = Handler()
    server = loop.run_until_complete(
        loop.create_server(
            lambda: SMTP(handler, loop=loop, hostname="localhost", **options),
            "127.0.0.1",
            0,
            ssl=context if kind == "tls" else None,
        )
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.run_forever()


main()
