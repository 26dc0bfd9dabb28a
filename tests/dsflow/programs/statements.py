"""What the main program does besides calling tasks with objects: with its own objects, with containers, with files."""

from __future__ import annotations

from tests.dsflow.programs.calls import Calls
from tests.dsflow.programs.elements import Elements
from tests.dsflow.programs.files import ABSENT, Files
from tests.dsflow.programs.script import CHANGING, CONTAINERS, FUTURE, HERE, LITERALS, THINGS, Datum, Script
from tests.dsflow.programs.signatures import METHODS, OBJECTS

MUTATIONS: dict[str, list[str]] = {
    "list": ["{}.append(99)", "{}[:1] = [7]", "{}.reverse()"],
    "dict": ["{}['main'] = 5", "{}.pop('latest', None)"],
    "array": ["{}[0] = 41", "np.multiply({0}, 2, out={0})"],
    "account": ["{}.balance += 1", "{}.log.append(8)"],
}


class ObjectStatements:
    """What is done with objects."""

    def __init__(self, script: Script, elements: Elements, calls: Calls) -> None:
        self.script = script
        self.elements = elements
        self.calls = calls
        self.statements = [
            (self.assign_literal, 3), (self.call_on_itself, 2), (self.call_method, 3), (self.mutate, 4),
            (self.observe, 3), (self.alias, 1), (self.hold, 1), (self.share, 1), (self.temporary, 1), (self.drop, 1),
        ]  # fmt: skip

    def assign_literal(self) -> None:
        kind = self.script.rng.choice([kind for kind in LITERALS if kind != "constant"])
        self.script.assign(self.script.rng.choice(LITERALS[kind]), Datum(kind, typed=kind == "account"))

    def call_on_itself(self) -> None:
        """Pass one object under two names: ``extend(a, a)``, ``append_pair(a, [a, a])``."""
        choose = self.script.rng.choice
        signature = choose(
            [each for each in OBJECTS if each.takes[0].writes and each.takes[-1].kind in ("any", each.takes[0].kind)]
        )
        first = self.script.thing(signature.takes[0])
        last = self.script.named(first.text)
        if signature.takes[-1].kind == "any":
            last.text = choose([f"[{first.text}, {first.text}]", f"{{'x': {first.text}}}", first.text])
        self.calls.write(signature, first, last)

    def call_method(self) -> None:
        script = self.script
        owners = [name for name in script.names("account") if script.data[name].typed]
        signature = script.rng.choice(METHODS)
        if owners:
            owner = script.named(script.rng.choice(owners))
        else:
            owner = script.named(script.assign("Account(10)", Datum("account", typed=True)))
        if signature.name != "rate" or owner.data[0].state != FUTURE:
            self.calls.write(signature, owner)

    def mutate(self) -> None:
        """The main program changes an object of its own."""
        script = self.script
        names = script.names(*MUTATIONS)
        if not names:
            return
        here = [name for name in names if script.data[name].state == HERE]
        name = script.rng.choice(here if here and script.rng.random() < 0.7 else names)
        script.take(script.data[name])
        script.emit(script.rng.choice(MUTATIONS[script.data[name].kind]).format(name))

    def observe(self) -> None:
        script = self.script
        if not script.data:
            return
        name = script.rng.choice(script.names())
        if script.data[name].state == FUTURE or script.rng.random() < 0.2:
            script.emit(f"seen.append(content_of(wait_on({name})))")
        else:
            script.take(script.data[name])
            script.emit(f"seen.append(content_of({name}))")

    def alias(self) -> None:
        if self.script.data:
            name = self.script.rng.choice(self.script.names())
            datum = self.script.data[name]
            self.script.assign(name, datum)

    def hold(self) -> None:
        """Put variables into an object in which Futures stay Futures."""
        script = self.script
        names = [name for name in script.names() if script.data[name].kind not in CONTAINERS]
        futures = [name for name in names if script.data[name].state == FUTURE]
        if names:
            target = script.new_name()
            script.emit(f"{target} = held(Holder({script.rng.choice(futures or names)}))")
            script.bind(target, Datum("int", FUTURE))

    def share(self) -> None:
        kind = self.script.rng.choice(["list", "array", "dict"])
        self.script.assign(f"share({self.script.rng.choice(LITERALS[kind])})", Datum(kind, FUTURE))

    def temporary(self) -> None:
        """Let a task change an object that nobody holds."""
        templates = ["Account(1).deposit({})", "append([4], {})", "append(make_list({0}), {0})", "gather([3], {0})",
                     "bump_items([3, [{0}]], 2)", "refill(Account(), {0})"]  # fmt: skip
        number = self.script.argument("int").text
        self.script.emit(self.script.rng.choice(templates).format(number))

    def drop(self) -> None:
        if len(self.script.data) > 1:
            self.script.drop(self.script.rng.choice(self.script.names()))


