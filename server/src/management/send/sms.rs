//! SMS, through the HTTP interface of a gateway.
//!
//! Gateways differ in the names of a few fields, and in whether they take JSON or a
//! form. So the settings hold the fields, in which `{phone}` and `{text}` stand for
//! the two things that change.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use settings::ConfigError;
use toml::{Table, Value};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{SendError, SetUpError};
use crate::http::is_private;
use crate::management::config::refuse;
use crate::management::message::Message;
use crate::secret::Place;

const PHONE: &str = "{phone}";
const TEXT: &str = "{text}";

/// `[sms]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sms {
    /// Where to post to; SMS is off where it is empty.
    pub url: String,
    /// How the fields are written.
    pub format: Format,
    /// The fields, with `{phone}` (E.164) and `{text}` in their values.
    pub fields: Table,
    /// The secret that is sent as `Authorization: Bearer`, if the gateway wants one.
    pub credential: Option<Place>,
    /// How long one try may take.
    pub timeout_seconds: u32,
    /// How often it is tried.
    pub attempts: u32,
}

/// How the fields are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// As JSON; fields may be nested.
    #[default]
    Json,
    /// As `application/x-www-form-urlencoded`; all fields are texts.
    Form,
}

impl Default for Sms {
    fn default() -> Self {
        Self {
            url: String::new(),
            format: Format::Json,
            fields: Table::new(),
            credential: None,
            timeout_seconds: 8,
            attempts: 3,
        }
    }
}

impl Sms {
    pub(in crate::management) fn is_on(&self) -> bool {
        !self.url.is_empty()
    }

    pub(in crate::management) fn check(&self) -> Result<(), ConfigError> {
        if !self.is_on() {
            return Ok(());
        }
        if !self.url.parse().is_ok_and(|url| is_private(&url)) {
            return refuse(
                "sms.url",
                "must be https, or http to a gateway on this machine",
            );
        }
        let fields = self.fields.to_string();
        if !fields.contains(PHONE) || !fields.contains(TEXT) {
            return refuse("sms.fields", "must have {phone} and {text} in them");
        }
        let is_flat = self.fields.values().all(Value::is_str);
        if self.format == Format::Form && !is_flat {
            return refuse("sms.fields", "must be texts where sms.format is \"form\"");
        }
        if !(1..=60).contains(&self.timeout_seconds) {
            return refuse("sms.timeout_seconds", "must be 1 to 60");
        }
        if !(1..=5).contains(&self.attempts) {
            return refuse("sms.attempts", "must be 1 to 5");
        }
        Ok(())
    }
}

/// Sends SMS.
pub(super) struct Gateway {
    client: reqwest::Client,
    url: Url,
    format: Format,
    fields: Table,
    authorization: Option<HeaderValue>,
    pub(super) attempts: u32,
}

impl Gateway {
    pub(super) fn new(sms: &Sms) -> Result<Option<Self>, SetUpError> {
        if !sms.is_on() {
            return Ok(None);
        }
        // A phone number goes to the gateway that is configured, and nowhere that it,
        // or whoever answers in its place, may point to.
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(u64::from(sms.timeout_seconds)));
        let url: Url = sms
            .url
            .parse()
            .map_err(|_| SetUpError::Setting("sms.url"))?;
        let client = if url.scheme() == "http" {
            client.no_proxy()
        } else {
            client
        };
        Ok(Some(Self {
            client: client.build().map_err(SetUpError::Sms)?,
            url,
            format: sms.format,
            fields: sms.fields.clone(),
            authorization: sms.credential.as_ref().map(authorization).transpose()?,
            attempts: sms.attempts,
        }))
    }

    /// Tries once.
    pub(super) async fn send(&self, phone: &str, message: &Message) -> Result<(), SendError> {
        let (content_type, body) = self.body(phone, &message.text);
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, content_type)
            .body(body);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let status = request.send().await.map_err(kind_of)?.status();
        let code = Some(status.as_u16());
        match status.as_u16() {
            200..=299 => Ok(()),
            408 | 429 | 500..=599 => Err(SendError::Unavailable(code)),
            _ => Err(SendError::Refused(code)),
        }
    }

    fn body(&self, phone: &str, text: &str) -> (&'static str, String) {
        match self.format {
            Format::Json => {
                let fields = fill_table(&self.fields, phone, text);
                ("application/json", Json::Object(fields).to_string())
            }
            Format::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in &self.fields {
                    let value = fill(value.as_str().unwrap_or_default(), phone, text);
                    form.append_pair(name, &value);
                }
                ("application/x-www-form-urlencoded", form.finish())
            }
        }
    }
}

fn authorization(place: &Place) -> Result<HeaderValue, SetUpError> {
    let secret = place
        .read()
        .map_err(|error| SetUpError::Secret("SMS", error))?;
    let value = Zeroizing::new(format!("Bearer {}", secret.expose()));
    let mut value =
        HeaderValue::from_str(&value).map_err(|_| SetUpError::Setting("sms.credential"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn fill_table(table: &Table, phone: &str, text: &str) -> Map<String, Json> {
    table
        .iter()
        .map(|(name, value)| (name.clone(), fill_value(value, phone, text)))
        .collect()
}

fn fill_value(value: &Value, phone: &str, text: &str) -> Json {
    match value {
        Value::String(template) => Json::String(fill(template, phone, text)),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(yes) => Json::from(*yes),
        Value::Datetime(time) => Json::String(time.to_string()),
        Value::Array(values) => values
            .iter()
            .map(|value| fill_value(value, phone, text))
            .collect(),
        Value::Table(table) => Json::Object(fill_table(table, phone, text)),
    }
}

/// The text goes in last, so that nothing in it is taken for a place to fill.
fn fill(template: &str, phone: &str, text: &str) -> String {
    template.replace(PHONE, phone).replace(TEXT, text)
}

/// What kind of failure it is; the error itself names the gateway's address, which
/// may hold a secret.
fn kind_of(error: reqwest::Error) -> SendError {
    if error.is_timeout() {
        SendError::Timeout
    } else {
        SendError::Unavailable(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> String {
        let sms: Sms = toml::from_str(text).unwrap();
        sms.check().unwrap();
        let gateway = Gateway::new(&sms).unwrap().unwrap();
        gateway.body("+810", "one \"two\" & {phone}").1
    }

    #[test]
    fn fields_become_json_or_a_form() {
        let json = body(
            "url = 'https://sms.example/'
             fields = { from = 'S', to = ['{phone}'], content = { text = '{text}', n = 1 } }",
        );
        assert_eq!(
            json,
            r#"{"content":{"n":1,"text":"one \"two\" & {phone}"},"from":"S","to":["+810"]}"#
        );
        let form = body(
            "url = 'https://sms.example/'
             format = 'form'
             fields = { To = '{phone}', Body = 'A: {text}' }",
        );
        assert_eq!(form, "Body=A%3A+one+%22two%22+%26+%7Bphone%7D&To=%2B810");
    }
}
