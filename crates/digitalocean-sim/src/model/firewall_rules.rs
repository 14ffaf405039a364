//! A firewall's rules as they are sent and as they are kept: the service reads generously and writes strictly.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusal::{Refusal, invalid};

/// One rule; `Target` is under `sources` when it comes in, under `destinations` when it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) protocol: String,
    pub(crate) ports: String,
    pub(crate) action: String,
    pub(crate) target: Target,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Target {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) addresses: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) droplet_ids: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) load_balancer_uids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) kubernetes_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
}

impl Rule {
    /// Reads a rule as the service does: any case, ports as number or text, "all" as "0".
    pub(crate) fn read(sent: &Value, target_key: &str) -> Result<Rule, Refusal> {
        let text = |key: &str| match sent.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let protocol = text("protocol").to_ascii_lowercase();
        if !matches!(protocol.as_str(), "tcp" | "udp" | "icmp") {
            return invalid("you specified an invalid protocol");
        }
        let ports = match text("ports").as_str() {
            "all" => "0".to_owned(),
            "" if protocol == "icmp" => "0".to_owned(),
            ports => ports.to_owned(),
        };
        check_ports(&ports)?;
        let target = match sent.get(target_key) {
            None | Some(Value::Null) => Target::default(),
            Some(value) => Target::deserialize(value)
                .map_err(|_| Refusal::Malformed("error parsing request body".to_owned()))?,
        };
        target.addresses.iter().try_for_each(|address| check_address(address))?;
        let action = Some(text("action")).filter(|action| !action.is_empty());
        Ok(Rule { protocol, ports, action: action.unwrap_or_else(|| "allow".to_owned()), target })
    }
}

fn check_ports(ports: &str) -> Result<(), Refusal> {
    let number = |text: &str| text.parse::<u16>().ok();
    let valid = match ports.split_once('-') {
        None => number(ports).is_some(),
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
    };
    if valid { Ok(()) } else { invalid("invalid port range") }
}

fn check_address(text: &str) -> Result<(), Refusal> {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, rest)| (address, Some(rest)));
    let most = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return invalid(format!("invalid address: {text}")),
    };
    let fits = length.is_none_or(|length| length.parse::<u8>().is_ok_and(|length| length <= most));
    if fits { Ok(()) } else { invalid(format!("invalid address: {text}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_is_read_generously_and_kept_strictly() {
        let sent = json!({ "protocol": "TCP", "ports": 22, "sources": { "addresses": ["192.0.2.7"] } });
        let rule = Rule::read(&sent, "sources").expect("a valid rule");
        assert_eq!(
            (rule.protocol.as_str(), rule.ports.as_str(), rule.action.as_str()),
            ("tcp", "22", "allow")
        );
        assert_eq!(rule.target.addresses, ["192.0.2.7"]);
        let ping = Rule::read(&json!({ "protocol": "icmp" }), "sources").expect("a valid rule");
        assert_eq!(ping.ports, "0");
    }

    #[test]
    fn what_cannot_be_a_rule_is_refused_in_the_service_s_words() {
        let refused = |sent: Value| Rule::read(&sent, "sources").expect_err("no rule").to_string();
        assert_eq!(refused(json!({ "protocol": "sctp" })), "you specified an invalid protocol");
        assert_eq!(refused(json!({ "protocol": "tcp", "ports": "9000-8000" })), "invalid port range");
        let sent = json!({ "protocol": "tcp", "ports": "1", "sources": { "addresses": ["999.1.1.1/0"] } });
        assert_eq!(refused(sent), "invalid address: 999.1.1.1/0");
    }
}
