"""Law 1: chosen programs on files and directories. What is in FOLDER at the end is compared too."""

import pytest

from tests.dsflow.programs import assert_same

CHOSEN = {
    "a file is written, changed and read": """
        p = Path(FOLDER, "p.txt")
        write_text(p, 1)
        n = weight_of_file(p)
        add_line(p, n)
        m = weight_of_file(str(p))
        write_text(p, m)
        wait_on_file(p)
        seen.append(text_of(p))
        add_line(p, 2)
        with open_file(p, "a") as file:
            file.write("main")
        k = weight_of_file(p)
        p = file = 0
    """,
    "main changes a file between calls, without waiting for its readers": """
        found = []
        for i in range(6):
            write(FOLDER + "/p.txt", str(i))
            found.append(weight_of_file(FOLDER + "/p.txt"))
    """,
    "many names of one file": """
        import os
        write(FOLDER + "/p.txt", "begin")
        for name in ("/p.txt", "/./p.txt", "/link.txt", "//p.txt"):
            add_line(FOLDER + name, 1)
        before = os.getcwd()
        os.chdir(FOLDER)
        add_line("p.txt", 2)
        add_line(Path("link.txt"), 3)
        write_text("q.txt", 3)
        os.chdir(before)
        n = weight_of_file(FOLDER + "/q.txt")
        before = 0
    """,
    "files are deleted and made again": """
        write_text(FOLDER + "/p.txt", 1)
        n = weight_of_file(FOLDER + "/p.txt")
        delete_file(FOLDER + "/p.txt")
        seen.append(file_exists(FOLDER + "/p.txt"))
        write_text(FOLDER + "/p.txt", 2)
        write_text(FOLDER + "/s/t.txt", 3)
        seen.append(file_exists(FOLDER + "/p.txt", [FOLDER + "/q.txt", FOLDER + "/s/t.txt"]))
        m = weight_of_file(FOLDER + "/p.txt")
        fill_folder(FOLDER + "/d", ["one.txt"], 1)
        delete_file(FOLDER + "/d/one.txt", FOLDER + "/p.txt")
        k = weight_of_folder(FOLDER + "/d")
    """,
    "files that may be missing": """
        write(FOLDER + "/p.txt", "begin")
        results = [maybe_files(), maybe_files(None, FOLDER + "/p.txt"), maybe_files(x=FOLDER + "/p.txt", y=None)]
    """,
    "lists of files": """
        paths = [FOLDER + "/p.txt", [Path(FOLDER, "q.txt"), [FOLDER + "/s/t.txt"]]]
        write_texts(paths, 1)
        n = weight_of_files(paths)
        add_line(FOLDER + "/q.txt", 2)
        add_lines(paths, 3)
        join_into_each(paths, [FOLDER + "/r.txt", FOLDER + "/e/one.txt"])
        add_lines([FOLDER + "/r.txt"], 4)
        paths = 0
    """,
    "files in any order, and at the same time": """
        p, l = FOLDER + "/p.txt", FOLDER + "/l.log"
        write(p, "begin\\n")
        for i in range(3):
            gather_line(p, slow_add(i, i))
            log_line(l, slow_add(i, -i))
            print_together(l, i)
            log_and_write(l, FOLDER + "/q.txt", i)
        n = [weight_of_file(p), weight_of_file(l)]
        add_line(l, 7)
        log_line(l, 8)
        gather_line_inside(p, 9)
        print_in_any_order(p, 10)
        wait_on_file(l)
        add_to(l, "main\\n")
        log_line(l, 11)
        p = l = 0
    """,
    "standard streams": """
        for i in range(5):
            print_to(FOLDER + f"/{i}.txt", i)
            warn_more(FOLDER + f"/{i}.txt", i)
            number_lines(FOLDER + f"/{i}.txt", FOLDER + f"/{i + 20}.txt")
        sizes = [weight_of_input(FOLDER + f"/{i + 20}.txt") for i in range(5)]
        for i in range(3):
            print_more(FOLDER + "/1.txt", sizes)
        warn_to(FOLDER + "/p.txt", 4)
    """,
    "a directory, and its files one by one": """
        d = FOLDER + "/d"
        fill_folder(d, ["one.txt", "two.txt"], 1)
        add_line(d + "/one.txt", 2)
        n = weight_of_folder(d)
        wait_on_file(d + "/one.txt")
        seen.append(text_of(d + "/one.txt"))
        add_to_folder(d, "three.txt", 3)
        with open_file(d + "/three.txt") as file:
            seen.append(file.read())
        write_text(d + "/four.txt", 4)
        seen.append(file_exists(d + "/four.txt", d + "/three.txt", d))
        add_to_all_in_folder(d, [n, 1])
        copy_file(d + "/one.txt", d + "/five.txt")
        m = weight_of_file(d + "/five.txt")
        write(d + "/six.txt", "main")
        list_folder(d, FOLDER + "/list.txt")
        fill_folder(d, ["seven.txt"], 1)
        k = weight_of_folder(FOLDER)
        d = file = 0
    """,
    "a directory that is made by writing a file in it": """
        write_text(FOLDER + "/e/one.txt", 1)
        seen.append(file_exists(FOLDER + "/e"))
        add_to_folder(FOLDER + "/e", "two.txt", 2)
        n = weight_of_folder(FOLDER + "/e")
        wait_on_directory(FOLDER + "/e")
        seen.append(text_of(FOLDER + "/e/two.txt"))
    """,
    "tasks that let tasks write their files": """
        write_inside(FOLDER + "/p.txt", 1)
        n = relay_file(FOLDER + "/p.txt", 2)
        results = [weight_inside(FOLDER + "/p.txt"), copy_by_way(FOLDER + "/p.txt", FOLDER + "/q.txt")]
        log_inside(FOLDER + "/l.log", 3)
        print_inside(FOLDER + "/q.txt", 4)
        write_texts_inside([FOLDER + "/r.txt", FOLDER + "/s/t.txt"], 5)
        fill_folder_inside(FOLDER + "/d", ["one.txt", "two.txt"], 6)
        m = relay_folder(FOLDER + "/d", "one.txt", 7)
    """,
}


ENGINES = ["serial", "threads", "dask", pytest.param("dask-inproc", marks=pytest.mark.slow)]


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_chosen_program_gives_what_it_gives_with_plain_functions(engine, name):
    assert_same(CHOSEN[name])
