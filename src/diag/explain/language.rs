//! Reading, the schema and the inventory: CG0001 to CG0299.

super::explanations! {
    Syntax, "err/reading/a-string-that-is-not-closed.case":
        "A description is KDL 2. Behind a text that cannot be read nothing is sure: what looks like a
         second fault may come of the first, so only the structure of the rest is looked at.";
        "Mend the place that is shown. Text stands in quotes, truth values are `#true` and `#false`,
         and a node ends with its line or with `;`.";

    CannotRead, "err/templates/a-folder-that-is-not-there.case":
        "The description names a file or folder that is not there, is none, or is no text.";
        "Name it relative to the description, and see that it is UTF-8 and that you may read it.";

    TooDeep, "err/reading/nested-too-deeply.case":
        "No description needs more than six levels. Far deeper ones are a slip of an editor or
         of a generator, and would cost the parser its stack.";
        "Take the extra levels out: most often a `}` is missing further up.";

    Include, "err/reading/an-include-of-itself.case":
        "An included file stands in the place of its `include`, so it can be taken in only once, and
         never into itself. It has to lie below the description's folder: only then does a copy of
         the folder, or a clone, build to the same bytes.";
        "Include each file once, from one place, by a relative path.";

    UnknownNode, "err/schema/a-node-that-nothing-knows.case":
        "A name that nothing knows is a slip of the hand. If it were passed over, a part of the
         cluster would be missing, and nobody would see it.";
        "Write the name that is proposed. `clustergen schema` lists all nodes, `clustergen schema
         nginx` the children of one.";

    UnknownProperty, "err/schema/a-property-that-the-node-does-not-have.case":
        "A property that the node does not have would say nothing.";
        "Write the name that is proposed. It may also be a child of the node: `clustergen schema`
         with the node's name tells them apart.";

    WrongValue, "err/certificate/a-validity-under-a-day.case":
        "Every value has a type with a range, and often a meaning beyond it. Held against them here,
         it cannot end up in a file that a daemon refuses at night.";
        "Write what the help says. The types are at the end of `clustergen schema`.";

    Missing, "err/schema/file.on-missing.case":
        "The node cannot mean anything without it, and a default would be a guess.";
        "Add it as the help shows.";

    Repeated, "err/schema/a-property-written-twice.case":
        "Where one is meant, two leave it open which of them holds.";
        "Keep one of them.";

    TooMany, "err/schema/an-argument-too-many.case":
        "The node takes fewer arguments. The one too many is a second thought, or belongs to
         another node.";
        "Take it out, or write it as the example in the help has it.";

    OnlyOneOf, "err/schema/file-only-one-of-reload-restart.case":
        "The alternatives exclude each other: with both, one would silently lose; with none, where
         one is needed, nothing would happen.";
        "Keep one of them, or add one.";

    Annotation, "err/schema/an-annotation-that-says-nothing.case":
        "Types are known from the schema. Of KDL's annotations only `(secret)` has a meaning.";
        "Take the annotation out.";

    NameTaken, "err/inventory/two-hosts-of-one-name.case":
        "Names are how the parts of a description refer to each other, how the lock keeps what was
         allotted, and how folders and files are called. Two things of one name cannot be told
         apart.";
        "Rename one of them, or take it out where it is the same thing.";

    UnknownHost, "err/inventory/a-host-that-is-not-described.case":
        "What is asked of a host that is not described would be done nowhere.";
        "Write the name that is proposed, or describe the host: `host \"web1\" address=\"…\"`. A host
         that somebody else looks after is described with `managed=#false`.";

    AddressTaken, "err/inventory/two-hosts-with-one-address.case":
        "Names are looked up to addresses: with one address for two hosts, one of them gets the
         other's traffic, and its certificates do not fit.";
        "Give each host its own address. What moves between hosts is none of them: leave it out.";

    UnknownPlatform, "err/inventory/a-platform-without-systemd.case":
        "Paths, package names, units and what a version can do come from a table of distribution
         releases. For a release that is not in it every one of them would be a guess.";
        "Name a release that the table has (`clustergen schema` lists them at its end), or upgrade
         the host first.";

    UnknownSecret, "err/file/a-secret-that-nothing-declares.case":
        "A file would carry a token that nobody ever fills in.";
        "Write the name that is proposed, or declare it: `secret \"name\" { generate length=32; }`.";

    UnknownCertificate, "err/certificate/a-certificate-that-nothing-declares.case":
        "A certificate carries names that its peers verify. One that nothing declares has none.";
        "Write the name that is proposed, or declare it:
         `certificate \"www\" { names \"www.example.org\"; }`.";

    GroupInItself, "err/inventory/a-group-in-itself.case":
        "Who belongs to a group that contains itself has no answer.";
        "Take one of the groups out of the other's members.";

    Unmanaged, "err/nginx/on-a-host-that-gets-no-bundle.case":
        "`managed=#false` says that somebody else looks after the host: it is known to the others and
         gets no bundle. A service on it would never be set up.";
        "Take `managed=#false` off, or name another host. As a server behind an upstream it may be
         named.";

    Placeholder, "err/schema/a-placeholder-left-in.case":
        "Guides mark what is to be filled in, as `xxx.xxx`, `<password>` or `changeme`. Some of it
         would even work, which is worse.";
        "Write the real value.";
}
