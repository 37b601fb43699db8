"""Command lines of OpenDJ's tools, judged by options.kdl beside this file.

In: the arguments of a tool. Out: subcommand, options, and what is left; or why they are refused.
"""

import os
import re

HOME = os.path.dirname(os.path.abspath(__file__))


class Refused(Exception):
    """What a tool says on its way out, and its exit code."""

    def __init__(self, why, code=1):
        super().__init__(why)
        self.code = code



def read_options():
    """options.kdl: {tool: {"": form, subcommand: form}}, a form being its lists by the word of the line."""
    tools, tool, sub = {}, None, None
    for line in open(f"{HOME}/options.kdl", encoding="utf-8"):
        words = re.findall(r'"[^"]*"|[^\s"]+(?:"[^"]*")?', line.split("//")[0])
        if not words or words[0] == "}":
            sub = "" if sub else None
            continue
        kind, names = words[0], [it.strip('"') for it in words[1:] if it.startswith('"')]
        props = dict(it.split("=", 1) for it in words[1:] if "=" in it)
        props = {key: value.strip('"') for key, value in props.items()}
        if kind == "tool":
            tool, sub = tools.setdefault(names[0], {}), ""
            tool[""] = {"option": {}, "conflict": [], "needs": [], "property": []}
        elif kind == "subcommand":
            sub = names[0]
            tool[sub] = {"option": {}, "conflict": [], "needs": [], "property": []}
        elif kind == "option":
            tool[sub]["option"][names[0]] = props
        else:
            tool[sub][kind].append(names)
    return tools


def parse(tool, words):
    """A command line as ArgumentParser.java takes it: subcommand, options, what is left."""
    forms = read_options()[tool]
    given, rest, sub = {}, [], ""
    words = list(words)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            if len(forms) > 1 and not sub:
                if word not in forms:
                    raise Refused(f'the argument "{word}" is not a recognized subcommand')
                sub = word
                continue
            rest.append(word)
            continue
        options = {**forms[""]["option"], **forms[sub]["option"]}
        name, _, value = word.lstrip("-").partition("=")
        if not word.startswith("--"):
            named = [it for it, props in options.items() if props.get("short") == word[1:]]
            if not named:
                raise Refused(f'argument "{word}" is not allowed for use with this program')
            name, value = named[0], ""
        props = options.get(name)
        if props is None:
            raise Refused(f'argument "--{name}" is not allowed for use with {tool} {sub}'.rstrip())
        if "takes" in props and not value:
            if not words:
                raise Refused(f'argument "--{name}" requires a value')
            value = words.pop(0)
        if "password" in props:
            raise Refused(f"--{name}: everybody on this host can read a password among the arguments")
        if "file" in props:
            value = password(name, value)
        if name in given and "values" not in props:
            raise Refused(f'argument "--{name}" was provided multiple times')
        given.setdefault(name, []).append(value)
    if len(forms) > 1 and not sub:
        raise Refused("no subcommand")
    for form in (forms[""], forms[sub]):
        for pair in form["conflict"]:
            if all(it in given for it in pair):
                raise Refused(f"the options --{pair[0]} and --{pair[1]} exclude each other", 4)
        for name in form["needs"]:
            if name[0] not in given:
                raise Refused(f"--{name[0]} is missing: it would be asked for, and nobody answers", 2)
    for name in given.get("property", []) + [it.split(":")[0] for it in given.get("set", [])]:
        if [name] not in forms[sub]["property"]:
            raise Refused(f'the property "{name}" is not a recognized property')
    return sub, given, rest


def password(name, path):
    """The first line of a file, as FileBasedArgument.java has it."""
    try:
        with open(path, encoding="utf-8") as file:
            bits = os.fstat(file.fileno()).st_mode
            found = file.readline().rstrip("\n")
    except OSError as error:
        raise Refused(f"--{name}: {error}") from error
    if bits & 0o077:
        raise Refused(f"--{name}: others may read {path}")
    if not found:
        raise Refused(f"--{name}: {path} is empty")
    return found
