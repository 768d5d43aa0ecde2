//! What every store promises, case by case. `conformance!` makes a test of each.

#![allow(missing_docs, reason = "a case is named after its rule")]

pub mod accounts;
pub mod activated_together;
pub mod activations;
mod ask;
pub mod audits;
pub mod batches;
pub mod cards;
pub mod clients;
pub mod customers;
pub mod deletions;
pub mod drawdowns;
pub mod fixture;
pub mod groups;
pub mod liabilities;
pub mod lists;
pub mod locks;
pub mod pins;
pub mod refunds;
pub mod replacements;
pub mod replays;
pub mod settings;
pub mod staff;
pub mod tokens;
pub mod transactions;

use std::sync::Arc;

pub use ask::Ask;
pub use fixture::{Fixture, Opened, TestClock};

/// Runs one case on a store of its own.
pub fn run(open: impl AsyncFnOnce(Arc<TestClock>) -> Opened, case: impl AsyncFnOnce(Fixture)) {
    let clock = Arc::new(TestClock::default());
    // With a thread for what a store does beside the case, and while the case ends.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let opened = open(Arc::clone(&clock)).await;
        case(Fixture::new(opened, clock).await).await;
    });
}

/// Makes a test of each case, for a function that opens an empty store: `async fn(Arc<TestClock>) -> Opened`.
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
            transactions {
                a_history_is_read_oldest_first
                a_history_goes_on_after_any_of_its_transactions
                nothing_follows_a_transaction_of_another_card
                a_deleted_card_has_its_history_and_a_card_that_never_was_has_none
                a_transaction_is_read_by_its_id_in_its_own_account
                transactions_are_listed_newest_first
                pages_hold_each_transaction_once_while_more_are_written
                a_full_last_page_of_transactions_has_no_next
                transactions_are_filtered_by_card
                a_cards_list_has_the_order_of_the_accounts_list
                a_long_history_is_listed_whole
                transactions_are_filtered_by_reference
                transactions_are_filtered_by_when_they_were_written
                a_page_looks_at_no_more_transactions_than_it_may
            }
            audits {
                money_and_lines_are_told_newest_first
                a_line_tells_who_did_what_to_which_card_and_why
                pages_hold_each_record_once_while_more_is_done
                a_full_last_page_of_records_has_no_next
                records_are_filtered_by_what_was_done
                the_end_of_a_lapsed_lock_is_told_as_such
                records_are_filtered_by_client
                records_are_filtered_by_card
                records_are_filtered_by_when_it_was_done
                a_page_looks_at_no_more_records_than_it_may
            }
            liabilities {
                what_is_owed_is_told_by_currency_status_and_month
                a_lapsed_lock_reserves_nothing_whether_or_not_it_was_swept
                a_day_is_closed_once_it_is_over
                days_that_passed_unseen_are_closed_too
                a_clock_set_back_opens_days_again
                past_instants_are_told_as_they_were
                past_instants_of_another_history_are_told_as_they_were
                past_instants_of_a_third_history_are_told_as_they_were
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
                a_signing_key_that_is_young_enough_is_not_replaced
                a_server_value_never_changes_once_it_was_set
                a_store_that_works_says_so
            }
            refunds {
                a_fund_adds_money_once
                a_refund_gives_back_and_names_its_drawdown
                refunds_together_stay_within_their_drawdown
                refunds_of_one_group_share_their_drawdown
                a_drawdown_is_refunded_by_the_next_order_of_its_group
                only_a_drawdown_of_the_card_is_refunded
                a_capture_is_refunded_as_a_drawdown_is
                a_reversal_gives_the_whole_drawdown_back_once
                a_reversal_of_what_was_refunded_is_refused
                a_drawdown_is_reversed_soon_or_never
                who_made_a_drawdown_reverses_it
                a_partial_drawdown_takes_what_there_is
            }
            locks {
                a_lock_holds_money_without_taking_it
                a_lock_is_captured_in_parts
                a_void_frees_what_is_left
                each_end_of_a_lock_excludes_the_others
                ends_that_race_have_one_winner
                a_lock_that_ran_out_is_free_in_every_read
                what_has_run_out_counts_as_available_in_lists
                the_next_change_enters_what_has_run_out
                a_sweep_enters_all_that_has_run_out
                a_lock_is_made_and_ended_in_one_group
                a_lock_lives_as_long_as_the_account_says
                only_a_lock_is_captured_or_voided
                a_card_with_locks_is_not_deleted
            }
            replacements {
                a_replacement_moves_the_money_to_a_new_card
                a_replacement_takes_the_inactive_card_in_the_hand
                a_replaced_card_moves_no_money_and_stays_blocked
                a_replacement_sent_again_answers_the_first
                a_card_with_money_takes_no_other_cards_place
                a_refund_goes_to_the_last_card_in_line
                a_refund_sent_again_after_a_replacement_is_given_once
                a_drawdown_of_a_replaced_card_is_reversed_to_the_new_one
                a_card_is_made_replaced_and_drawn_from_in_one_group
            }
            staff {
                an_adjustment_adds_and_takes_money
                an_adjustment_never_takes_more_than_is_available
                a_blocked_card_pays_again_when_it_is_unblocked
                a_change_keeps_what_it_does_not_name
                the_last_day_moves_to_a_later_one
                a_forfeit_gives_up_what_is_left
            }
            activated_together {
                all_cards_get_their_money_in_the_order_asked
                one_card_that_cannot_be_activated_stops_all
                the_same_activations_again_answer_the_cards_as_they_are_now
                a_thousand_cards_are_activated_together
            }
            pins {
                a_card_is_looked_up_with_its_pin
                wrong_pins_are_counted_though_they_are_refused
                wrong_pins_of_one_group_are_counted_one_by_one
                each_client_has_its_own_tries
                another_pin_ends_the_counts_of_all
                twenty_wrong_pins_end_a_clients_use_of_the_pin
                an_account_may_demand_the_pin_of_every_token
            }
            settings {
                every_setting_reads_back_as_it_was_chosen
                a_card_is_not_made_with_more_than_the_account_allows
                a_card_holds_no_more_than_the_account_allows
                a_card_moves_no_more_on_a_day_than_the_account_allows
                a_client_moves_no_more_on_a_day_than_the_account_allows
                a_limit_counts_from_the_order_after_it
                a_card_expires_after_the_months_the_account_says
                a_test_accounts_clock_goes_forward
                a_test_clock_lets_locks_run_out
                production_has_no_clock_of_its_own
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
    const MODULES: [(&str, &str); 22] = [
        ("accounts", include_str!("accounts.rs")),
        ("activated_together", include_str!("activated_together.rs")),
        ("activations", include_str!("activations.rs")),
        ("audits", include_str!("audits.rs")),
        ("batches", include_str!("batches.rs")),
        ("cards", include_str!("cards.rs")),
        ("clients", include_str!("clients.rs")),
        ("customers", include_str!("customers.rs")),
        ("deletions", include_str!("deletions.rs")),
        ("drawdowns", include_str!("drawdowns.rs")),
        ("groups", include_str!("groups.rs")),
        ("liabilities", include_str!("liabilities.rs")),
        ("lists", include_str!("lists.rs")),
        ("locks", include_str!("locks.rs")),
        ("pins", include_str!("pins.rs")),
        ("refunds", include_str!("refunds.rs")),
        ("replacements", include_str!("replacements.rs")),
        ("replays", include_str!("replays.rs")),
        ("settings", include_str!("settings.rs")),
        ("staff", include_str!("staff.rs")),
        ("tokens", include_str!("tokens.rs")),
        ("transactions", include_str!("transactions.rs")),
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
