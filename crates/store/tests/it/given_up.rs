//! Answers that nobody waits for any more.

use domain::Timestamp;
use futures::poll;
use store::{Store, StoreError, testing::TestDatabase};

async fn read(store: &Store) -> Result<(), StoreError> {
    let histories = store.histories("web", &["cpu"], Timestamp::EPOCH);
    histories.await.map(drop)
}

/// A read of several tables in a transaction, which is given up after so many looks at how far it is.
async fn give_up(store: &Store, looks: usize) {
    let mut read = Box::pin(read(store));
    for _ in 0..looks {
        if poll!(&mut read).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_read_that_is_given_up_at_any_moment_leaves_no_transaction_behind() {
    let database = TestDatabase::create().await;
    let store = database.store();
    for looks in (1..=20).cycle().take(400) {
        give_up(store, looks).await;
        // Each connection of the pool may be the one.
        for _ in 0..3 {
            read(store).await.unwrap();
        }
    }
}
