# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = 미성년자는 먼저 보호자의 동의를 받아 주십시오.
terms-version = 제{ $version }판