class ContainerStatements:
    """What is done with lists, dicts and tuples of which the content is known."""

    def __init__(self, script: Script, elements: Elements) -> None:
        self.script = script
        self.elements = elements
        self.statements = [(self.make, 4), (self.restructure, 3), (self.extract, 1)]

    def make(self) -> None:
        kind = self.script.rng.choice(["items", "items", "values", "row"])
        written = self.elements.write(kind)
        self.script.assign(written.text, written.data[0])

    def restructure(self) -> None:
        """Change a list or dict itself; nobody has to be waited for."""
        script = self.script
        names = script.names("items", "values")
        if not names:
            return
        name = script.rng.choice(names)
        parts = script.data[name].parts
        assert parts is not None
        if script.data[name].kind == "items":
            self._restructure_list(name, parts)
        elif len(parts) > 1 and script.rng.random() < 0.4:
            key = script.rng.choice(list(parts))
            script.emit(f"{name}.pop({key!r})")
            del parts[key]
        else:
            key, element = f"k{script.rng.randrange(4)}", self.elements.element(0)
            script.emit(f"{name}[{key!r}] = {element.text}")
            parts[key] = element.data[0]

    def _restructure_list(self, name: str, parts: dict[object, Datum]) -> None:
        script, listed = self.script, list(parts.values())
        how = script.rng.choice(["append", "pop", "reverse", "replace"] if listed else ["append"])
        if how == "pop":
            script.emit(f"{name}.pop()")
            listed.pop()
        elif how == "reverse":
            script.emit(f"{name}.reverse()")
            listed.reverse()
        else:
            element = self.elements.element(0)
            if how == "append":
                script.emit(f"{name}.append({element.text})")
                listed += element.data
            else:
                position = script.rng.randrange(len(listed))
                script.emit(f"{name}[{position}] = {element.text}")
                listed[position] = element.data[0]
        parts.clear()
        parts.update(enumerate(listed))

    def extract(self) -> None:
        """Give a name to an element."""
        script = self.script
        found = [(name, key, part) for name in script.names(*CONTAINERS)
                 for key, part in (script.data[name].parts or {}).items() if part.kind in (*THINGS, "int")]  # fmt: skip
        if found:
            name, key, part = script.rng.choice(found)
            is_constant = part.kind == "int" and part.state == HERE
            script.assign(f"{name}[{key!r}]", Datum("int") if is_constant else part)


class FileStatements:
    """What the main program does with files itself."""

    def __init__(self, script: Script, files: Files) -> None:
        self.script = script
        self.files = files
        self.statements = [(self.read, 2), (self.write, 2), (self.open, 2), (self.ask, 1), (self.delete, 1)]

    def read(self) -> None:
        there = [file for file in self.files.files.values() if file.state != ABSENT]
        if there:
            file = self.script.rng.choice(there)
            self.files.take(file)
            self.script.emit(f"seen.append(text_of({self.files.path(file).text}))")

    def write(self) -> None:
        there = [file for file in self.files.files.values() if file.state != ABSENT or "/" not in file.name]
        file = self.script.rng.choice(there)
        if file.state != ABSENT:
            self.files.take(file)
        number = self.script.rng.randrange(9)
        change = "add_to" if file.state == HERE and self.script.rng.random() < 0.5 else "write"
        self.script.emit(f'{change}({self.files.path(file).text}, "main {number}\\n")')
        file.state = HERE

    def open(self) -> None:
        there = [file for file in self.files.files.values() if file.state != ABSENT and not file.is_log]
        if not there:
            return
        file = self.script.rng.choice(there)
        path = self.files.path(file).text
        if self.script.rng.random() < 0.5:
            self.script.emit(f"with open_file({path}) as file:", "    seen.append(file.read())")
        else:
            mode = self.script.rng.choice("aw")
            self.script.emit(f'with open_file({path}, "{mode}") as file:', '    file.write("opened\\n")')
        self.script.emit("del file")
        file.state = HERE

    def ask(self) -> None:
        known = [*self.files.files.values(), *self.files.folders.values()]
        paths = [self.files.path(file).text for file in self.script.rng.sample(known, k=2)]
        form = self.script.rng.choice(["{}", "{}, {}", "[{}, {}]"])
        self.script.emit(f"seen.append(content_of(file_exists({form.format(*paths)})))")

    def delete(self) -> None:
        file = self.script.rng.choice([*self.files.files.values(), *self.files.folders.values()])
        folder = self.files.around(file)
        if "/" in file.name and file.state == CHANGING and (folder is None or folder.state != CHANGING):
            self.files.take(file)  # so that its directory is there
        self.script.emit(f"delete_file({self.files.path(file, plain=True).text})")
        file.state = ABSENT
        if file.name in self.files.folders:
            for each in self.files.inside(file):
                each.state = ABSENT
