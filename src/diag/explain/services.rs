//! Products and services: CG0301 to CG0499.

super::explanations! {
    ProductVersion, "err/gluu/a-version-that-is-not-covered.case":
        "A product's paths, ports and order of steps change between versions. For one that
         clustergen does not know they would be those of another.";
        "Name a version that is covered, or write the services out by yourself: `clustergen expand`
         prints those of a covered version to start from.";

    ProductPlatform, "err/gluu/a-release-that-the-vendor-never-named.case":
        "The vendor's guides never named this release, so the vendor's packages may not be there for
         it, and its support may decline.";
        "Take a release that the vendor names, or know what you do: it is a warning.";

    ProductPart, "err/gluu/vendor-certificates-that-java-does-not-know.case":
        "A part of the vendor's guide is not made with what the description says. Whoever believes that
         all is done would find out when a host is lost.";
        "Do it by hand, as the guide says, or describe what is made.";

    PortTaken, "err/nginx/a-port-that-is-taken.case":
        "Only one program can listen on a port of a host. The second one does not start, and which
         one is the second may differ from boot to boot.";
        "Give one of them another port, or another host.";

    PathTaken, "err/file/a-whole-file-where-a-block-goes.case":
        "Two that write one file undo each other at every run, and a host would never be as its
         bundle says.";
        "Leave the file to one of them. `extra` adds lines to a file that a service owns.";

    UnderSync, "err/csync2/a-host-s-own-file-under-a-sync.case":
        "What is kept alike on several hosts is carried from one to the others: a file that has to
         differ from host to host would be overwritten with a neighbour's.";
        "Exclude the path from the sync, or put the file somewhere else.";

    NotTakenUp, "err/csync2/a-reload-for-what-the-sync-brings.case":
        "What lies under a path that a sync fills is installed on the member whose files win, and the
         sync brings it to the others. There no `apply.sh` sees it change, so it reloads nothing.";
        "Give the sync an `action` that does it, or put the file where no sync fills the path.";

    Unquotable, "err/csync2/a-quote-in-a-command.case":
        "Every format has characters that it cannot carry in this place, however they are quoted.
         Written all the same, the text would end early and the rest would be read as directives.";
        "Write it without them. What the format needs as it is goes into an `extra` line, which the
         program itself checks.";

    TooOld, "err/nginx/a-version-that-is-too-old.case":
        "The program would refuse the file, or take the directive for something else. What a version
         can do is known from its platform, or from `version` where another one is installed.";
        "Do without, take a later platform, or name the version that really runs there.";

    ScheduleFull, "err/csync2/more-members-than-minutes.case":
        "No two members of a group may run in the same minute: two that change at once are how
         conflicts come about. More members than minutes do not fit.";
        "Let it happen less often, or make groups of fewer members.";

    TooFew, "err/csync2/one-member-alone.case":
        "What is to survive the loss of a host needs a second one. A cluster of one would look like
         one, and be none.";
        "Name at least as many as the help says.";

    UnknownName, "err/nginx/an-upstream-that-is-not-there.case":
        "The service refers to a part of its own that it does not define, so nothing would answer.";
        "Write the name that is proposed, or define it.";

    NotPackaged, "err/csync2/a-platform-without-a-package.case":
        "The platform's distribution, with the repositories that the table of platforms names, does
         not ship the program. A bundle could not be applied there.";
        "Put it on another platform, or choose another way to do this.";

    SinglePoint, "err/gluu/one-load-balancer.case":
        "Everything passes through one host: while it is down, so is the cluster.";
        "Add a second one, and let an address move between them. Where an outage is acceptable, leave
         it: it is a warning.";

    ContentName, "err/file/a-name-that-content-does-not-know.case":
        "Between double braces `content` takes four names and nothing else, so that a file never
         depends on what a reviewer cannot see. Outside of files nothing is filled in, and a host
         would be given the braces.";
        "Write one of the names, or write it into a file that is read. In a file, braces that are
         meant as such are written as the help shows.";

    Unsafe, "err/file/a-secret-that-everybody-may-read.case":
        "The program would take it, and the cluster would work, but with a hole in it or with data at
         stake.";
        "Follow the help: it names the safe way to the same end.";

    StepCircle, "err/step/a-step-that-waits-for-itself.case":
        "Steps that wait for each other are never done, and a bring-up would stop there.";
        "Take one `after` out of the circle: the one that only describes a habit.";

    ClosedPort, "err/firewall/a-port-for-nobody.case":
        "A firewall lets those in whom the description leads to a port. Something listens there for
         others than everybody, and nothing dials it: from the next apply on nobody gets through.";
        "Say who comes, with `from=` behind `listens` or with the service that dials it. Where
         nothing listens there any more, take it out.";

    Unused, "err/nginx/what-nothing-uses.case":
        "A group or an upstream is there to be named by others. One that nobody names does nothing:
         mostly the place where it should stand has another name, or none.";
        "Name it where it is meant to be, or take it out.";

    Unreachable, "err/inventory/two-hosts-without-a-kind-of-address-in-common.case":
        "A host with IPv4 alone cannot dial one with IPv6 alone, unless something between them
         translates, which this description would not know of.";
        "Give one of the two an address of the other kind.";

    MixedPurpose, "err/csync2/a-member-without-an-address-for-replication.case":
        "csync2 calls from the address of its own name and is known by it. A member with an inner
         address calls all the others from there, and one that is not in that network may have no
         way to answer.";
        "Give every member an address for replication, or none.";
}
