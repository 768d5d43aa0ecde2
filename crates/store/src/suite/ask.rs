//! So that a case can ask for a change without wrapping it up first.

use domain::{
    Activate, ChangeClient, Command, CreateBatch, CreateCard, CreateToken, DeleteCard, Drawdown, RotatePin,
};

/// What can be asked of the ledger.
pub trait Ask {
    /// The command.
    fn command(self) -> Command;
}

impl Ask for Command {
    fn command(self) -> Command {
        self
    }
}

impl Ask for CreateCard {
    fn command(self) -> Command {
        Command::CreateCard(Box::new(self))
    }
}

impl Ask for CreateBatch {
    fn command(self) -> Command {
        Command::CreateBatch(self)
    }
}

impl Ask for Activate {
    fn command(self) -> Command {
        Command::Activate(Box::new(self))
    }
}

impl Ask for DeleteCard {
    fn command(self) -> Command {
        Command::DeleteCard(self)
    }
}

impl Ask for RotatePin {
    fn command(self) -> Command {
        Command::RotatePin(self)
    }
}

impl Ask for CreateToken {
    fn command(self) -> Command {
        Command::CreateToken(Box::new(self))
    }
}

impl Ask for Drawdown {
    fn command(self) -> Command {
        Command::Drawdown(Box::new(self))
    }
}

impl Ask for ChangeClient {
    fn command(self) -> Command {
        Command::Client(Box::new(self))
    }
}
