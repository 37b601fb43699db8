//! What a host says of itself in `/etc/os-release`, for each platform of `schema/platforms.kdl`.
//!
//! The programs are those of the machine all the same.

/// The words that differ, as each distribution's file has them (os-release(5)).
struct Face {
    platform: &'static str,
    name: &'static str,
    id: &'static str,
    like: &'static str,
    version: &'static str,
    codename: &'static str,
}

#[rustfmt::skip]
const FACES: [Face; 17] = [
    face("debian-11", "Debian GNU/Linux", "debian", "", "11", "bullseye"),
    face("debian-12", "Debian GNU/Linux", "debian", "", "12", "bookworm"),
    face("debian-13", "Debian GNU/Linux", "debian", "", "13", "trixie"),
    face("ubuntu-18.04", "Ubuntu", "ubuntu", "debian", "18.04", "bionic"),
    face("ubuntu-20.04", "Ubuntu", "ubuntu", "debian", "20.04", "focal"),
    face("ubuntu-22.04", "Ubuntu", "ubuntu", "debian", "22.04", "jammy"),
    face("ubuntu-24.04", "Ubuntu", "ubuntu", "debian", "24.04", "noble"),
    face("rhel-7", "Red Hat Enterprise Linux Server", "rhel", "fedora", "7.9", ""),
    face("centos-7", "CentOS Linux", "centos", "rhel fedora", "7", ""),
    face("rhel-8", "Red Hat Enterprise Linux", "rhel", "fedora", "8.10", ""),
    face("centos-8", "CentOS Linux", "centos", "rhel fedora", "8", ""),
    face("rocky-8", "Rocky Linux", "rocky", "rhel centos fedora", "8.10", ""),
    face("alma-8", "AlmaLinux", "almalinux", "rhel centos fedora", "8.10", ""),
    face("rhel-9", "Red Hat Enterprise Linux", "rhel", "fedora", "9.6", ""),
    face("centos-9", "CentOS Stream", "centos", "rhel fedora", "9", ""),
    face("rocky-9", "Rocky Linux", "rocky", "rhel centos fedora", "9.6", ""),
    face("alma-9", "AlmaLinux", "almalinux", "rhel centos fedora", "9.6", ""),
];

const fn face(
    platform: &'static str,
    name: &'static str,
    id: &'static str,
    like: &'static str,
    version: &'static str,
    codename: &'static str,
) -> Face {
    Face { platform, name, id, like, version, codename }
}

/// The file of a platform.
pub(crate) fn os_release(platform: &str) -> String {
    let face = FACES.iter().find(|face| face.platform == platform);
    let Face { name, id, like, version, codename, .. } =
        face.unwrap_or_else(|| panic!("nobody knows how {platform} calls itself"));
    // Debian and Ubuntu quote what has to be, the others everything
    let quote = if codename.is_empty() { "\"" } else { "" };
    let mut text = format!("NAME=\"{name}\"\nID={quote}{id}{quote}\nVERSION_ID=\"{version}\"\n");
    for (key, value) in [("ID_LIKE", like), ("VERSION_CODENAME", codename)] {
        if !value.is_empty() {
            text.push_str(&format!("{key}={quote}{value}{quote}\n"));
        }
    }
    text.push_str(&format!("PRETTY_NAME=\"{name} {version}\"\n"));
    text
}

#[test]
fn every_platform_has_a_face() {
    let schema = include_str!("../../schema/platforms.kdl");
    let lines = schema.lines().map(str::trim);
    let named = lines.filter(|line| line.starts_with("platform ") || line.starts_with("also "));
    let strings = |line: &str| -> Vec<String> {
        line.split(" family=")
            .next()
            .unwrap()
            .split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let platforms: Vec<String> = named.flat_map(strings).collect();
    assert!(platforms.len() >= FACES.len(), "{platforms:?}");
    for platform in platforms {
        let (family, release) = platform.split_once('-').unwrap();
        let text = os_release(&platform);
        let text = text.replace("ID=\"", "ID=");
        assert!(text.contains(&format!("\nID={family}")), "{platform}: {text}");
        assert!(text.contains(&format!("VERSION_ID={release}")), "{platform}: {text}");
    }
}
