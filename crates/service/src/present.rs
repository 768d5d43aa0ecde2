//! What a request is judged by: its account's present, and what the account has chosen.

use domain::{Aid, Format, FormatFault, FormatRequest, Timestamp, TokenDefaults};

use crate::Service;

/// An account's present.
#[derive(Clone, Debug)]
pub struct Present {
    /// The account's own time.
    pub now: Timestamp,
    /// What tokens get where a request does not say.
    pub token: TokenDefaults,
}

impl Present {
    /// The format of a token, with the account's defaults for whatever the request does not say. A request that
    /// names any class of characters chooses all of them.
    pub fn token_format(&self, asked: FormatRequest) -> Result<Format, FormatFault> {
        let default = self.token.format.clone();
        let names_a_class = [asked.symbols, asked.numbers, asked.characters].iter().any(Option::is_some);
        let classes = if names_a_class { &asked } else { &default };
        Format::token(&FormatRequest {
            length: asked.length.or(default.length),
            symbols: classes.symbols,
            numbers: classes.numbers,
            characters: classes.characters,
            prefix: asked.prefix.or(default.prefix),
            barcode: asked.barcode.or(default.barcode),
            qr: asked.qr.or(default.qr),
        })
    }
}

impl Service {
    /// An account's present; the server's own where there is no such account.
    pub fn present(&self, aid: Option<Aid>) -> Present {
        let members = aid.and_then(|aid| self.directory.get(aid));
        match members {
            Some(members) => Present {
                now: members.account.now(self.now()),
                token: members.account.settings.token.clone(),
            },
            None => Present { now: self.now(), token: TokenDefaults::default() },
        }
    }

    /// The time that an account's cards go by.
    pub fn now_in(&self, aid: Aid) -> Timestamp {
        let now = self.now();
        self.directory.get(aid).map_or(now, |members| members.account.now(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_does_not_say_is_as_the_account_chose() {
        let numbers = FormatRequest { numbers: Some(true), ..FormatRequest::default() };
        let format = FormatRequest { length: Some(20), qr: Some(true), ..numbers };
        let token = TokenDefaults { format, ..TokenDefaults::default() };
        let present = Present { now: Timestamp::EPOCH, token };
        let made = |asked: FormatRequest| {
            let format = present.token_format(asked).expect("a strong format");
            let classes = format.classes;
            (format.length, classes.numbers, classes.characters, format.qr)
        };
        assert_eq!(made(FormatRequest::default()), (20, true, false, true));
        let letters = FormatRequest { characters: Some(true), ..FormatRequest::default() };
        assert_eq!(made(letters), (20, false, true, true));
        let longer = FormatRequest { length: Some(30), qr: Some(false), ..FormatRequest::default() };
        assert_eq!(made(longer), (30, true, false, false));
    }
}
