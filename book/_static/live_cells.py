"""Runs the cells of a page inside the browser: what to run, in which order, and what it shows.

The worker loads this file into Pyodide; the tests load it into plain Python.
"""

import ast
import functools
import linecache
import symtable
import sys
import traceback

# Functions of NumPy that refuse 64-bit integers where the machine's own have 32; which argument.
NARROW = {"bincount": 0, "repeat": 1}
IMPORTS = (ast.Import, ast.ImportFrom)
BINDS_FOR_SURE = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, *IMPORTS)


def widen(numpy):
    """Let ``bincount`` and ``repeat`` take the integers that they take on the reader's own Python.

    Browsers have 32-bit integers; ``numpy.bincount(labels)`` must work there as anywhere.
    """

    def wide(function, position):
        @functools.wraps(function)
        def call(*arguments, **keywords):
            arguments = list(arguments)
            if position < len(arguments) and numpy.asarray(arguments[position]).dtype.kind in "iu":
                arguments[position] = numpy.asarray(arguments[position]).astype(numpy.intp)
            return function(*arguments, **keywords)

        return call

    for name, position in NARROW.items():
        setattr(numpy, name, wide(getattr(numpy, name), position))


class Generators(ast.NodeTransformer):
    """Make a generator of every comprehension.

    From Python 3.12 on a symbol table shows the variables of other comprehensions as those of the
    cell around them.
    """

    def visit_ListComp(self, node):
        self.generic_visit(node)
        return ast.GeneratorExp(node.elt, node.generators)

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node):
        self.generic_visit(node)
        return ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)


def globals_of(table):
    """The global names that a symbol table and those inside it read, and those it sets."""
    reads, sets = set(), set()
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if top or symbol.is_global():
            if symbol.is_referenced():
                reads.add(symbol.get_name())
            if symbol.is_assigned() or symbol.is_imported():
                sets.add(symbol.get_name())
    for child in table.get_children():
        inner = globals_of(child)
        reads |= inner[0]
        sets |= inner[1]
    return reads, sets


def changed_in_place(statement):
    """Names whose object a statement may change: x[i] = 1, x.a = 1, x += 1, x.append(1)."""
    found = set()
    for node in ast.walk(statement):
        target = None
        if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
            target = node.value
        elif isinstance(node, ast.AugAssign):
            target = node.target
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            # Only a method changes its object; print(x) does not change print.
            target = getattr(node.value.func, "value", None)
        while isinstance(target, (ast.Subscript, ast.Attribute)):
            target = target.value
        if isinstance(target, ast.Name):
            found.add(target.id)
    return found


class Flow:
    """What statements need from before them and give to those after, read in the order of running.

    What a block has bound before it reads it, such as the variable of a loop, it does not need.
    """

    def __init__(self):
        self.needs, self.gives, self.imported = set(), set(), set()

    def block(self, statements, bound):
        """Read statements before which some names are bound; return those bound after them."""
        for statement in statements:
            bound = self.statement(statement, bound)
        return bound

    def statement(self, node, bound):
        if isinstance(node, ast.For):
            head = ast.Assign([node.target], node.iter, lineno=node.lineno)
            self.block(node.body, self.simple(head, bound))
            self.block(node.orelse, bound)
        elif isinstance(node, (ast.If, ast.While)):
            # An assertion reads, and does no more.
            self.simple(ast.Assert(node.test), bound)
            branches = self.block(node.body, bound), self.block(node.orelse, bound)
            return set.intersection(*branches) if isinstance(node, ast.If) else bound
        elif isinstance(node, ast.With):
            for item in node.items:
                head = ast.Assert(item.context_expr)
                if item.optional_vars:
                    head = ast.Assign([item.optional_vars], head.test, lineno=node.lineno)
                bound = self.simple(head, bound)
            return self.block(node.body, bound)
        elif isinstance(node, ast.Try):
            self.block(node.orelse, self.block(node.body, bound))
            for handler in node.handlers:
                if handler.type:
                    self.simple(ast.Assert(handler.type), bound)
                self.block(handler.body, bound | {handler.name})
            self.block(node.finalbody, bound)
        else:
            return self.simple(node, bound)
        return bound

    def simple(self, statement, bound):
        changes = changed_in_place(statement)
        text = ast.unparse(Generators().visit(statement))
        reads, sets = globals_of(symtable.symtable(text, "cell", "exec"))
        self.needs |= (reads | changes) - bound
        self.gives |= sets | changes
        if isinstance(statement, IMPORTS):
            self.imported |= sets
        return bound | sets if isinstance(statement, BINDS_FOR_SURE) else bound


def names(source):
    """Return what a cell needs from before, what it gives to those after it, and its imports."""
    flow = Flow()
    try:
        flow.block(ast.parse(source).body, set())
    except SyntaxError:
        return set(), set(), set()
    return flow.needs, flow.gives, flow.imported


