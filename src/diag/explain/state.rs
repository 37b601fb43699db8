//! Lock, vault, certificates and templates: CG0501 and above.

super::explanations! {
    NeedsVault, "state/a-lock-that-lacks-a-host-and-no-vault.txt":
        "Keys and passwords are made once and kept in the vault, which is not in git. Without it
         everything that was made before can be built, but nothing new can be made: a second
         authority would break the trust between the hosts.";
        "Build where the vault is, and commit the lock and the certificates.";

    LockDamaged, "state/a-line-that-is-none.txt":
        "The lock holds what was allotted once and must not move, such as ids and minutes. A line
         that cannot be read would be allotted anew.";
        "Take the file from the last commit. After a merge, take the marks of git out of it.";

    LockConflict, "state/two-hosts-with-one-slot.txt":
        "Two lines allot one thing twice. It happens where two branches added hosts and were merged.";
        "Take out the line that came later; the next build allots anew what it was for.";

    IdentityMismatch, "state/a-certificate-of-somebody-else.txt":
        "The lock names a certificate by its fingerprint, and the one that lies there is another, or
         the vault holds another key. Peers that know the first would refuse the second.";
        "Take the state folder and the vault from one and the same time. To have a certificate made
         anew, take its line out of the lock.";

    SecretUnset, "err/secret/without-a-value.case":
        "The secret comes from a person, and nobody has given it yet. Files carry its token, so all
         can be built and reviewed; packing and applying need the value.";
        "Give it before you pack or apply.";

    NotSealable, "err/secret/a-host-key-that-is-cut-off.case":
        "Secrets are encrypted to public keys: the vault's recipients, and the hosts' SSH keys. Age
         takes ed25519 and RSA keys, whole; and a host opens what is sealed to it with the package
         age of its distribution.";
        "Copy the key anew: `apply.sh --host-key` prints it. Where age cannot be had, carry the
         secrets by `clustergen pack`.";

    OtherRecipients, "vault/a-recipient-more.txt":
        "The vault's files are encrypted when they are written. Who is named later cannot open those
         that are there, and who is taken out can still open them.";
        "Run `clustergen secrets rekey` and commit what it writes. What somebody could open once is
         known to them: draw anew what matters by `clustergen secrets rotate`.";

    ForeignSeal, "vault/a-blob-of-somebody-else.txt":
        "A host opens what is sealed to its SSH key, whoever sealed it: its key is public. So the lock
         has a digest of each blob that only who has the vault can make. Where it is missing or wrong,
         values of somebody else may be in there.";
        "`clustergen build` with the vault seals the vault's values anew; with `--strict` it stops here
         first. Find out who committed the blob. Lines of an older clustergen have no `mac=`: build
         once without `--strict`, and commit what is new.";

    CertificateFile, "err/certificate/a-file-that-is-cut-off.case":
        "What somebody else signed is shown as it is committed. A daemon refuses a file that is no
         certificate, and then serves nobody.";
        "Copy the file anew from whoever signed it, as PEM, its own certificate first.";

    CertificateName, "err/certificate/a-file-for-other-names.case":
        "Clients look for the name that they dialled among the certificate's DNS names, and refuse
         what does not carry it.";
        "Have it signed for all names: `clustergen certs csr` asks for those of `names`. Or take the
         name out.";

    ChainBroken, "err/certificate/a-chain-in-the-wrong-order.case":
        "Clients follow the signatures from the server's certificate to an authority that they trust.
         Where one does not lead to the next, most of them stop, and a few guess.";
        "Write the server's own certificate first, and behind each the one that signed it.";

    KeyMismatch, "state/a-certificate-for-another-key.txt":
        "A daemon that is given a certificate and the key of another one does not start.";
        "Have a new certificate signed for the key in the vault, or bring the key that belongs to
         this one.";

    AuthorityEnds, "state/a-certificate-that-ends-with-its-authority.txt":
        "Nobody believes a certificate whose authority has ended, whatever day it names itself. So it
         is made to end with the authority, and this is told while there is time.";
        "Plan for a new authority: every host has to trust both for a while. Or ask for a shorter
         `validity`.";

    AuthorityChanges, "state/an-authority-that-changes.txt":
        "Hosts believe whom their authority signed. Where another one signs, each host refuses those
         that do not have their new certificate yet, and is refused by them.";
        "Apply to all hosts in one go, when they may be without each other for as long as it takes. An
         authority that has the name and the key of the one before changes nothing.";

    Template, "err/templates/a-name-that-the-view-does-not-have.case":
        "A template of yours replaces one of clustergen's. It is given values that are quoted for
         their format, so it may lay them out and nothing else.";
        "Mend the line that is shown. `templates/` in clustergen's sources has the templates as they
         are, with every name that they are given.";

    Reserved, "err/schema/a-character-that-is-reserved.case":
        "Some texts mark places for clustergen itself: where a value comes from, and where a secret
         goes. Taken from a description, they could name a place that is not theirs.";
        "Take them out. A secret is put in by its name.";
}
