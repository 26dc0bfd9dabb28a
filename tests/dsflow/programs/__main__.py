"""Show the program of a seed."""

import random
import sys

from tests.dsflow.programs import write_program

sys.stdout.write(write_program(random.Random(int(sys.argv[1])), n_statements=25))
