//! The oldest landing that retention may take, past what is held.

use landfall_catalog::holds::Subject;
use landfall_catalog::lists::Page;
use landfall_catalog::testing::for_each_catalog;

use crate::support::*;

#[tokio::test]
async fn the_oldest_landing_is_one_that_is_not_held() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let oldest = async || catalog.oldest_landing(&orders()).await.unwrap();
        let hold = async |id: &landfall_model::LandingId| catalog.hold(Subject::Landing(id.clone()), "case 7", "key:admin").await.unwrap();
        assert_eq!(oldest().await, None);
        let (file, _) = put(&catalog, "a", "x").await;
        let landed = catalog.landing(&file).await.unwrap().unwrap();
        let (first, second) = (land_events(&catalog, 3).await, land_events(&catalog, 2).await);
        let (third, fourth) = (land_events(&catalog, 1).await, land_events(&catalog, 1).await);
        assert_eq!(oldest().await, Some(landed.received_at));
        hold(&file).await;
        assert_eq!(oldest().await, Some(first.received_at));
        // The second was staged with the first and holds it too; the third stands alone.
        let sink = sink(&catalog).await;
        stage_range(&catalog, &sink, 1, 5, first.size + second.size, 0).await;
        hold(&second.id).await;
        assert_eq!(oldest().await, Some(third.received_at));
        hold(&third.id).await;
        assert_eq!(oldest().await, Some(fourth.received_at));
        assert!(catalog.release(Subject::Landing(second.id.clone())).await.unwrap());
        assert_eq!(oldest().await, Some(first.received_at));
        assert_eq!(catalog.oldest_landing(&"other".parse().unwrap()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn holds_are_listed_by_subject() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let (file, _) = put(&catalog, "a", "x").await;
        let held = catalog.hold(Subject::Landing(file.clone()), "case 7", "key:admin").await.unwrap();
        let all = catalog.hold(Subject::Dataset(orders()), "case 8", "key:admin").await.unwrap();
        assert_eq!((held.landing(), all.landing()), (Some(file.as_str()), None));
        let again = catalog.hold(Subject::Dataset(orders()), "case 9", "key:other").await.unwrap();
        assert_eq!((again.reason.as_str(), again.created_at), ("case 9", all.created_at));
        let page = |after: Option<&str>, limit| Page { dataset: Some(orders()), after: after.map(str::to_owned), limit };
        assert_eq!(catalog.list_holds(&page(None, 1)).await.unwrap(), std::slice::from_ref(&held));
        assert_eq!(catalog.list_holds(&page(Some(file.as_str()), 10)).await.unwrap(), std::slice::from_ref(&again));
        let other = Page { dataset: Some("other".parse().unwrap()), after: None, limit: 10 };
        assert_eq!(catalog.list_holds(&other).await.unwrap(), []);
        assert_eq!(catalog.holds("", 10).await.unwrap(), [held, again]);
    })
    .await;
}
