"""What the random programs can call, as tables: a task, what it takes, what it gives.

What is taken is a kind, and a mark for what the task does with it: ``!`` changes it, ``>`` fills it, ``-`` is given it
for good, ``~`` changes it in any order with its like, ``|`` at the same time as its like; none reads it. ``any`` is
everything, also containers written in place; ``thing`` is an object that can change. ``items`` and ``values`` are a
list and a dict whose elements are data, at any depth, or with a ``1`` at the first. What is given is a new value; ``*``
says that its type is known before the task has run.
"""

from __future__ import annotations

from dataclasses import dataclass

MARKS = "!>-~|"


@dataclass(frozen=True)
class Parameter:
    kind: str
    mark: str = ""

    @property
    def writes(self) -> bool:
        return self.mark not in ("", "-")


@dataclass(frozen=True)
class Signature:
    name: str
    takes: tuple[Parameter, ...]
    gives: tuple[str, ...]
    is_method: bool = False

    @property
    def is_concurrent(self) -> bool:
        """Whether it writes to files, or lets tasks write to them, that others write to at the same time."""
        return any(parameter.kind == "log" for parameter in self.takes)


def _table(text: str, *, is_method: bool = False) -> list[Signature]:
    signatures = []
    for line in text.strip().splitlines():
        left, _, right = line.partition("->")
        name, *takes = left.split()
        parameters = tuple(Parameter(each.rstrip(MARKS), each[-1] if each[-1] in MARKS else "") for each in takes)
        gives = tuple(kind for kind in right.split() if kind != "none")
        signatures.append(Signature(name, parameters, gives, is_method))
    return signatures


OBJECTS = _table("""
add               int int -> int
slow_add          int int -> int
make_list         int -> list*
make_dict         int -> dict*
make_array        int -> array
split             list -> list list
describe          any -> int dict list
weight            any -> int
slow_weight       any -> int
weight_of_all     any any any -> int
deep_copy         any -> list
merged            list list -> list
total_of          array int -> int
append            list! int -> none
slow_append       list! int -> none
extend            list! list -> none
append_weight     list! any -> int
put               dict! int -> none
increase          array! int -> none
add_array         array! array -> none
exchange          list! list! -> none
append_pair       list! any -> list
open_account      int -> account*
transfer          account! any -> none
bump_each         thing! thing! -> int
add_twice         int int -> int
fibonacci         int -> int
nested_results    int -> dict
append_inside     list! int -> none
build_list        int -> list
sum_after_wait    any int -> int
append_in_group   list! int -> list
""")

DIRECTIONS = _table("""
refill                 thing> int -> none
refill_inside          thing> int -> none
refill_two             thing> thing> list! -> int
refill_each            thing> thing> -> none
weight_at_last         any- -> int
append_at_last         list! any- -> none
gather                 list~ int -> none
gather                 list~ int -> none
gather                 list~ int -> none
gather_weight          list~ any -> int
gather_two             list~ list~ int -> none
gather_and_append      list~ list! int -> none
gather_inside          list~ int -> none
gather_a_list          int -> list
count                  dict~ int -> none
increase_in_any_order  array~ int -> none
credit                 account~ int -> none
""")

METHODS = _table("""
deposit        account! int -> none
slow_withdraw  account! int -> int
compound       account! int -> none
credit         account~ int -> none
credit         account~ int -> none
reopen         account> int -> none
total          account int -> int
rate           account int -> int
""", is_method=True)  # fmt: skip

ELEMENTS = _table("""
weight_of_items           items -> int
content_of_items          items1 -> list
weight_of_rows            items items -> int
weight_of_values          values -> int
append_weights            list! items1 values1 -> none
weight_of_items_at_last   items- -> int
weight_of_values_at_last  values1- -> int
bump_items                items1! int -> none
bump_items                items1! int -> none
bump_deep                 items! int -> int
bump_rows                 int items1! items1! -> none
bump_two                  items1! items1! int -> none
bump_by_items             items1! items1 -> none
bump_values               values1! int -> none
bump_values_deep          values! int -> int
fill_items                items1> int -> none
fill_deep                 items> int -> none
fill_values               values1> int -> none
fill_from                 items1> items1 -> none
bump_inside               items1! int -> none
bump_deep_inside          items! int -> list
fill_inside               items1> int -> none
bump_values_inside        values1! int -> int
build_items               int -> list
bump_and_wait             int -> list
""")

FILES = _table("""
write_text            file> int -> none
write_text            log> int -> none
slow_write_text       file> any -> int
weight_of_file        file -> int
weight_of_file        log -> int
append_lines          list! file -> none
add_line              file! int -> none
add_line              log! int -> none
slow_double_file      file! -> int
copy_file             file file> -> none
join_files            file! file file -> none
exchange_files        file! file! -> none
gather_line           file~ int -> none
gather_line           file~ int -> none
log_line              log| int -> none
log_line              log| int -> none
log_and_write         log| file> int -> none
maybe_files           file file! -> int
print_to              file> int -> none
print_more            file! any -> int
warn_to               file> int -> none
warn_more             file! int -> none
print_in_any_order    log~ int -> none
print_together        log| int -> none
number_lines          file file> -> none
weight_of_input       file -> int
write_texts           tree> int -> none
weight_of_files       tree -> int
add_lines             tree! int -> none
join_into_each        tree tree> -> none
fill_folder           folder> names int -> none
fill_folder           folder> names int -> none
add_to_folder         folder! name int -> none
add_to_all_in_folder  folder! any -> none
weight_of_folder      folder -> int
list_folder           folder file> -> none
copy_into_folder      file folder! name -> none
write_inside          file> int -> none
weight_inside         file -> list
relay_file            file! int -> int
gather_line_inside    file~ int -> none
copy_by_way           file file> -> list
log_inside            log> int -> none
print_inside          file! int -> none
write_texts_inside    files> int -> none
fill_folder_inside    folder> names int -> none
relay_folder          folder! name int -> int
""")

POLICIES = _table("""
add_at_last          int int tries few -> int
retry_append         list! int tries few -> none
retry_increase       array! int tries few -> int list
retry_gather         list~ int tries few -> none
retry_bump_items     items1! int tries few -> none
retry_write          file> int tries few -> none
retry_add_line       file! int tries few -> int
retry_add_to_folder  folder! name tries few -> none
add_if_even          int int -> int
split_if_even        int -> int list
append_if_even       list! int -> none
append_or_reset      list! int -> int
gather_if_even       list~ int -> none
bump_items_if_even   items1! int -> int
refill_if_even       thing> int -> none
add_line_if_even     file! int -> none
write_if_even        file> int -> int
urgent_add           int int -> int
append_some_time     list! int -> none
modest_add           int int -> int
append_with_cpus     list! int cpus -> none
retry_modest_append  list! int tries few -> none
""")

TIMED = _table("""
add_in_time     int int -> int
append_in_time  list! file! int -> none
""")

FAILING = _table("""
append_or_fail    list! int -> none
deposit_or_fail   account! int -> none
add_line_or_fail  file! int -> none
""")
