//! What every store promises, case by case. `conformance!` makes a test of each.

#![allow(missing_docs, reason = "a case is named after its rule")]

pub mod accounts;
pub mod activations;
mod ask;
pub mod batches;
pub mod cards;
pub mod clients;
pub mod customers;
pub mod deletions;
pub mod drawdowns;
pub mod fixture;
pub mod groups;
pub mod lists;
pub mod replays;
pub mod tokens;

use std::sync::Arc;

pub use ask::Ask;
pub use fixture::{Fixture, Opened, TestClock};

/// Runs one case on a store of its own.
pub fn run<C, F>(open: impl FnOnce(Arc<TestClock>) -> Opened, case: C)
where
    C: FnOnce(Fixture) -> F,
    F: Future<Output = ()>,
{
    let clock = Arc::new(TestClock::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let opened = open(Arc::clone(&clock));
        case(Fixture::new(opened, clock).await).await;
    });
}

/// Makes a test of each case, for a function that opens an empty store: `fn(Arc<TestClock>) -> Opened`.
#[macro_export]
macro_rules! conformance {
    ($open:path) => {
        $crate::conformance! { $open;
            cards {
                a_card_reads_back_as_it_was_made
                a_card_with_money_is_active_at_once
                a_card_without_pin_and_token_has_none
                a_card_may_be_made_with_nothing_on_it
                a_taken_card_id_is_refused_with_its_place
                the_id_of_a_deleted_card_stays_taken
                card_ids_compare_byte_by_byte
                a_card_holds_the_largest_amount_and_not_a_unit_more
                a_card_keeps_its_currency
                the_fund_of_a_creation_has_its_own_id_as_reference
                a_token_made_with_its_card_has_the_cards_id_as_reference
                a_generated_token_that_exists_is_told_as_such
                a_card_that_was_never_made_reads_as_none
                a_history_has_a_row_for_each_change_of_money
            }
            batches {
                the_cards_of_a_batch_read_back_as_the_order_makes_them
                the_cards_of_a_batch_are_inactive_and_worth_nothing
                a_batch_may_have_a_thousand_cards
                a_batch_with_a_taken_id_makes_no_card_and_names_each_place
                a_batch_with_a_taken_token_makes_no_card
                two_equal_tokens_within_a_batch_make_no_card
                the_tokens_of_a_batch_wait_for_activation
                a_batch_card_shows_the_currency_it_was_made_with
                an_inactive_card_pays_for_nothing
            }
            activations {
                activation_gives_a_batch_card_its_money
                activation_keeps_what_it_does_not_name
                activation_changes_what_it_names
                a_second_activation_is_refused_with_what_the_first_did
                a_repeated_activation_answers_the_card_as_it_is_now
                a_repeated_activation_names_the_same_origin
                activation_answers_with_the_cards_tokens
                another_activation_under_the_same_reference_is_refused
                a_card_may_be_activated_with_nothing
                activation_takes_the_largest_amount
                activation_begins_the_life_of_the_cards_own_token
                activation_may_give_the_cards_own_token_other_terms
                activation_sets_the_first_day
                an_activation_that_ends_before_it_begins_is_refused
                an_expired_card_is_not_activated
                a_card_made_with_money_is_not_activated
                a_card_that_is_not_there_is_not_activated
                the_reference_of_an_activation_is_one_of_the_cards_transactions
            }
            drawdowns {
                a_drawdown_takes_money_and_says_what_is_left
                a_drawdown_may_take_all
                a_drawdown_beyond_available_is_refused_with_what_is
                the_largest_amount_can_be_drawn
                same_ref_id_same_request_answers_the_first_transaction
                a_repeat_may_differ_in_metadata_and_in_how_it_names_the_card
                same_ref_id_another_request_is_refused
                same_ref_id_of_another_client_is_refused
                a_ref_id_counts_within_one_card
                a_refused_drawdown_is_judged_afresh_under_its_ref_id
                a_repeat_is_answered_on_a_card_that_has_expired_since
                a_card_expires_at_its_millisecond
                a_card_becomes_active_at_its_millisecond
                a_drawdown_in_another_currency_is_refused_with_the_cards
                a_card_that_is_not_there_pays_for_nothing
                token_and_card_id_must_name_the_same_card
                a_drawdown_by_token_names_the_token
            }
            tokens {
                a_card_lists_its_tokens_oldest_first
                any_token_of_a_card_opens_it
                a_ref_id_makes_one_token_of_a_card
                the_reference_of_the_cards_own_token_is_taken
                a_card_without_own_token_leaves_its_id_free_as_reference
                the_ref_id_of_a_deleted_token_stays_taken
                the_same_reference_serves_on_two_cards
                a_deleted_token_opens_nothing_and_is_not_listed
                a_token_is_deleted_once
                a_token_is_deleted_through_its_own_card_only
                the_cards_own_token_can_be_deleted
                a_single_use_token_serves_one_drawdown
                a_refused_drawdown_does_not_use_a_token_up
                a_repeat_through_a_used_token_answers_the_first_transaction
                a_token_opens_nothing_from_its_last_millisecond_on
                a_token_that_exists_is_told_as_such
                a_deleted_card_gets_no_token
            }
            deletions {
                a_card_with_money_is_not_deleted
                an_empty_card_is_deleted_without_a_row
                a_forfeit_draws_the_money_in_the_same_commit
                an_inactive_card_can_be_deleted
                a_deleted_card_is_read_only_when_asked_for
                a_deleted_card_pays_for_nothing
                a_card_is_deleted_once
                a_rotated_pin_takes_the_place_of_the_old_one
                a_card_without_pin_gets_one
                a_deleted_card_gets_no_pin
            }
            clients {
                a_client_reads_back_as_it_was_made
                clients_are_listed_oldest_first
                a_client_may_have_several_grants_in_their_order
                a_changed_grant_keeps_its_place
                a_deleted_grant_is_gone
                a_rename_keeps_what_it_does_not_name
                a_rotated_client_moves_no_money
                a_rotated_client_keeps_its_new_secret_and_no_old_one
                within_the_grace_both_generations_move_money
                a_client_whose_grants_changed_moves_no_money
                a_deleted_client_moves_no_money_and_stays_listed
                a_client_that_never_was_moves_no_money
                an_operator_needs_no_client
                the_last_admin_cannot_be_deleted
                the_last_admin_cannot_lose_its_grant
                one_of_two_admins_can_be_deleted
                nobody_hands_out_scopes_that_it_does_not_hold
                a_client_that_is_not_there_is_not_changed
                a_client_has_at_most_32_grants
                an_account_has_at_most_a_thousand_clients
            }
            replays {
                a_replayed_batch_is_not_made_again
                the_same_key_with_another_request_is_refused
                a_refused_order_keeps_nothing_under_its_key
                a_key_counts_within_one_operation
                a_key_runs_out_after_a_day
                a_kept_answer_is_read_until_it_runs_out
                a_kept_answer_is_its_clients_alone
                what_has_run_out_is_forgotten_and_no_more
                twenty_racing_equal_keys_make_one_batch
                a_token_collision_keeps_nothing_under_its_key
            }
            lists {
                cards_are_listed_newest_first
                an_account_without_cards_lists_none
                pages_hold_every_card_once
                a_full_last_page_has_no_next
                pages_stay_as_they_are_while_cards_are_added
                a_page_may_start_after_a_card_that_was_deleted_since
                deleted_cards_are_listed_only_when_asked_for
                each_status_lists_its_cards_and_no_others
                who_asks_for_deleted_cards_gets_them
                a_status_changes_at_its_millisecond
                cards_are_filtered_by_type
                cards_are_filtered_by_customer
                cards_are_filtered_by_currency
                cards_are_filtered_by_batch
                cards_are_filtered_by_when_they_were_made
                cards_are_filtered_by_what_is_available
                a_prefix_finds_card_ids_and_names
                a_prefix_is_taken_by_the_letter
                a_prefix_may_be_in_any_alphabet
                filters_hold_together_and_page_by_page
                a_list_may_start_after_a_card_that_never_was
                cards_of_one_instant_are_listed_once_each
                a_clock_set_back_lists_cards_by_the_time_they_show
                a_range_of_time_comes_page_by_page
                a_page_ends_with_the_last_card_it_may_look_at
                short_pages_lead_to_every_card
                a_list_of_no_more_cards_than_it_may_look_at_is_whole
                narrow_filters_look_at_their_own_cards_only
                a_prefix_of_many_cards_is_listed_as_one_of_few
                a_prefix_ends_where_the_next_text_begins
                a_name_given_at_activation_is_found_by_its_prefix
            }
            customers {
                a_customers_cards_are_listed_oldest_first
                used_cards_are_still_their_customers
                a_customer_sees_no_inactive_deleted_or_expired_card
                a_customers_cards_come_in_pages
                a_clock_set_back_lists_a_customers_cards_by_the_time_they_show
                a_customers_card_is_read_with_its_tokens
                another_customers_card_reads_as_none
                a_customers_deleted_card_reads_as_none
            }
            accounts {
                accounts_are_listed_oldest_first
                an_account_reads_back_as_it_was_made
                an_account_is_made_once
                the_first_account_is_made_only_where_there_is_none
                accounts_never_see_each_others_cards
                accounts_share_no_card_ids_and_no_tokens
                accounts_share_no_customers
                accounts_share_no_clients
                accounts_share_no_kept_answers
                a_signing_key_reads_back_as_it_was_made
                a_new_signing_key_retires_the_older_ones_of_its_mode
                a_retired_signing_key_does_not_live_longer_by_another_rotation
                the_first_signing_key_is_kept_only_where_its_mode_has_none
                a_server_value_never_changes_once_it_was_set
                a_store_that_works_says_so
            }
            groups {
                fifty_racing_equal_ref_ids_have_one_effect
                racing_drawdowns_never_take_more_than_there_is
                second_drawdown_of_a_group_sees_the_first
                a_card_made_in_a_group_is_seen_by_the_next_order
                racing_drawdowns_use_a_single_use_token_once
                racing_creations_of_one_id_make_one_card
                racing_activations_make_one
                a_token_collision_spoils_no_order_beside_it
                an_order_that_cannot_be_written_fails_alone
                accounts_in_one_group_keep_apart
                an_order_behind_the_end_of_its_client_moves_no_money
                money_and_batches_come_through_together
                a_clock_set_back_dates_no_change_before_the_last_one
                a_clock_set_back_does_not_revive_a_card
                after_an_answer_every_read_shows_it
                orders_of_every_kind_come_through_together
            }
        }
    };
    ($open:path; $($module:ident { $($case:ident)+ })+) => {
        $(mod $module {
            use super::*;
            $(#[test]
            fn $case() {
                $crate::suite::run($open, $crate::suite::$module::$case);
            })+
        })+
    };
}

#[cfg(test)]
mod tests {
    /// Where a case is written, and where it is listed.
    const MODULES: [(&str, &str); 12] = [
        ("accounts", include_str!("accounts.rs")),
        ("activations", include_str!("activations.rs")),
        ("batches", include_str!("batches.rs")),
        ("cards", include_str!("cards.rs")),
        ("clients", include_str!("clients.rs")),
        ("customers", include_str!("customers.rs")),
        ("deletions", include_str!("deletions.rs")),
        ("drawdowns", include_str!("drawdowns.rs")),
        ("groups", include_str!("groups.rs")),
        ("lists", include_str!("lists.rs")),
        ("replays", include_str!("replays.rs")),
        ("tokens", include_str!("tokens.rs")),
    ];

    /// A case that is not listed would never run, and nothing would say so.
    #[test]
    fn every_case_is_listed() {
        let listed: Vec<&str> = include_str!("mod.rs").lines().map(str::trim).collect();
        for (module, text) in MODULES {
            assert!(listed.contains(&format!("{module} {{").as_str()), "{module}");
            let cases = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            for case in cases.filter_map(|line| line.split('(').next()) {
                assert!(listed.contains(&case), "{module}::{case}");
            }
        }
    }
}
