# Around the terms of use and the privacy policy, which are in documents/.

terms-minor = Se você é menor de idade, peça primeiro o consentimento do seu responsável legal.
terms-version = Versão { $version }
