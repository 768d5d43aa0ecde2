//! Writing a batch. A thousand cards with barcodes cost a tenth of a second, so two threads share the work, and only
//! so many batches are written at once.

use std::ops::Range;
use std::sync::Arc;

use service::MadeBatch;
use tokio::task::spawn_blocking;

use super::batch::BatchCardOut;
use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::frame::Reply;
use crate::api::wire::Out;

/// A card without barcodes, by experience.
const CARD_BYTES: usize = 1_536;

/// A barcode or QR code, by experience.
const PICTURE_BYTES: usize = 1_024;

const BEFORE: &[u8] = b"{\"cards\":[";
const AFTER: &[u8] = b"]}";

pub(crate) async fn batch(api: &Arc<Api>, made: MadeBatch) -> Result<Reply, ApiError> {
    let pictures = pictures(&made);
    let mut buffer = Vec::new();
    buffer.extend_from_slice(BEFORE);
    if pictures == 0 {
        buffer.reserve(made.cards.len() * CARD_BYTES);
        write(&made, 0..made.cards.len(), &mut buffer)?;
    } else {
        let _turn = api.drawing.acquire().await.map_err(|_| ApiError::internal())?;
        let (count, made) = (made.cards.len(), Arc::new(made));
        let card_bytes = CARD_BYTES + pictures * PICTURE_BYTES;
        let half = |range: Range<usize>, mut buffer: Vec<u8>, room: usize| {
            let made = made.clone();
            spawn_blocking(move || {
                buffer.reserve_exact(room);
                write(&made, range, &mut buffer).map(|()| buffer)
            })
        };
        let first = half(0..count / 2, buffer, (count + 1) * card_bytes);
        let second = half(count / 2..count, Vec::new(), (count - count / 2) * card_bytes);
        buffer = first.await.map_err(|_| ApiError::internal())??;
        buffer.extend(second.await.map_err(|_| ApiError::internal())??);
    }
    buffer.extend_from_slice(AFTER);
    Ok(Reply(buffer))
}

/// How many pictures each card has.
fn pictures(made: &MadeBatch) -> usize {
    let token = made.tokens.first().map(|token| &token.format);
    let formats = [Some(&made.pin_format), token].into_iter().flatten();
    formats.map(|format| usize::from(format.barcode) + usize::from(format.qr)).sum()
}

/// Writes cards, each but the very first behind a comma.
fn write(made: &MadeBatch, cards: Range<usize>, buffer: &mut Vec<u8>) -> Result<(), ApiError> {
    for place in cards {
        if place > 0 {
            buffer.push(b',');
        }
        let card = BatchCardOut::new(made, place).ok_or_else(ApiError::internal)?;
        serde_json::to_writer(&mut *buffer, &Out(&card)).map_err(|error| {
            tracing::error!(%error, "a card could not be written");
            ApiError::internal()
        })?;
    }
    Ok(())
}
