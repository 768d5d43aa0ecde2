//! So that a case can ask for a change without wrapping it up first.

use domain::{
    Activate, ActivateCards, Adjust, Capture, ChangeCard, ChangeClient, Command, CreateBatch, CreateCard,
    CreateToken, DeleteCard, Drawdown, Fund, Info, MoveTestClock, Replace, Reverse, RotatePin,
    SettingsChange, Sweep, Void,
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

macro_rules! ask {
    ($($command:ident($asked:ty)),+ $(,)?) => {$(
        impl Ask for $asked {
            fn command(self) -> Command {
                Command::$command(self.into())
            }
        }
    )+};
}

ask! {
    CreateCard(CreateCard),
    CreateBatch(CreateBatch),
    Activate(Activate),
    ActivateCards(ActivateCards),
    DeleteCard(DeleteCard),
    RotatePin(RotatePin),
    CreateToken(CreateToken),
    ChangeCard(ChangeCard),
    Info(Info),
    Drawdown(Drawdown),
    Fund(Fund),
    Capture(Capture),
    Void(Void),
    Reverse(Reverse),
    Adjust(Adjust),
    Replace(Replace),
    Sweep(Sweep),
    ChangeSettings(SettingsChange),
    MoveTestClock(MoveTestClock),
    Client(ChangeClient),
}
