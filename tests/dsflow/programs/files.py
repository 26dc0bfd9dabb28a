"""Files and directories: which there are, how a program names them, and whether tasks are changing them."""

from __future__ import annotations

from tests.dsflow.programs.script import CHANGING, HERE, Datum, Expression, Script
from tests.dsflow.programs.signatures import Parameter

TEXTS = ["p.txt", "q.txt", "r.txt", "s/t.txt", "d/one.txt", "d/two.txt", "e/one.txt"]
LOGS = ["l.log", "m.log"]
FOLDERS = ["d", "e"]
INNER = ["one.txt", "two.txt"]

ABSENT = "absent"


class File(Datum):
    """A file or directory; it is data of its own, not a value of the program."""

    def __init__(self, name: str) -> None:
        super().__init__("", ABSENT)
        self.name = name

    @property
    def is_log(self) -> bool:
        return self.name in LOGS


class Files:
    """The files of a program."""

    kinds = ("file", "log", "files", "tree", "folder", "name", "names")

    def __init__(self, script: Script) -> None:
        self.script = script
        self.files = {name: File(name) for name in [*TEXTS, *LOGS]}
        self.folders = {name: File(name) for name in FOLDERS}

    def inside(self, folder: File) -> list[File]:
        return [file for file in self.files.values() if file.name.startswith(folder.name + "/")]

    def around(self, file: File) -> File | None:
        """The directory that a file is in, if it is one that tasks use."""
        return self.folders.get(file.name.partition("/")[0]) if "/" in file.name else None

    # --- as arguments ------------------------------------------------------------------------------------------------

    def choose(self, parameter: Parameter) -> Expression:
        rng = self.script.rng
        if parameter.kind == "name":
            return Expression(repr(rng.choice(INNER)), [])
        if parameter.kind == "names":
            return Expression(repr(rng.choice([INNER, INNER[:1], []])), [])
        if parameter.kind == "folder":
            return self.path(self.some(list(self.folders.values())))
        if parameter.kind == "log":
            return self.path(self.files[rng.choice(LOGS)])
        texts = [self.files[name] for name in TEXTS]
        if parameter.kind == "file":
            return self.path(self.some(texts))
        chosen = [self.path(file) for file in rng.sample(texts, k=rng.randint(1, 3))]
        if parameter.mark == "!" and rng.random() < 0.2:
            chosen.append(self.path(chosen[0].data[0]))
        parts = [f"[{each.text}]" if parameter.kind == "tree" and rng.random() < 0.2 else each.text for each in chosen]
        return Expression(f"[{', '.join(parts)}]", [file for each in chosen for file in each.data])

    def some(self, files: list[File]) -> File:
        there = [file for file in files if file.state != ABSENT]
        return self.script.rng.choice(there if there and self.script.rng.random() < 0.7 else files)

    def path(self, file: File, *, plain: bool = False) -> Expression:
        """An expression for a path, as a str or Path, or by way of a link."""
        forms = ['FOLDER + "/{}"'] if plain else ['FOLDER + "/{}"', 'f"{{FOLDER}}/{}"', 'Path(FOLDER, "{}")',
                                                  'FOLDER + "/./{}"']  # fmt: skip
        text = self.script.rng.choice(forms).format(file.name)
        if file.name == "p.txt" and not plain and self.script.rng.random() < 0.3:
            text = 'FOLDER + "/link.txt"'
        return Expression(text, [file])

    @staticmethod
    def go_together(argument: Expression, other: Expression, marks: str) -> bool:
        """Whether a call may write to one while it uses the other: one file may have two names if it is there."""
        names = [each.name for each in argument.data if isinstance(each, File)]
        others = [each.name for each in other.data if isinstance(each, File)]
        may_be_one = set(marks) <= {"!"}
        return not any(
            (x == y and not may_be_one) or x.startswith(y + "/") or y.startswith(x + "/") for x in names for y in others
        )

    def make_ready(self, parameter: Parameter, argument: Expression) -> None:
        """See to it that what is read is there."""
        if parameter.mark in ("", "!", "~"):
            for file in argument.data:
                if isinstance(file, File) and file.state == ABSENT:
                    self.make(file)

    def make(self, file: File) -> None:
        number = self.script.rng.randrange(9)
        path = self.path(file, plain=True).text
        if file.name in self.folders:
            names = self.script.rng.choice([INNER, INNER[:1]])
            self.script.emit(f"fill_folder({path}, {names}, {number})")
            self.note_folder(file, set(names), anew=True)
        elif "/" in file.name or self.script.rng.random() < 0.5:
            self.script.emit(f"write_text({path}, {number})")
            self.note_file(file)
        else:
            self.script.emit(f'write({path}, "begin {number}\\n")')
            file.state = HERE

    # --- after a call ------------------------------------------------------------------------------------------------

    def note(self, parameter: Parameter, argument: Expression, names: set[str]) -> None:
        """Note what a task has made of files; ``names`` are those it writes in a directory."""
        if not parameter.writes:
            return
        for file in argument.data:
            assert isinstance(file, File)
            if file.name not in self.folders:
                self.note_file(file)
            else:
                self.note_folder(file, names, anew=parameter.mark == ">")

    @staticmethod
    def names_in(parameter: Parameter, argument: Expression) -> list[str]:
        """The names of files that an argument consists of."""
        return [name for name in INNER if parameter.kind in ("name", "names") and repr(name) in argument.text]

    def note_file(self, file: File) -> None:
        file.state = CHANGING
        folder = self.around(file)
        if folder is not None and folder.state == ABSENT:
            folder.state = HERE

    def note_folder(self, folder: File, names: set[str], *, anew: bool) -> None:
        """Note that a task changes a directory, so that there are files of these names in it."""
        folder.state = CHANGING
        for file in self.inside(folder):
            is_there = file.name.partition("/")[2] in names or (file.state != ABSENT and not anew)
            file.state = CHANGING if is_there else ABSENT

    # --- waiting -----------------------------------------------------------------------------------------------------

    def take(self, file: File) -> None:
        """Wait for a file or directory, so that the main program may look at it and change it."""
        wait = "wait_on_directory" if file.name in self.folders else "wait_on_file"
        self.script.emit(f"{wait}({self.path(file).text})")
        file.state = HERE
        if file.name in self.folders:
            for each in self.inside(file):
                each.state = ABSENT if each.state == ABSENT else HERE
