//! Orders by chance.

use domain::{
    Actor, Card, CardSelector, CardUuid, ChangeCard, Command, Drawdown, Fund, NewPin, Order, Status, Sweep,
    TransactionId,
};
use store::suite::Ask as _;
use store::suite::fixture::{by_id, by_token, card_id, customer, pin, presented};

use super::{CARDS, Run, memory};

impl Run {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn id(&mut self) -> String {
        format!("card {}", self.first_card + self.below(CARDS))
    }

    fn reference(&mut self) -> String {
        format!("{}", self.below(40))
    }

    fn money(&mut self) -> i64 {
        i64::try_from(self.below(100) + 1).expect("small")
    }

    fn transaction(&mut self) -> TransactionId {
        let known = u64::try_from(self.transactions.len()).expect("few");
        let place = self.below(known.max(1)).max(known.saturating_sub(40));
        self.transactions
            .get(usize::try_from(place).expect("small"))
            .copied()
            .unwrap_or(TransactionId(self.f.uuid()))
    }

    fn selector(&mut self) -> CardSelector {
        match self.below(3) {
            0 => {
                let latest = self.tokens.saturating_sub(30);
                by_token(&format!("token {}", latest + self.below(30)))
            }
            _ => by_id(&self.id()),
        }
    }

    fn pin_of(card: CardUuid, value: &str) -> NewPin {
        NewPin { mac: memory::pin_mac(card, value), ..pin(value) }
    }

    fn uuid_of(&self, id: &str) -> CardUuid {
        let card = self.memory.cards.values().find(|card| card.card_id == card_id(id));
        card.map_or(CardUuid(self.f.uuid()), |card: &Card| card.uuid)
    }

    fn sent_pin(&mut self) -> Option<domain::PresentedPin> {
        match self.below(8) {
            0 => Some(presented("wrong")),
            1 => Some(presented("right")),
            _ => None,
        }
    }

    fn new_card(&mut self) -> domain::NewCard {
        let id = self.id();
        let mut card = self.f.new_card(&id);
        let mut token = self.f.new_token(&format!("token {}", self.tokens));
        token.expires_after_transaction = self.below(4) == 0;
        self.tokens += 1;
        card.token = Some(token);
        card.pin = Some(Self::pin_of(card.uuid, "right"));
        card
    }

    fn drawdown(&mut self) -> Command {
        let (card, reference, money) = (self.selector(), self.reference(), self.money());
        let drawdown = match self.below(4) {
            0 => self.f.lock(card, &reference, money),
            1 => self.f.lock_for(card, &reference, money, 30),
            _ => self.f.draw(card, &reference, money),
        };
        self.transactions.push(drawdown.id);
        Drawdown { pin: self.sent_pin(), allow_partial: self.below(3) == 0, ..drawdown }.command()
    }

    fn fund(&mut self) -> Command {
        let (card, reference, money) = (self.selector(), self.reference(), self.money());
        let parent = if self.below(3) == 0 { None } else { Some(self.transaction()) };
        Fund { parent, pin: self.sent_pin(), ..self.f.fund(card, &reference, money) }.command()
    }

    fn following(&mut self) -> Command {
        let (of, reference, money) = (self.transaction(), self.reference(), self.money());
        match self.below(4) {
            0 => self.f.void(of, &reference).command(),
            1 => self.f.reverse(of, &reference).command(),
            _ => {
                let part = Some(money / 2 + 1).filter(|_| self.below(2) == 0);
                let capture = self.f.capture(of, &reference, part);
                self.transactions.push(capture.id);
                capture.command()
            }
        }
    }

    /// What goes in the lane of money, so that its order is kept.
    pub fn command(&mut self) -> Command {
        let (id, reference, money) = (self.id(), self.reference(), self.money());
        match self.below(36) {
            0 | 1 => {
                let create = self.f.create(&id, money * 3);
                domain::CreateCard { card: self.new_card(), ..create }.command()
            }
            2 | 3 => self.f.activate(&id, money * 3).command(),
            4 => self.f.adjust(&id, &reference, money - 50 - i64::from(money == 50)).command(),
            5 => self.f.block(&id),
            6 | 7 => self.f.unblock(&id),
            8 => domain::DeleteCard { forfeit: Some(self.f.uuid().into()), ..self.f.delete(&id) }.command(),
            9 => domain::RotatePin { card_id: card_id(&id), pin: Self::pin_of(self.uuid_of(&id), "right") }
                .command(),
            10 => {
                let value = if self.below(2) == 0 { "wrong" } else { "right" };
                let card = self.selector();
                self.f.info(card, value).command()
            }
            11 => {
                self.tokens += 1;
                self.f.token_for(&id, &reference, &format!("token {}", self.tokens - 1)).command()
            }
            12 => {
                let owner = Some(customer(&format!("{}", self.below(3))));
                let expires_at = Some(self.f.in_seconds(3_600)).filter(|_| self.below(3) == 0);
                ChangeCard { customer_id: owner, expires_at, ..self.f.change(&id) }.command()
            }
            13 => domain::Replace { new: self.new_card(), ..self.f.replace(&id, &reference, &id) }.command(),
            14..=20 => self.following(),
            21..=24 => self.fund(),
            _ => self.drawdown(),
        }
    }

    /// What goes in the lane of bulk, alone.
    pub async fn bulk(&mut self) -> Order {
        match self.below(3) {
            0 => {
                let mut cards = vec![self.new_card(), self.new_card()];
                cards.dedup_by(|one, other| one.card_id == other.card_id);
                let batch = domain::CreateBatch { cards, ..self.f.batch(&[]) };
                self.f.order(batch)
            }
            1 => {
                let (now, id, reference) = (self.f.now(), self.id(), self.reference());
                let waits = self.memory.cards.values().filter(|card| card.status(now) == Status::Inactive);
                let mut ids: Vec<&str> = waits.map(|card| card.card_id.as_str()).take(2).collect();
                if ids.is_empty() || id.ends_with('0') {
                    ids.push(&id);
                }
                self.f.order(self.f.activate_all(&reference, &ids, 100))
            }
            _ => {
                let cards = self.lapsed_cards().await;
                self.f.order_of(Actor::Operator, Sweep { cards })
            }
        }
    }
}
