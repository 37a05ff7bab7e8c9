//! Entity tags. A tag of S3 that has no dash is taken for an MD5 by many clients;
//! ours is the SHA-256 of the content, so it has one.

use landfall_model::{Condition, Contents};
use s3s::dto::{ETag, ETagCondition};

const MARK: &str = "-1";

pub fn etag(digest: &str) -> ETag {
    ETag::Strong(format!("{digest}{MARK}"))
}

/// A tag that is none of ours is the tag of no content.
fn contents(condition: &ETagCondition) -> Contents {
    match condition {
        ETagCondition::Any => Contents::Any,
        ETagCondition::ETag(tag) => {
            let digest = tag.as_strong().and_then(|tag| tag.strip_suffix(MARK));
            Contents::OneOf(digest.map(str::to_owned).into_iter().collect())
        }
    }
}

pub fn condition(is: Option<&ETagCondition>, is_not: Option<&ETagCondition>) -> Condition {
    Condition { is: is.map(contents), is_not: is_not.map(contents) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_ours_is_read_back_and_any_other_is_of_nothing() {
        let ours = ETagCondition::ETag(etag("ab"));
        assert_eq!(condition(Some(&ours), None).is, Some(Contents::OneOf(vec!["ab".into()])));
        assert_eq!(condition(None, Some(&ETagCondition::Any)), Condition::absent());
        for other in [ETag::Strong("ab".into()), ETag::Weak("ab-1".into())] {
            assert_eq!(condition(Some(&ETagCondition::ETag(other)), None).is, Some(Contents::OneOf(Vec::new())));
        }
    }
}
