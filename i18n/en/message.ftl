# What the person who is sent a 処理番号 reads: mail and SMS. The management system sends them.

message-subject = Your processing number for registering as positive
message-mail =
    This is your processing number for registering as positive. It is sent to people who were diagnosed as positive, and to those responsible for a place where an infected person was.

        Processing number:  { $number }
        Valid until:        { $expires }

    What it is for
    When you register as positive in the app Sesshoku, people who may have been near are told that they may have been near somebody who registered as positive. They can see on which day, for how long, and the course of the signal. No name, no address or number and no place is sent, but somebody who met few people, for example, may guess. Whether you register is up to you.

    How to use it
    Press "If you test positive" on the home screen of the app, and enter the number where it asks for it. Those responsible for a place run "sesshoku register" on the kiosk that stands there. The number works once. When it has expired, or does not work, ask the place that issued it, such as a public health centre, for a new one.

    { $link }Never tell anybody this number
    Nobody will ever ask you for it by phone or email.

    If you did not expect this email, please delete it. Replies are not read.
message-link =
    On a computer or device with the app, this link opens it with the number filled in. It works once, too, and holds nothing but the number. It can also be pasted into "sesshoku register --link".

        { $link }
message-sms =
    Your processing number for registering as positive: { $number }
    Valid until { $expires }
    Press "If you test positive" on the home screen of the app Sesshoku and enter it (for a place, run "sesshoku register" on its kiosk). It works once; registering is up to you. Never tell anybody this number. Nobody will ask you for it.
message-sms-linked =
    Your processing number for registering as positive: { $number }
    Valid until { $expires }
    Press "If you test positive" on the home screen of the app Sesshoku and enter it, or open the link below (for a place, run "sesshoku register" on its kiosk). It works once; registering is up to you. Never tell anybody this number. Nobody will ask you for it.
    { $link }
