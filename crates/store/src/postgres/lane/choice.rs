//! Which lane an order goes to: that of whatever it names its card by.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use domain::{Aid, CardSelector, Command};

/// The lane of an order, of so many. Orders that name a card alike come to the same one.
pub fn lane_of(aid: Aid, command: &Command, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    aid.hash(&mut hasher);
    name(command, &mut hasher);
    let lanes = u64::try_from(lanes.max(1)).unwrap_or(1);
    usize::try_from(hasher.finish() % lanes).unwrap_or(0)
}

// tidy: one match
fn name(command: &Command, hasher: &mut DefaultHasher) {
    match command {
        Command::CreateCard(create) => create.card.card_id.hash(hasher),
        Command::CreateBatch(batch) => batch.cards.first().map(|card| &card.card_id).hash(hasher),
        Command::Activate(activate) => activate.card_id.hash(hasher),
        Command::ActivateCards(activate) => {
            activate.cards.first().map(|card| &card.card_id).hash(hasher);
        }
        Command::DeleteCard(delete) => delete.card_id.hash(hasher),
        Command::RotatePin(rotate) => rotate.card_id.hash(hasher),
        Command::CreateToken(create) => create.card_id.hash(hasher),
        Command::DeleteToken { card_id, .. } => card_id.hash(hasher),
        Command::BlockCard(block) | Command::UnblockCard(block) => block.card_id.hash(hasher),
        Command::ChangeCard(change) => change.card_id.hash(hasher),
        Command::Info(info) => selector(&info.card, hasher),
        Command::Drawdown(drawdown) => selector(&drawdown.card, hasher),
        Command::Fund(fund) => selector(&fund.card, hasher),
        Command::Capture(capture) => capture.lock.hash(hasher),
        Command::Void(void) => void.lock.hash(hasher),
        Command::Reverse(reverse) => reverse.drawdown.hash(hasher),
        Command::Adjust(adjust) => adjust.card_id.hash(hasher),
        Command::Replace(replace) => replace.card_id.hash(hasher),
        Command::Sweep(sweep) => sweep.cards.first().hash(hasher),
        // These have the whole account; by its own name they at least wait behind each other in one lane.
        Command::ChangeSettings(_) | Command::MoveTestClock(_) | Command::Client(_) => {}
    }
}

fn selector(card: &CardSelector, hasher: &mut DefaultHasher) {
    match card {
        CardSelector::Token(mac) | CardSelector::Both(mac, _) => mac.hash(hasher),
        CardSelector::CardId(card_id) => card_id.hash(hasher),
    }
}
