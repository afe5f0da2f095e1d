# 利用規約とプライバシーポリシーに添える言葉。本文は documents/ にある。

terms-minor = 未成年の方は、保護者の同意を得てからお使いください。
terms-version = 第{ $version }版
