//! Which hosts an audience may name.

use domain::{Aid, Audience};

/// The hosts under which this server is known: its own, and those of the service it stands in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicHosts {
    own: Vec<String>,
    aliases: Vec<String>,
}

impl PublicHosts {
    /// `urls` are this server's public URLs, at least one; `aliases` are hosts that clients may still name.
    pub fn new(urls: &[String], aliases: &[String]) -> Self {
        let own = urls.iter().map(|url| host_of(url).to_ascii_lowercase()).collect();
        let aliases = aliases.iter().map(|alias| alias.to_ascii_lowercase()).collect();
        Self { own, aliases }
    }

    /// The first of the server's own hosts; the issuer of its tokens.
    pub fn first(&self) -> &str {
        self.own.first().map_or("localhost", String::as_str)
    }

    /// Whether `audience` names `aid` on one of these hosts, in one of the accepted forms.
    pub fn accept(&self, audience: &Audience, aid: Aid) -> bool {
        let text = audience.as_str();
        let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
            return false;
        };
        let Some((authority, path)) = rest.split_once('/') else {
            return false;
        };
        let (user, host) = authority.split_once('@').unwrap_or((aid.as_str(), authority));
        let host = host.to_ascii_lowercase();
        let known = self.own.contains(&host) || self.aliases.contains(&host);
        let account_path = format!("v1/accounts/{aid}");
        // The last form is our base URL, which may have a path of its own in front.
        known && user == aid.as_str() && (path == account_path || path.ends_with(&format!("/{account_path}")))
    }
}

/// The host and port of a URL, without scheme, user and path.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_accepted_on_known_hosts_only() {
        let urls = ["https://cards.example/base".to_owned(), "http://127.0.0.1:8080".to_owned()];
        let hosts = PublicHosts::new(&urls, &["api.dintero.com".to_owned()]);
        let aid = Aid::try_from("T12345678").expect("an account id");
        let accepted =
            |text: &str| Audience::try_from(text).is_ok_and(|audience| hosts.accept(&audience, aid));
        assert!(accepted("https://cards.example/v1/accounts/T12345678"));
        assert!(accepted("https://T12345678@api.dintero.com/v1/accounts/T12345678"));
        assert!(accepted("https://cards.example/base/v1/accounts/T12345678"));
        assert!(accepted("http://127.0.0.1:8080/v1/accounts/T12345678"));
        assert!(!accepted("https://elsewhere.example/v1/accounts/T12345678"));
        assert!(!accepted("https://T87654321@cards.example/v1/accounts/T12345678"));
        assert!(!accepted("https://cards.example/v1/accounts/T87654321"));
        assert!(!accepted("https://cards.example@elsewhere.example/v1/accounts/T12345678"));
        assert!(!accepted("ftp://cards.example/v1/accounts/T12345678"));
    }
}