class Page:
    """The state of one page: its variables, and which run of which cell they come from."""

    def __init__(self):
        self.variables = {"__name__": "__main__"}
        self.ran = {}  # cell: its source then, and the number of the run
        self.owner = {}  # name: the cell that set it last
        self.clock = 0

    def plan(self, sources, last):
        """The cells to run, in the order of the page, so that cell ``last`` finds what it needs.

        A cell before it runs again only if it must: it has not run, its text or something it
        needs has changed since, or another cell has written over what it gave.
        """
        gives, givers = self.givers(sources[: last + 1])
        stale = self.stale(sources, givers)
        chosen, size = {last}, 0
        while len(chosen) > size:
            size = len(chosen)
            for i in sorted(chosen):
                for name, j in givers[i].items():
                    if j is None or j in chosen:
                        continue
                    overwritten = any(name in gives[k] for k in chosen if k < i)
                    if j in stale or self.owner.get(name) != j or overwritten:
                        chosen.add(j)
        return sorted(chosen)

    def plan_all(self, sources, long):
        """The cells to run with the whole page, and for each one left out the long cell it awaits.

        A long cell is left to its own Run. Where that was done, and its results are as they would
        be now, it awaits nothing, and is kept in place of being run.
        """
        _, givers = self.givers(sources)
        stale, awaited = self.stale(sources, givers), {}
        for i, before in enumerate(givers):
            if i in long:
                if i in stale or self.lost(i, givers):
                    awaited[i] = i
            else:
                for j in before.values():
                    if j in awaited:
                        awaited.setdefault(i, awaited[j])
        return [i for i in range(len(sources)) if i not in awaited], awaited

    def lost(self, index, givers):
        """Whether another cell has written over what this one gave to a later one."""
        given = {name for before in givers for name, j in before.items() if j == index}
        return any(self.owner.get(name) != index for name in given)

    def keep(self, index):
        """Take what a cell gave as if it had run now."""
        self.clock += 1
        self.ran[index] = (self.ran[index][0], self.clock)

    def givers(self, sources):
        """What each cell gives, and for each the names it needs with the cell that gives them."""
        needs, gives = self.names_of(sources)
        return gives, [
            {name: max((j for j in range(i) if name in gives[j]), default=None) for name in need}
            for i, need in enumerate(needs)
        ]

    def stale(self, sources, givers):
        """The cells that have not run, or whose text or something they need has changed since."""
        stale = set()
        for i, before in enumerate(givers):
            source, run = self.ran.get(i, (None, 0))
            earlier = [j for j in before.values() if j is not None]
            if source != sources[i] or any(j in stale or self.ran[j][1] > run for j in earlier):
                stale.add(i)
        return stale

    @staticmethod
    def names_of(sources):
        """Needs and gifts of each cell; a call on a module changes nothing of it."""
        modules, needs, gives = set(), [], []
        for source in sources:
            need, give, imported = names(source)
            modules |= imported
            needs.append(need)
            gives.append((give - modules) | imported)
        return needs, gives

    @classmethod
    def read(cls, sources):
        """For each cell, what it needs and what it gives, as sorted lists."""
        return [
            [sorted(need), sorted(give)] for need, give in zip(*cls.names_of(sources), strict=True)
        ]

    def run(self, index, source):
        """Run one cell; return its value as text and as HTML, its figures as SVG, and its error."""
        name = f"cell {index + 1}"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        self.clock += 1
        self.ran.pop(index, None)
        value = table = error = None
        try:
            tree = ast.parse(source, name)
            end = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), self.variables)
            if end is not None:
                value = eval(compile(ast.Expression(end.value), name, "eval"), self.variables)
            shown = value is not None and not source.rstrip().endswith(";")
            table = table_of(value) if shown else None
            value = repr(value) if shown else None
        except BaseException as exception:
            error = trimmed(exception)
        for given in names(source)[1]:
            self.owner[given] = index
        figures = drawn(index)
        sys.stdout.flush()
        if error is None:
            self.ran[index] = (source, self.clock)
        return {"value": value, "html": table, "figures": figures, "error": error}


def table_of(value):
    """The HTML of a value that is a table; of other values the page shows their text."""
    from dpnotes import diagnostics, show

    return value._repr_html_() if isinstance(value, (show.Listing, diagnostics.Mixing)) else None


def trimmed(exception):
    """A traceback with the frames of the page's cells alone."""
    report = traceback.TracebackException.from_exception(exception)
    part, seen = report, set()
    while part is not None and id(part) not in seen:
        seen.add(id(part))
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if frame.filename.startswith("cell ")]
        )
        part = part.__cause__ or part.__context__
    return "".join(report.format()).rstrip("\n")


def drawn(index):
    """Every open figure as the static page has it, with ids of its own; then close it."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return []
    from dpnotes import _svg

    pictures = [
        _svg.themed(plt.figure(number), f"drawn-{index + 1}-{place}-")
        for place, number in enumerate(plt.get_fignums())
    ]
    plt.close("all")
    return pictures
