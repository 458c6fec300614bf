"""The mutations of a module: one operator, comparison, condition or constant is another one."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
# What cannot change an answer: messages, annotations, and what only type checkers read.
_Silent = (ast.Raise, ast.Assert)
_FOR_OTHERS: Final = ("annotation", "returns", "decorator_list", "bases")
_FUNCTIONS_OF_MESSAGES: Final = ("warn", "TypeVar", "cast")


@dataclass(frozen=True)
class Mutation:
    """One change of a module.

    Attributes
    ----------
    number : int
        Its place among the mutations of the module.
    line : int
    text : str
        The line, without the blanks around it.
    before, after : str
        The changed expression.
    """

    number: int
    line: int
    text: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}"

    @property
    def name(self) -> str:
        """The mutation in words that do not change when lines are added before it."""
        return f"{self.text} | {self.before} -> {self.after}"


def mutations_of(source: str) -> list[Mutation]:
    """List all mutations of a module."""
    found = []
    lines = source.splitlines()
    for number, (node, changed) in enumerate(_changes(ast.parse(source))):
        before, after = (ast.unparse(each) for each in (node, changed))
        text = lines[node.lineno - 1].strip()
        found.append(Mutation(number, node.lineno, text, before, after))
    return found


def mutated(source: str, number: int) -> ast.Module:
    """Return the tree of a module with one of its mutations."""
    tree = ast.parse(source)
    for place, (node, changed) in enumerate(_changes(tree)):
        if place == number:
            node.__dict__ = changed.__dict__  # in place, so that its parent has the change
            node.__class__ = changed.__class__
            return tree
    raise IndexError(number)


def _changes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr | ast.stmt]]:
    """Yield the nodes that can be changed, each with a changed copy of it."""
    for node in _nodes(tree):
        for changed in _variants(node):
            yield node, ast.copy_location(changed, node)


def _nodes(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield the statements and expressions that decide what a program answers, in their order."""
    for name, value in ast.iter_fields(node):
        if name in _FOR_OTHERS or (name == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_silent(child):
                continue
            if isinstance(child, (ast.expr, ast.stmt)):
                yield child
            yield from _nodes(child)


def _is_silent(node: ast.AST) -> bool:
    if isinstance(node, _Silent):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
        return True
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return True
    if isinstance(node, ast.FunctionDef):
        return any(ast.unparse(each) == "overload" for each in node.decorator_list)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return True
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2] in _FUNCTIONS_OF_MESSAGES
    return isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom))


def _variants(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    """Yield changed copies of one node; its parts are changed on their own."""
    if isinstance(node, ast.Compare):
        for place, comparison in enumerate(node.ops):
            changed = copy.copy(node)
            changed.ops = list(node.ops)
            changed.ops[place] = _COMPARISONS[type(comparison)]()
            yield changed
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(other, node.values)
    elif isinstance(node, ast.BinOp):
        if type(node.op) in _OPERATORS:
            yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.AugAssign):
        if type(node.op) in _OPERATORS:
            yield ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
            yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node)
    elif isinstance(node, ast.Break):
        yield ast.Continue()
    elif isinstance(node, ast.Continue):
        yield ast.Break()
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield ast.Pass()  # a call for its effect


def _other_constants(node: ast.Constant) -> Iterator[ast.Constant]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 1.5 or 1.0)
    elif isinstance(value, str):
        yield ast.Constant(value + "x")
