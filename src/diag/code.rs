//! The codes: stable names of everything that clustergen can complain about.
//!
//! A code is never reused. The hundreds are the stages in which the faults are found.

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        /// The stable code of a diagnostic.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// Every code, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// `CG0101`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it is about, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    // 00: reading
    Syntax = "CG0001", "the text is no KDL 2";
    CannotRead = "CG0002", "a file cannot be read";
    TooDeep = "CG0003", "the text is nested too deeply";
    Include = "CG0004", "an include that cannot be followed";

    // 01: the schema
    UnknownNode = "CG0101", "a node that nothing knows";
    UnknownProperty = "CG0102", "a property that the node does not have";
    WrongValue = "CG0103", "a value of the wrong kind or out of range";
    Missing = "CG0104", "something that the node needs is not there";
    Repeated = "CG0105", "something is written twice that may be written once";
    TooMany = "CG0106", "more arguments than the node takes";
    OnlyOneOf = "CG0107", "alternatives that exclude each other, or none of them";
    Annotation = "CG0108", "a type annotation that says nothing here";

    // 02: the inventory
    NameTaken = "CG0201", "two things of one name";
    UnknownHost = "CG0202", "a host or group that is not described";
    AddressTaken = "CG0203", "two hosts with one address";
    UnknownPlatform = "CG0205", "a platform that is not known or not supported";
    UnknownSecret = "CG0206", "a secret that nothing declares";
    UnknownCertificate = "CG0207", "a certificate that nothing declares";
    GroupInItself = "CG0208", "a group that contains itself";
    Unmanaged = "CG0209", "a host that gets no bundle is asked to run something";
    Placeholder = "CG0210", "a placeholder was left in";

    // 03: products
    ProductVersion = "CG0301", "a version of a product that is not covered";
    ProductPlatform = "CG0302", "a release that the product's vendor never named";
    ProductPart = "CG0303", "a part of a product that is not made yet";

    // 04: services
    PortTaken = "CG0401", "two listeners on one port of a host";
    PathTaken = "CG0402", "two owners of one path on a host";
    UnderSync = "CG0403", "a host's own file under a path that is kept alike";
    Unquotable = "CG0404", "a text that the file's format cannot carry";
    TooOld = "CG0405", "the platform's version cannot do this";
    ScheduleFull = "CG0406", "more members than the schedule has room for";
    TooFew = "CG0407", "fewer members than it takes";
    UnknownName = "CG0408", "a name that the service does not define";
    NotPackaged = "CG0409", "the platform has no package for this";
    SinglePoint = "CG0410", "a single point of failure";
    ContentName = "CG0411", "a name between braces that is not filled in";
    Unsafe = "CG0412", "it works, but not safely";
    StepCircle = "CG0413", "one-time steps that wait for each other";
    ClosedPort = "CG0414", "a port that a firewall closes to everybody";
    NotTakenUp = "CG0415", "a file that a sync brings, and that nobody takes up";
    Unused = "CG0416", "something that nothing uses";
    Unreachable = "CG0431", "two hosts without a kind of address in common";
    MixedPurpose = "CG0432", "members of which only some have an address for the purpose";

    // 05: identity
    NeedsVault = "CG0501", "something new is needed, and the vault is not here";
    LockDamaged = "CG0502", "the lock cannot be read";
    LockConflict = "CG0503", "two lines of the lock contradict each other";
    IdentityMismatch = "CG0504", "lock, certificates and vault do not belong together";
    SecretUnset = "CG0505", "a secret has no value yet";
    NotSealable = "CG0506", "a key to which nothing can be encrypted";
    OtherRecipients = "CG0507", "a vault that is not encrypted to whom the description names";
    ForeignSeal = "CG0508", "sealed secrets of which nothing says that the vault sealed them";
    CertificateFile = "CG0521", "a file that is no certificate to show";
    CertificateName = "CG0522", "a certificate that does not carry a name";
    ChainBroken = "CG0523", "certificates that did not sign each other";
    KeyMismatch = "CG0524", "a certificate and a key that do not belong together";
    AuthorityEnds = "CG0525", "a certificate that its authority does not outlive";
    AuthorityChanges = "CG0526", "another authority signs than did before";

    // 06: rendering
    Template = "CG0601", "a template cannot be used";
    Reserved = "CG0602", "a character that clustergen keeps for itself";
}
