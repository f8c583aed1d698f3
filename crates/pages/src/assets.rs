//! What a page is drawn and moved with. An asset is named by its content, so that a browser may keep it for ever.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// Something that pages refer to.
#[derive(Debug)]
pub struct Asset {
    stem: &'static str,
    ending: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub text: &'static str,
    name: LazyLock<String, fn() -> String>,
}

macro_rules! assets {
    ($($constant:ident: $stem:literal $ending:literal $content_type:literal;)*) => {
        $(
            pub(crate) static $constant: Asset = Asset {
                stem: $stem,
                ending: $ending,
                content_type: $content_type,
                text: include_str!(concat!("../assets/", $stem, ".", $ending)),
                name: LazyLock::new(|| $constant.hashed()),
            };
        )*
        /// Every asset.
        pub static ALL: &[&Asset] = &[$(&$constant),*];
    };
}

assets! {
    STYLE: "style" "css" "text/css; charset=utf-8";
    SCRIPT: "script" "js" "text/javascript; charset=utf-8";
    ICON: "icon" "svg" "image/svg+xml";
}

impl Asset {
    /// `style-0123456789abcdef.css`.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn hashed(&self) -> String {
        let digest = Sha256::digest(self.text.as_bytes());
        let digits: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{}-{digits}.{}", self.stem, self.ending)
    }
}

/// The asset of that name, of this very content.
pub fn find(name: &str) -> Option<&'static Asset> {
    ALL.iter().copied().find(|asset| asset.name() == name)
}

/// Where it is.
pub(crate) fn path(asset: &Asset) -> String {
    format!("/ui/assets/{}", asset.name())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn an_asset_is_found_by_its_content_alone() {
        for asset in ALL {
            assert_eq!(find(asset.name()).map(|found| found.text), Some(asset.text));
        }
        assert!(find("style.css").is_none());
        assert!(find("style-0000000000000000.css").is_none());
    }

    #[test]
    fn assets_are_light() {
        for (asset, most) in ALL.iter().zip([8_000, 30_000, 1_000]) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(asset.text.as_bytes()).unwrap();
            let bytes = encoder.finish().unwrap().len();
            eprintln!("{}: {bytes} bytes compressed", asset.name());
            assert!(bytes <= most, "{}: {bytes}", asset.name());
        }
    }

    #[test]
    fn assets_ask_nobody_else() {
        for asset in ALL {
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http"), "{}", asset.name());
            assert!(!text.contains("//cdn"), "{}", asset.name());
        }
    }
}
